aws s3api put-bucket-encryption --bucket "$LAB_BUCKET_DOCS" --server-side-encryption-configuration \
    'Rules=[{ApplyServerSideEncryptionByDefault={SSEAlgorithm=aws:kms,KMSMasterKeyID=11111111-2222-3333-4444-555555555555},BucketKeyEnabled=true}]'
aws s3 cp probe.txt "s3://$LAB_BUCKET_DOCS/probe.txt"
