chmod 600 sse-c-key.txt
(umask 077; head -c 32 sse-c-key.txt > key.bin)
aws s3api put-object --bucket "$LAB_BUCKET_VAULT" --key secret-file.txt --body secret-file.txt \
    --sse-customer-algorithm AES256 --sse-customer-key fileb://key.bin
