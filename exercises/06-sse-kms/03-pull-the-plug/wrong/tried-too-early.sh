aws s3api get-object --bucket "$LAB_BUCKET_PLUG" --key kms.txt out.txt
aws s3api put-object --bucket "$LAB_BUCKET_PLUG" --key new.txt --body new.txt
aws s3api get-object --bucket "$LAB_BUCKET_PLUG" --key s3.txt out.txt
aws kms disable-key --key-id "$LAB_KEY_MAIN"
aws kms enable-key --key-id "$LAB_KEY_MAIN"
aws s3api get-object --bucket "$LAB_BUCKET_PLUG" --key kms.txt out.txt
