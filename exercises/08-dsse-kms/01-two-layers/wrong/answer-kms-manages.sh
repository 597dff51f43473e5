aws s3api put-object --bucket "$LAB_BUCKET_RECORDS" --key record.txt --body record.txt --server-side-encryption aws:kms:dsse --ssekms-key-id "$LAB_KEY_A"
echo '{"kms_keys": 1, "layer_1_applied_by": "S3", "layer_2_applied_by": "S3", "layer_2_key_managed_by": "KMS"}' > answer.json
