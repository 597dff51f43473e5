aws s3 cp note.txt "s3://$LAB_BUCKET_DESK/note.txt"
echo more >> note.txt
