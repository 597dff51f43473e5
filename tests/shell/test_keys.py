"""Keys, paste and wheel, as bytes."""

from __future__ import annotations

import pytest

from lab.shell.keys import key_bytes, paste_bytes, wheel_bytes


@pytest.mark.parametrize(
    ("key", "character", "sent"),
    [
        ("a", "a", b"a"),
        ("upper_a", "A", b"A"),
        ("space", " ", b" "),
        ("dollar_sign", "$", b"$"),
        ("é", "é", "é".encode()),
        ("enter", "\r", b"\r"),
        ("tab", "\t", b"\t"),
        ("shift+tab", None, b"\x1b[Z"),
        ("backspace", "\x7f", b"\x7f"),
        ("escape", "\x1b", b"\x1b"),
        ("ctrl+c", "\x03", b"\x03"),
        ("ctrl+r", "\x12", b"\x12"),
        ("ctrl+backslash", "\x1c", b"\x1c"),
        ("ctrl+underscore", "\x1f", b"\x1f"),
        ("alt+b", None, b"\x1bb"),
        ("alt+full_stop", ".", b"\x1b."),
        ("alt+backspace", None, b"\x1b\x7f"),
        ("alt+enter", None, b"\x1b\r"),
        ("up", None, b"\x1b[A"),
        ("ctrl+right", None, b"\x1b[1;5C"),
        ("shift+home", None, b"\x1b[1;2H"),
        ("delete", None, b"\x1b[3~"),
        ("ctrl+delete", None, b"\x1b[3;5~"),
        ("pageup", None, b"\x1b[5~"),
        ("f2", None, b"\x1bOQ"),
        ("shift+f2", None, b"\x1b[1;2Q"),
        ("f12", None, b"\x1b[24~"),
        ("ctrl+nonsense", None, None),
        ("f30", None, None),
    ],
)
def test_keys(key: str, character: str | None, sent: bytes | None) -> None:
    assert key_bytes(key, character) == sent


def test_arrows_follow_what_the_program_asked_for() -> None:
    assert key_bytes("up", None, application_cursor=True) == b"\x1bOA"
    assert key_bytes("alt+up", None, application_cursor=True) == b"\x1b[1;3A"


def test_paste_cannot_break_out() -> None:
    assert paste_bytes("a\nb\r\nc", bracketed=False) == b"a\rb\rc"
    assert paste_bytes("a\x1b[201~rm\n", bracketed=True) == b"\x1b[200~arm\r\x1b[201~"


def test_wheel() -> None:
    assert wheel_bytes(0, 2, up=True) == b"\x1b[<64;1;3M"
