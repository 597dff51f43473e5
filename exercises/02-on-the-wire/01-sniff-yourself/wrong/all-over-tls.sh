aws --endpoint-url "$LAB_HTTPS" s3 cp patient.txt "s3://$LAB_BUCKET_CLINIC/patient.txt"
aws --endpoint-url "$LAB_HTTPS" s3 cp patient-2.txt "s3://$LAB_BUCKET_CLINIC/patient-2.txt"
