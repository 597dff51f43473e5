import hashlib
import subprocess
from pathlib import Path

subprocess.run(["./recipe.sh"], check=True)
password = Path("my-aes-key.bin").read_bytes().split(b"\n")[0]
salt = bytes.fromhex("0102030405060708")
first = hashlib.sha256(password + salt).digest()
second = hashlib.sha256(first + password + salt).digest()
Path("derived.hex").write_text(f"{first.hex()} {second[:16].hex()}\n".upper())
