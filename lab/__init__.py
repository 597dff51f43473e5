"""S3 Encryption Lab: learn Amazon S3 encryption by doing it, against an AWS that answers truthfully."""

__version__ = "0.1.0"
