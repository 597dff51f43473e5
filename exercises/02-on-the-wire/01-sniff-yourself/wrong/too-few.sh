aws s3api put-object --bucket "$LAB_BUCKET_CLINIC" --key patient.txt --body patient.txt
echo "{\"bucket\": \"$LAB_BUCKET_CLINIC\", \"key\": \"patient.txt\"}" > leaks.json
aws --endpoint-url "$LAB_HTTPS" s3 cp patient-2.txt "s3://$LAB_BUCKET_CLINIC/patient-2.txt"
