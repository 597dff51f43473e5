for name in a.txt b.txt c.txt; do aws s3 cp "plain/$name" "s3://$LAB_BUCKET_ENV/$name" --sse aws:kms --sse-kms-key-id "$LAB_KEY_MAIN"; done
