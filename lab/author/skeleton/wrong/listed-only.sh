aws s3 ls "s3://$LAB_BUCKET_DESK"
