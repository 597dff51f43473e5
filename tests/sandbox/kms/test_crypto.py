"""Ciphertext blobs: what opens them, and that nothing else does."""

from __future__ import annotations

import os
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sandbox.kms import crypto

SECRET = bytes(range(32))
KEY, MATERIAL = str(uuid4()), os.urandom(32).hex()
contexts = st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=4)


def seal(plaintext: bytes = b"data key", context: dict[str, str] | None = None) -> bytes:
    return crypto.seal(SECRET, KEY, MATERIAL, plaintext, context or {})


def open_blob(blob: bytes, context: dict[str, str]) -> bytes:
    """As KMS does: what the blob says about itself, then its contents."""
    crypto.read_names(blob)
    return crypto.unseal(SECRET, blob, context)


@given(plaintext=st.binary(min_size=1, max_size=4096), context=contexts)
def test_a_blob_opens_with_its_context_and_names_its_key(plaintext: bytes, context: dict[str, str]) -> None:
    blob = seal(plaintext, context)
    assert crypto.read_names(blob) == (KEY, MATERIAL)
    assert crypto.unseal(SECRET, blob, dict(reversed(context.items()))) == plaintext
    assert len(plaintext) < 4 or plaintext not in blob


@given(context=contexts, other=contexts)
def test_another_context_does_not_open_it(context: dict[str, str], other: dict[str, str]) -> None:
    assert (crypto.canonical_context(context) == crypto.canonical_context(other)) == (context == other)
    if context != other:
        with pytest.raises(crypto.Damaged):
            crypto.unseal(SECRET, seal(context=context), other)


@pytest.mark.parametrize(
    ("context", "other"),
    [
        ({"a": "bc"}, {"ab": "c"}),
        ({"a": "b", "c": "d"}, {"a": "bc", "d": ""}),
        ({"a": ""}, {}),
        ({"": "a"}, {"a": ""}),
        ({"a": "1", "b": "2"}, {"a": "2", "b": "1"}),
        ({"a": "é"}, {"a": "e\u0301"}),
        ({"Bucket": "x"}, {"bucket": "x"}),
    ],
)
def test_contexts_that_look_alike_differ(context: dict[str, str], other: dict[str, str]) -> None:
    with pytest.raises(crypto.Damaged):
        crypto.unseal(SECRET, seal(context=context), other)


@given(data=st.data())
def test_any_flipped_bit_is_noticed(data: st.DataObject) -> None:
    blob = bytearray(seal(b"x" * 32, {"purpose": "test"}))
    position = data.draw(st.integers(0, len(blob) * 8 - 1))
    blob[position // 8] ^= 1 << position % 8
    with pytest.raises(crypto.Damaged):
        open_blob(bytes(blob), {"purpose": "test"})


@given(st.binary(max_size=300))
def test_what_is_not_a_blob_is_noticed(garbage: bytes) -> None:
    with pytest.raises(crypto.Damaged):
        crypto.read_names(garbage)


@given(cut=st.integers(1, 60))
def test_a_shortened_or_lengthened_blob_is_noticed(cut: int) -> None:
    blob = seal()
    for changed in (blob[:-cut], blob + bytes(cut)):
        with pytest.raises(crypto.Damaged):
            open_blob(changed, {})


def test_other_material_does_not_open_it() -> None:
    with pytest.raises(crypto.Damaged):
        crypto.unseal(bytes(32), seal(), {})


def test_the_same_plaintext_gives_another_blob_each_time() -> None:
    assert len({seal() for _ in range(50)}) == 50
