aws s3 ls "s3://$LAB_BUCKET_CLINIC/"
aws --endpoint-url "$LAB_HTTPS" s3 cp patient-2.txt "s3://$LAB_BUCKET_CLINIC/patient-2.txt"
