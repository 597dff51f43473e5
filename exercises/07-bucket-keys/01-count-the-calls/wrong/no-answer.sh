for kind in plain-one plain-four bk-one bk-four; do python load.py "$kind"; done
