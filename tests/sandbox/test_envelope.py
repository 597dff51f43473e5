"""Envelopes: wrapping of data keys, and what is kept of a customer's key."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.sandbox import envelope, graph
from lab.sandbox.blobs import DamagedError
from lab.sandbox.envelope import CustomerKeyRecord, DataKeys, Envelope, Layer, RootKey


def test_the_root_key_is_made_once_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    wrapped = RootKey(path).wrap(b"k" * 32, b"purpose")
    assert path.stat().st_mode & 0o777 == 0o600
    assert RootKey(path).unwrap(wrapped, b"purpose") == b"k" * 32


def test_a_data_key_opens_for_its_purpose_only(tmp_path: Path) -> None:
    root = RootKey(tmp_path / "root.key")
    wrapped = root.wrap(b"k" * 32, b"one object")
    for data, purpose in ((wrapped, b"another object"), (wrapped[:-1] + bytes([wrapped[-1] ^ 1]), b"one object")):
        with pytest.raises(DamagedError):
            root.unwrap(data, purpose)
    under = envelope.wrap_under(b"b" * 32, b"k" * 32, b"one object")
    assert envelope.unwrap_under(b"b" * 32, under, b"one object") == b"k" * 32
    with pytest.raises(DamagedError):
        envelope.unwrap_under(b"c" * 32, under, b"one object")


def test_a_damaged_root_key_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "root.key"
    path.write_bytes(b"short")
    with pytest.raises(DamagedError):
        RootKey(path)
    assert path.read_bytes() == b"short"


def test_a_customers_key_is_recognized_by_a_salted_digest() -> None:
    first, second = (CustomerKeyRecord.of(b"k" * 32, "md5") for _ in range(2))
    assert first.matches(b"k" * 32)
    assert not first.matches(b"j" * 32)
    assert (first.salt, first.digest) != (second.salt, second.digest)
    assert b"k" * 32 not in repr(first).encode()


def test_keys_in_the_clear_do_not_show() -> None:
    assert "kkkk" not in repr(DataKeys((b"k" * 32,)))


def test_an_envelope_is_kept_as_it_is() -> None:
    whole = Envelope(
        "aws:kms",
        (Layer("layer 1", "kms", b"wrapped", "arn"),),
        "arn",
        (("aws:s3:arn", "arn:aws:s3:::b/k"),),
        customer=CustomerKeyRecord.of(b"k" * 32, "md5"),
    )
    assert graph.decode(graph.encode(whole)) == whole
