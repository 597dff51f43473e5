"""Documents: what goes in comes out, and nothing foreign gets in."""

from __future__ import annotations

import datetime as dt
import json
import re
import threading
from collections import OrderedDict, defaultdict, deque
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.sandbox.graph import ForeignDocumentError, NotKeepableError, decode, encode
from lab.sandbox.identity import ANONYMOUS, Identity
from lab.sandbox.kms.state import KeyMaterial, KmsKey, KmsState, Rotation

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text() | st.integers() | st.binary(), inner)
        | st.tuples(inner, inner)
        | st.sets(st.integers() | st.text())
        | st.frozensets(st.text())
    ),
    max_leaves=20,
)


def there_and_back(value: Any, externals: dict[str, object] | None = None) -> Any:
    """Through JSON text, as on the disk."""
    return decode(json.loads(json.dumps(encode(value, externals))), externals)


@given(VALUES)
def test_values_come_back_equal(value: Any) -> None:
    assert there_and_back(value) == value


@pytest.mark.parametrize(
    "value",
    [
        dt.datetime(2026, 4, 1, 12, 0, 1, 5, tzinfo=dt.UTC),
        dt.datetime(2026, 4, 1, 12),  # noqa: DTZ001 - moto's are naive
        dt.date(2026, 4, 1),
        dt.timedelta(days=-3, microseconds=1),
        dt.timezone(dt.timedelta(hours=2)),
        Path("/a/b"),
        bytearray(b"\x00\xff"),
        OrderedDict(b=1, a=2),
        deque([1, 2]),
        ANONYMOUS,
        KmsKey("id", "1", "arn", 0.5, "{}", materials=[KeyMaterial("m", b"k" * 32, 1.0)], rotation=Rotation(90, 2.0)),
        KmsState(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_records_come_back_equal(value: object) -> None:
    back = there_and_back(value)
    assert back == value
    assert type(back) is type(value) or isinstance(value, Path)


def test_pattern_lock_and_defaultdict_come_back_usable() -> None:
    back = there_and_back(
        [re.compile("a+", re.IGNORECASE), threading.Lock(), threading.RLock(), defaultdict(list, x=[1])]
    )
    assert back[0].match("AA")
    with back[1], back[2]:
        back[3]["y"].append(2)
    assert back[3] == {"x": [1], "y": [2]}


def test_one_object_under_two_names_stays_one() -> None:
    shared: list[int] = [1]
    back = there_and_back({"a": shared, "b": [shared]})
    back["a"].append(2)
    assert back["b"][0] == [1, 2]


def test_a_ring_comes_back_as_a_ring() -> None:
    ring: list[Any] = []
    ring.append({"ring": ring})
    back = there_and_back(ring)
    assert back[0]["ring"] is back


def test_externals_are_named_and_not_kept() -> None:
    clock = object()
    document = encode([clock], {"clock": clock})
    assert decode(document, {"clock": "another"}) == ["another"]


def test_members_that_a_record_gained_get_their_defaults() -> None:
    document = encode(ANONYMOUS)
    for node in document["nodes"]:
        if node[0] == "object":
            node[2] = [pair for pair in node[2] if pair[0] not in {"tags", "omniscient"}]
    back = decode(document)
    assert isinstance(back, Identity)
    assert back.tags == {}
    assert back.omniscient is False


def test_private_keys_come_back_able_to_sign() -> None:
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    back = there_and_back({"key": key})["key"]
    key.public_key().verify(back.sign(b"m", ec.ECDSA(hashes.SHA256())), b"m", ec.ECDSA(hashes.SHA256()))


@pytest.mark.parametrize("value", [object(), lambda: 1, iter([]), defaultdict(lambda: 3)])
def test_what_cannot_be_kept_says_so(value: object) -> None:
    with pytest.raises(NotKeepableError):
        encode([value])


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"format": 99, "root": 1, "nodes": []},
        {"format": 1, "root": [0], "nodes": []},
        {"format": 1, "root": [0], "nodes": [["unheard-of"]]},
        {"format": 1, "root": [0], "nodes": [["object", "os:stat_result", []]]},
        {"format": 1, "root": [0], "nodes": [["object", "subprocess:Popen", []]]},
        {"format": 1, "root": [0], "nodes": [["object", "lab.sandbox.graph:base64.b64decode", []]]},
        {"format": 1, "root": [0], "nodes": [["object", "lab.sandbox.nowhere:Thing", []]]},
        {"format": 1, "root": [0], "nodes": [["class", "builtins:eval"]]},
        {"format": 1, "root": [0], "nodes": [["object", "lab.sandbox.identity:Identity", []]]},
        {"format": 1, "root": [0], "nodes": [["tuple", [[0]]]]},
        {"format": 1, "root": [0], "nodes": [["external", "clock"]]},
        {"format": 1, "root": [0], "nodes": [["datetime", "yesterday"]]},
    ],
)
def test_foreign_documents_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ForeignDocumentError):
        decode(document)


def test_versions_in_motos_key_store_all_come_back() -> None:
    from moto.s3.utils import _VersionedKeyStore

    store = _VersionedKeyStore()
    store["k"] = 1
    store["k"] = 2
    back = there_and_back(store)
    assert back.getlist("k") == [1, 2]
    assert back["k"] == 2
