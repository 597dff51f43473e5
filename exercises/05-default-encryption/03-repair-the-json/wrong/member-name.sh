sed -i.before -e 's/ #.*//' -e '/KMSMasterKeyId/s/,$//' cfg.json
aws s3api put-bucket-encryption --bucket "$LAB_BUCKET_DOCS" --server-side-encryption-configuration file://cfg.json
