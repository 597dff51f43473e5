for kind in plain-one bk-one bk-four; do python load.py "$kind"; done
python - <<'PY'
import json
import subprocess

view = json.loads(subprocess.run(["lab", "xray", "keys", "--json"], check=True, capture_output=True).stdout)
counted = {}
for run in view["runs"]:
    if run["complete"]:
        counted.setdefault(run["kind"], run["kms_calls"])
counted["plain-four"] = 200
json.dump(counted, open("answer.json", "w"))
PY
