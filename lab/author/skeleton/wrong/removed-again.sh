aws s3 cp note.txt "s3://$LAB_BUCKET_DESK/note.txt"
aws s3 rm "s3://$LAB_BUCKET_DESK/note.txt"
