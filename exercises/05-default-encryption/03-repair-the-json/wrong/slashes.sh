sed -i.before -e 's/ #/ \/\//' -e 's/KMSMasterKeyId/KMSMasterKeyID/' -e '/KMSMasterKeyID/s/,$//' cfg.json
aws s3api put-bucket-encryption --bucket "$LAB_BUCKET_DOCS" --server-side-encryption-configuration file://cfg.json
aws s3 cp probe.txt "s3://$LAB_BUCKET_DOCS/probe.txt"
