"""At rest: what lies on the disk, in which layers, under whose keys, and what stays readable beside it."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from lab.backends.protocol import AtRest
from lab.xray.source import Source
from lab.xray.view import Line, View, bad, dim, good, line, mark, plural, strong

SHOWN_OBJECTS = 8
FIXED_SALT = "0102030405060708"
_MAGIC = b"Salted__"
_LARGEST_FILE = 1 << 20
_MODES = {
    "AES256": "SSE-S3",
    "aws:kms": "SSE-KMS",
    "aws:kms:dsse": "DSSE-KMS",
    "SSE-C": "SSE-C",
}


def rest_view(source: Source) -> View:
    """Objects of this exercise as they lie on the disk, newest first, and files that openssl enc made."""
    objects = _objects(source) if "at_rest" in source.capabilities else []
    files = _salted_files(source.workspace)
    lines: list[Line] = []
    for item in files:
        lines += _file_lines(item)
    for item in objects:
        lines += _object_lines(item)
    data = {"objects": objects, "files": files}
    if lines:
        return View("rest", "At rest", tuple(lines), data)
    if "at_rest" not in source.capabilities:
        return View("rest", "At rest", (), data, "This back end does not let anybody look at its disk.")
    return View("rest", "At rest", (), data, "Nothing is stored yet. Upload an object, then look again.")


def _objects(source: Source) -> list[dict[str, Any]]:
    seen: dict[tuple[str, str, str | None], None] = {}
    for event in reversed(source.events()):
        if event.step == "stored" and event.data["part_number"] is None:
            seen.setdefault((event.data["bucket"], event.data["key"], event.data["version_id"]))
    found: list[dict[str, Any]] = []
    for bucket, key, version in seen:
        unversioned = version in (None, "null")
        rest = source.at_rest(bucket, key, None if unversioned else version)
        if rest is not None:
            found.append(_object(bucket, key, version, rest))
        if len(found) == SHOWN_OBJECTS:
            break
    return found


def _object(bucket: str, key: str, version: str | None, rest: AtRest) -> dict[str, Any]:
    envelope = rest.envelope
    return {
        "bucket": bucket,
        "key": key,
        "version_id": version,
        "mode": envelope["mode"],
        "layers": list(envelope["layers"]),
        "context": envelope.get("context"),
        "bucket_key": envelope.get("bucket_key"),
        "customer_key_md5": envelope.get("customer_key_md5"),
        "plaintext_size": rest.plaintext_size,
        "size_on_disk": rest.size_on_disk,
        "head": rest.head.hex(),
        "etag": rest.etag,
        "etag_is_md5": envelope["mode"] == "AES256" and "-" not in rest.etag,
        "metadata": dict(rest.metadata),
        "parts": len(rest.parts),
        "file": rest.path.name,
    }


def _object_lines(item: dict[str, Any]) -> list[Line]:
    mode = _MODES.get(item["mode"], item["mode"])
    lines = [
        line(strong(f"{item['bucket']}/{item['key']}  "), good(mode) if item["layers"] else bad("not encrypted")),
        line(dim("on the disk  "), _hex(item["head"]), indent=2),
        line(
            dim(f"{item['plaintext_size']} bytes of content, {item['size_on_disk']} on the disk, in {item['file']}"),
            indent=2,
        ),
    ]
    for number, layer in enumerate(item["layers"], start=1):
        source = layer.get("key_source", "")
        key = f" {layer['kms_key_arn']}" if layer.get("kms_key_arn") else ""
        wrapped = f", wrapped key {layer['wrapped_key_bytes']} bytes" if layer.get("wrapped_key_bytes") else ""
        lines.append(
            line(
                mark(f"layer {number} "),
                f"{layer.get('algorithm', '')}, nonce {layer.get('nonce', '')}, ",
                dim(f"key from {source}{key}{wrapped}"),
                indent=2,
            )
        )
    if item["customer_key_md5"]:
        lines.append(line(dim("kept of the key  "), f"a salted HMAC, and its MD5 {item['customer_key_md5']}", indent=2))
    if item["context"]:
        context = ", ".join(f"{name}={value}" for name, value in item["context"].items())
        lines.append(line(dim("encryption context  "), context, indent=2))
    readable = [item["key"], *(f"{name}: {value}" for name, value in item["metadata"].items())]
    lines.append(line(dim("readable beside it  "), ", ".join(readable), indent=2))
    remark = " (MD5 of the content)" if item["etag_is_md5"] else " (not the MD5 of the content)"
    lines.append(line(dim("ETag  "), item["etag"], dim(remark), indent=2))
    if item["parts"]:
        lines.append(line(dim(plural(item["parts"], "part")), indent=2))
    return lines


def _hex(head: str, count: int = 32) -> str:
    raw = bytes.fromhex(head)[:count]
    text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in raw)
    return f"{raw.hex(' ', 4)}  {text}"


def _salted_files(workspace: Path) -> list[dict[str, Any]]:
    """Files of the workspace that ``openssl enc`` wrote with a salt, and the keys behind them."""
    found = []
    for path in sorted(workspace.glob("*")):
        if not path.is_file() or path.stat().st_size > _LARGEST_FILE:
            continue
        with path.open("rb") as stream:
            head = stream.read(64)
        if not head.startswith(_MAGIC):
            continue
        answered = (workspace / "derived.hex").is_file()
        found.append(_salted(path, head, _password_file(workspace), answered=answered))
    return found


def _salted(path: Path, head: bytes, password_file: Path | None, *, answered: bool) -> dict[str, Any]:
    salt = head[8:16]
    item: dict[str, Any] = {
        "file": path.name,
        "header": _MAGIC.decode(),
        "salt": salt.hex(),
        "ciphertext": head[16:].hex(),
        "size": path.stat().st_size,
        "password_file": None,
    }
    if password_file is not None:
        password = password_of(password_file.read_bytes())
        item |= {
            "password_file": password_file.name,
            "password_bytes": len(password),
            "derived_key": derive(password, salt).hex(),
            "fixed_salt": FIXED_SALT,
            # The fixed salt's key is what exercise 3.1 asks for: shown beside an answer, not in place of one.
            "fixed_salt_key": derive(password, bytes.fromhex(FIXED_SALT)).hex() if answered else None,
        }
    return item


def _password_file(workspace: Path) -> Path | None:
    return next((path for path in sorted(workspace.glob("*key*.bin")) if path.stat().st_size <= 4096), None)


def password_of(content: bytes) -> bytes:
    """What ``-pass file:`` reads: the bytes before the first newline or zero byte (observed, OpenSSL 3)."""
    return re.split(rb"[\n\0]", content, maxsplit=1)[0]


def derive(password: bytes, salt: bytes) -> bytes:
    """The AES-256 key of ``openssl enc`` without PBKDF2: SHA-256 of password and salt, once (EVP_BytesToKey)."""
    return hashlib.sha256(password + salt).digest()


def _file_lines(item: dict[str, Any]) -> list[Line]:
    lines = [
        line(strong(f"{item['file']}  "), dim(f"{item['size']} bytes, made by openssl enc")),
        line(dim("header "), mark(item["header"]), dim("  salt "), mark(item["salt"]), indent=2),
        line(dim("ciphertext "), bytes.fromhex(item["ciphertext"])[:24].hex(" ", 4), " ...", indent=2),
    ]
    if item["password_file"]:
        lines += [
            line(dim(f"password: the first {item['password_bytes']} bytes of {item['password_file']}"), indent=2),
            line(dim("key derived from that salt  "), item["derived_key"], indent=2),
            line(
                dim(f"another key, for the salt {item['fixed_salt']}  "),
                item["fixed_salt_key"] or dim("shown when derived.hex is there"),
                indent=2,
            ),
            line(dim("(with -S, OpenSSL 3 writes no header: that salt is in no file)"), indent=2),
        ]
    return lines
