chmod 600 sse-c-key.txt
aws s3 cp secret-file.txt "s3://$LAB_BUCKET_VAULT/secret-file.txt"
