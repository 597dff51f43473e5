sed 's/^OBJECTS = .*/OBJECTS = 4/' load.py > short.py
python short.py bk-one
for kind in plain-one plain-four bk-one bk-four; do python load.py "$kind"; done
