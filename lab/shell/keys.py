"""Keys by name, as the app gets them, into the bytes that a program on a terminal expects."""

from __future__ import annotations

from typing import Final

_PLAIN: Final = {
    "enter": "\r",
    "tab": "\t",
    "shift+tab": "\x1b[Z",
    "backspace": "\x7f",
    "ctrl+h": "\x08",
    "ctrl+backspace": "\x17",
    "escape": "\x1b",
    "ctrl+@": "\x00",
    "ctrl+space": "\x00",
    "ctrl+backslash": "\x1c",
    "ctrl+right_square_bracket": "\x1d",
    "ctrl+circumflex_accent": "\x1e",
    "ctrl+underscore": "\x1f",
    "ctrl+j": "\n",
}
_CURSOR: Final = {"up": "A", "down": "B", "right": "C", "left": "D", "home": "H", "end": "F"}
_TILDE: Final = {
    "insert": 2, "delete": 3, "pageup": 5, "pagedown": 6,
    "f5": 15, "f6": 17, "f7": 18, "f8": 19, "f9": 20, "f10": 21, "f11": 23, "f12": 24,
}  # fmt: skip
_FUNCTION: Final = {"f1": "P", "f2": "Q", "f3": "R", "f4": "S"}
_MODIFIERS: Final = {"shift": 1, "alt": 2, "ctrl": 4}


def key_bytes(key: str, character: str | None, *, application_cursor: bool = False) -> bytes | None:
    """The bytes that a key sends, None for a key that no program knows.

    Args:
        key: Its name: ``ctrl+c``, ``alt+b``, ``shift+left``, ``f5``.
        character: What it prints, if it prints something.
        application_cursor: Whether the program asked for ``ESC O A`` instead of ``ESC [ A``.
    """
    if key in _PLAIN:
        return _PLAIN[key].encode()
    *modifiers, name = key.split("+")
    alt = "alt" in modifiers
    number = 1 + sum(_MODIFIERS.get(modifier, 0) for modifier in modifiers)
    if name in _CURSOR:
        if number > 1:
            return f"\x1b[1;{number}{_CURSOR[name]}".encode()
        return f"\x1b{'O' if application_cursor else '['}{_CURSOR[name]}".encode()
    if name in _TILDE:
        return f"\x1b[{_TILDE[name]}{f';{number}' if number > 1 else ''}~".encode()
    if name in _FUNCTION:
        return f"\x1b[1;{number}{_FUNCTION[name]}".encode() if number > 1 else f"\x1bO{_FUNCTION[name]}".encode()
    escape = b"\x1b" if alt else b""
    if "ctrl" in modifiers and len(name) == 1 and "a" <= name.lower() <= "z":
        return escape + bytes([ord(name.lower()) - 96])
    if alt and f"{'+'.join(m for m in modifiers if m != 'alt')}{name}" in _PLAIN:
        return escape + _PLAIN[name].encode()
    if character and "ctrl" not in modifiers:
        return escape + character.encode()
    if alt and len(name) == 1:
        return escape + name.encode()
    return None


def paste_bytes(text: str, *, bracketed: bool) -> bytes:
    """Pasted text as a program expects it: line ends as Enter, marked where the program asked for it.

    The end mark inside the text is removed, or what follows it would be typed.
    """
    text = text.replace("\r\n", "\r").replace("\n", "\r")
    if not bracketed:
        return text.encode()
    return f"\x1b[200~{text.replace(chr(27) + '[201~', '')}\x1b[201~".encode()


def wheel_bytes(column: int, line: int, *, up: bool) -> bytes:
    """One turn of the wheel in SGR form; ``column`` and ``line`` count from 0."""
    return f"\x1b[<{64 if up else 65};{column + 1};{line + 1}M".encode()
