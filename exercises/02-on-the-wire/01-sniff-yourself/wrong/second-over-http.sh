aws s3api put-object --bucket "$LAB_BUCKET_CLINIC" --key patient.txt --body patient.txt
lab xray wire --raw > recording.bin
access_key_id=$(grep -ao "Credential=[A-Z0-9]*" recording.bin | head -1 | cut -d= -f2)
echo "{\"body\": \"to be seen by the ward only\", \"bucket\": \"$LAB_BUCKET_CLINIC\", \"key\": \"patient.txt\", \"access_key_id\": \"$access_key_id\"}" > leaks.json
aws s3 cp patient-2.txt "s3://$LAB_BUCKET_CLINIC/patient-2.txt"
