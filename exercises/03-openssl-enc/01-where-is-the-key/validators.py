"""What 3.1 checks: the recipe's output, and the key behind it; openssl itself opens the file for us."""

from __future__ import annotations

import hashlib
import re
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lab.exercise.api import Verdict, World, not_yet, passed

SALT = bytes.fromhex("0102030405060708")
OUTPUT = "encrypted-file.enc"
ANSWER = "derived.hex"


def recipe(world: World) -> Verdict:
    """The file opens with the password, by the recipe's derivation, and holds the plaintext."""
    sealed = world.read_file(OUTPUT)
    if sealed is None:
        return not_yet("missing-file", file=OUTPUT)
    if not sealed.startswith(b"Salted__"):
        return not_yet("no-header", size=len(sealed))
    plain = world.read_file("plaintext-file.txt")
    password = _password(world)
    if _opened(sealed, password, "-md", "sha256") == plain:
        return passed(salt=sealed[8:16].hex())
    for iterations in ("10000", "100000", "600000"):
        if _opened(sealed, password, "-pbkdf2", "-iter", iterations) == plain:
            return not_yet("pbkdf2-file", iterations=int(iterations))
    return not_yet("other-file", size=len(sealed))


def derived(world: World) -> Verdict:
    """The digits are the key for the fixed salt; the likeliest other values have names."""
    text = world.read_file(ANSWER)
    if text is None:
        return not_yet("missing-file", file=ANSWER)
    digits = _digits(text.decode("utf-8", "replace"))
    password, whole = _password(world), bytes.fromhex(world.fact("key-file"))
    key, vector = _derive(password, SALT)
    if digits == key.hex() or digits == (key + vector).hex():
        return passed()
    if digits in (whole.hex(), whole.hex()[:64]):
        return not_yet("file-as-key")
    if digits == password.hex():
        return not_yet("password-as-key", length=len(password))
    named = {
        "line-end-hashed": _derive(password + b"\n", SALT)[0],
        "whole-file-hashed": _derive(whole, SALT)[0],
        "hash-without-salt": hashlib.sha256(password).digest(),
        "salt-last-missing": hashlib.sha256(SALT + password).digest(),
        "pbkdf2-used": hashlib.pbkdf2_hmac("sha256", password, SALT, 10_000, 32),
        "md5-used": _derive(password, SALT, "md5")[0],
    }
    for code, value in named.items():
        if digits[:64] == value.hex():
            return not_yet("wrong-order" if code == "salt-last-missing" else code)
    sealed = world.read_file(OUTPUT) or b""
    if sealed.startswith(b"Salted__") and digits[:64] == _derive(password, sealed[8:16])[0].hex():
        return not_yet("salt-of-the-file", salt=sealed[8:16].hex())
    if len(digits) not in (64, 96) or not re.fullmatch("[0-9a-f]*", digits):
        return not_yet("not-64-digits", length=len(digits))
    return not_yet("another-key")


def figures(world: World) -> Mapping[str, str]:
    """How many of the 32 bytes counted, and the salt of the learner's own file."""
    sealed = world.read_file(OUTPUT) or b""
    salt = {"salt": sealed[8:16].hex()} if sealed.startswith(b"Salted__") else {}
    return {"password_bytes": str(len(_password(world))), **salt}


def _password(world: World) -> bytes:
    """What openssl reads: the bytes before the first newline or zero byte."""
    whole = bytes.fromhex(world.fact("key-file"))
    return re.split(rb"[\n\0]", whole, maxsplit=1)[0]


def _derive(password: bytes, salt: bytes, digest: str = "sha256") -> tuple[bytes, bytes]:
    """EVP_BytesToKey with one iteration: 32 key bytes and 16 IV bytes (OpenSSL manual, EVP_BytesToKey)."""
    material, block = b"", b""
    while len(material) < 48:
        block = hashlib.new(digest, block + password + salt).digest()
        material += block
    return material[:32], material[32:48]


def _digits(text: str) -> str:
    """The hexadecimal digits of the answer; openssl's own ``key=…`` and ``iv =…`` lines are understood."""
    lines = re.findall(r"(?im)^\s*(key|iv)\s*=\s*([0-9a-f]+)\s*$", text)
    found: dict[str, str] = {name.lower(): value for name, value in lines}
    if "key" in found:
        return (found["key"] + found.get("iv", "")).lower()
    return re.sub(r"\s+|^0x", "", text).lower()


def _opened(sealed: bytes, password: bytes, *derivation: str) -> bytes | None:
    """The plaintext that openssl gets out of the file with this password, None where it gets none."""
    with tempfile.TemporaryDirectory() as folder:
        source, secret = Path(folder, "sealed"), Path(folder, "password")
        source.write_bytes(sealed)
        secret.write_bytes(password + b"\n")
        run = subprocess.run(
            ["openssl", "enc", "-d", "-aes-256-cbc", *derivation, "-in", source, "-pass", f"file:{secret}"],
            capture_output=True,
            check=False,
            timeout=5,
        )
        return run.stdout if run.returncode == 0 else None
