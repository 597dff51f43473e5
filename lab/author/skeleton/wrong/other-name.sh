aws s3 cp note.txt "s3://$LAB_BUCKET_DESK/notes.txt"
