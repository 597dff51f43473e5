"""KMS, our own: real AES-256-GCM under key material that never leaves, key states, and one event per call."""

from lab.sandbox.kms.door import handle
from lab.sandbox.kms.service import KmsService

__all__ = ["KmsService", "handle"]
