"""Sealed files: what goes in comes out, and nothing else does."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.sandbox.blobs import SEGMENT, Blob, BlobStore, DamagedError
from lab.sandbox.exchange import ServiceError


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path, grace=0)


def write(store: BlobStore, keys: list[bytes], *pieces: bytes) -> Blob:
    writer = store.create(keys)
    for piece in pieces:
        writer.write(piece)
    blob = writer.finish()
    store.settle(blob.name)
    return blob


def read(store: BlobStore, blob: Blob, keys: list[bytes], start: int = 0, stop: int | None = None) -> bytes:
    reader = store.open(blob, keys)
    try:
        return b"".join(reader.chunks(start, stop))
    finally:
        reader.close()


def keys_for(layers: int) -> list[bytes]:
    return [os.urandom(32) for _ in range(layers)]


@pytest.mark.parametrize("layers", [0, 1, 2])
@pytest.mark.parametrize("size", [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT, 2 * SEGMENT + 100])
def test_round_trip(store: BlobStore, layers: int, size: int) -> None:
    data, keys = os.urandom(size), keys_for(layers)
    blob = write(store, keys, *(data[at : at + 700_000] for at in range(0, size, 700_000)))
    assert blob.size == size
    assert len(blob.nonces) == layers
    assert read(store, blob, keys) == data
    for start, stop in ((0, 1), (size // 2, size // 2 + 5), (SEGMENT - 2, SEGMENT + 2), (max(0, size - 3), size)):
        assert read(store, blob, keys, start, stop) == data[start:stop]


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_pieces_and_any_range(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = BlobStore(tmp_path_factory.mktemp("blobs"), grace=0)
    sizes = data.draw(st.lists(st.integers(0, SEGMENT + 5), max_size=3))
    pieces = [os.urandom(size) for size in sizes]
    keys = keys_for(data.draw(st.integers(0, 2)))
    whole = b"".join(pieces)
    blob = write(store, keys, *pieces)
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole) + 10))
    assert read(store, blob, keys, start, stop) == whole[start:stop]


@pytest.mark.parametrize("layers", [1, 2])
def test_the_plaintext_is_nowhere_in_the_file(store: BlobStore, layers: int) -> None:
    marker = b"a marker that is long enough to be found"
    blob = write(store, keys_for(layers), marker * 1000)
    assert marker not in store.path(blob.name).read_bytes()


def test_two_layers_have_two_nonces_and_need_both_keys(store: BlobStore) -> None:
    keys = keys_for(2)
    blob = write(store, keys, b"x")
    assert blob.nonces[0] != blob.nonces[1]
    for wrong in ([keys[0], os.urandom(32)], [os.urandom(32), keys[1]], [keys[1], keys[0]]):
        with pytest.raises(DamagedError):
            read(store, blob, wrong)


def damage(path: Path, kind: str) -> None:
    data = bytearray(path.read_bytes())
    header, sealed = 12, SEGMENT + 16
    match kind:
        case "flipped bit":
            data[header + 5] ^= 1
        case "flipped nonce":
            data[6] ^= 1
        case "flipped tag":
            data[-1] ^= 1
        case "last segment cut off":
            del data[header + sealed :]
        case "cut inside":
            del data[-3:]
        case "segments swapped":
            first, second = data[header : header + sealed], data[header + sealed : header + 2 * sealed]
            data[header : header + 2 * sealed] = second + first
        case "segment repeated":
            data[header + sealed : header + sealed] = data[header : header + sealed]
        case "emptied":
            data.clear()
    path.write_bytes(data)


@pytest.mark.parametrize(
    "kind",
    [
        "flipped bit", "flipped nonce", "flipped tag", "last segment cut off", "cut inside", "segments swapped",
        "segment repeated", "emptied",
    ],
)  # fmt: skip
def test_a_changed_file_does_not_open(store: BlobStore, kind: str) -> None:
    keys = keys_for(1)
    blob = write(store, keys, os.urandom(2 * SEGMENT + 10))
    damage(store.path(blob.name), kind)
    with pytest.raises(DamagedError):
        read(store, blob, keys)


def test_a_file_under_another_name_does_not_open(store: BlobStore) -> None:
    keys = keys_for(1)
    first, second = write(store, keys, b"first"), write(store, keys, b"other")
    store.path(second.name).write_bytes(store.path(first.name).read_bytes())
    with pytest.raises(DamagedError):
        read(store, second, keys)


def test_what_is_not_finished_leaves_nothing(store: BlobStore, tmp_path: Path) -> None:
    writer = store.create(keys_for(1))
    writer.write(b"x" * 100)
    writer.abandon()
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_left_overs_of_a_crash_are_cleared_at_the_next_start(store: BlobStore, tmp_path: Path) -> None:
    kept = write(store, [], b"kept")
    writer = store.create(keys_for(1))
    writer.write(os.urandom(2 * SEGMENT))
    writer._file.close()  # as when the process dies
    again = BlobStore(tmp_path)
    assert again.sweep({kept.name}) == 1
    assert [path.name for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == [kept.name]
    assert read(again, kept, []) == b"kept"


@pytest.mark.parametrize("size", [1, 2 * SEGMENT])
def test_a_full_disk_is_said_and_leaves_nothing(
    store: BlobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    def write_nothing(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write_nothing)
        with pytest.raises(ServiceError, match="disk is full"):
            write(store, [], b"x" * size)
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()] == []


def test_files_are_flushed_once_and_only_before_something_saved_refers_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []

    def note(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", note)
    store = BlobStore(tmp_path, grace=0)
    saved, other = write(store, [], b"1"), write(store, [], b"22")
    assert flushed == []
    store.flush({saved.name, "gone"})
    assert flushed == [1]
    store.flush({saved.name, other.name})
    assert flushed == [1, 2]
    passing = BlobStore(tmp_path / "passing", grace=0, durable=False)
    passing.flush({write(passing, [], b"333").name})
    assert flushed == [1, 2]


def test_a_file_that_is_being_written_is_not_swept(store: BlobStore) -> None:
    writer = store.create([])
    writer.write(os.urandom(2 * SEGMENT))
    assert store.sweep(set()) == 0
    blob = writer.finish()
    assert store.path(blob.name).stat().st_size == blob.size


def test_sweeping_spares_what_is_referred_to_and_what_is_on_its_way(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, grace=0)
    kept, dropped = write(store, [], b"kept"), write(store, [], b"dropped")
    writer = store.create([])
    on_its_way = writer.finish()
    assert store.sweep({kept.name}) == 1
    assert not store.path(dropped.name).exists()
    assert store.path(kept.name).exists()
    assert store.path(on_its_way.name).exists()
    store.discard(on_its_way.name)
    assert not store.path(on_its_way.name).exists()


def test_a_file_that_was_just_referred_to_is_spared_by_an_older_list(tmp_path: Path) -> None:
    store = BlobStore(tmp_path, grace=60)
    blob = write(store, [], b"new")
    assert store.sweep(set()) == 0
    assert store.path(blob.name).exists()
