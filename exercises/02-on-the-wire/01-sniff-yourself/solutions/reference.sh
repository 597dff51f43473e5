#!/usr/bin/env bash
set -euo pipefail
aws s3api put-object --bucket "$LAB_BUCKET_CLINIC" --key patient.txt --body patient.txt --metadata ward=north
lab xray wire --raw > recording.bin
access_key_id=$(grep -ao 'Credential=[A-Z0-9]*' recording.bin | head -1 | cut -d= -f2)
signature=$(grep -ao 'Signature=[0-9a-f]*' recording.bin | head -1 | cut -d= -f2)
cat > leaks.json <<JSON
{"body": "to be seen by the ward only", "bucket": "$LAB_BUCKET_CLINIC", "key": "patient.txt",
 "access_key_id": "$access_key_id", "signature": "$signature", "metadata": "north"}
JSON
aws --endpoint-url "$LAB_HTTPS" s3 cp patient-2.txt "s3://$LAB_BUCKET_CLINIC/patient-2.txt"
