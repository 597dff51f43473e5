chmod 600 sse-c-key.txt
(umask 077; base64 -d sse-c-key.txt > key.bin)
for url in "$LAB_HTTP" "$LAB_HTTPS"; do
    aws --endpoint-url "$url" s3api put-object --bucket "$LAB_BUCKET_VAULT" --key secret-file.txt \
        --body secret-file.txt --sse-customer-algorithm AES256 --sse-customer-key fileb://key.bin
done
