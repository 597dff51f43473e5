aws s3api put-object --bucket "$LAB_BUCKET_RECORDS" --key record.txt --body record.txt
aws s3api put-bucket-encryption --bucket "$LAB_BUCKET_RECORDS" --server-side-encryption-configuration \
    "{\"Rules\":[{\"ApplyServerSideEncryptionByDefault\":{\"SSEAlgorithm\":\"aws:kms:dsse\",\"KMSMasterKeyID\":\"$LAB_KEY_A\"}}]}"
echo '{"kms_keys": 1, "layer_1_applied_by": "S3", "layer_2_applied_by": "S3", "layer_2_key_managed_by": "S3"}' > answer.json
