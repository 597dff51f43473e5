aws kms schedule-key-deletion --key-id "$LAB_KEY_MAIN" --pending-window-in-days 7
aws s3api get-object --bucket "$LAB_BUCKET_PLUG" --key kms.txt out.txt
aws s3api put-object --bucket "$LAB_BUCKET_PLUG" --key new.txt --body new.txt
aws s3api get-object --bucket "$LAB_BUCKET_PLUG" --key s3.txt out.txt
