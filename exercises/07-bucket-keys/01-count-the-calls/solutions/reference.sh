#!/usr/bin/env bash
set -euo pipefail
for kind in plain-one plain-four bk-one bk-four; do python load.py "$kind"; done
python - <<'PY'
import json
import subprocess

view = json.loads(subprocess.run(["lab", "xray", "keys", "--json"], check=True, capture_output=True).stdout)
counted = {}
for run in view["runs"]:
    if run["complete"]:
        counted.setdefault(run["kind"], run["kms_calls"])
json.dump(counted, open("answer.json", "w"))
PY
