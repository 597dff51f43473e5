for n in 1 2 3; do aws s3api put-object --bucket "$LAB_BUCKET_BK" --key "$n" --body load.py --profile solo; done
