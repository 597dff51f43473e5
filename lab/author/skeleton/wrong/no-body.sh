aws s3api put-object --bucket "$LAB_BUCKET_DESK" --key note.txt
