aws kms schedule-key-deletion --key-id "$LAB_KEY_MAIN" --pending-window-in-days 7
aws s3api get-object --bucket "$LAB_BUCKET_PLUG" --key kms.txt out.txt
aws kms cancel-key-deletion --key-id "$LAB_KEY_MAIN"
aws s3api get-object --bucket "$LAB_BUCKET_PLUG" --key kms.txt out.txt
