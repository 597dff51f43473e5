aws s3api put-object --bucket "$LAB_BUCKET_RECORDS" --key record.txt --body record.txt --server-side-encryption aws:kms:dsse --ssekms-key-id "$LAB_KEY_A"
