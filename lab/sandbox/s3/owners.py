"""Who owns what, as S3 writes it: the canonical id of an account."""

from __future__ import annotations

import hashlib
from typing import Final

ALL_USERS: Final = "http://acs.amazonaws.com/groups/global/AllUsers"


def canonical_id(account: str) -> str:
    """The 64 hexadecimal digits that stand for an account; here always the same for the same account number."""
    return hashlib.sha256(f"canonical user of account {account}".encode()).hexdigest()


def owner(account: str) -> dict[str, object]:
    """An ``Owner`` element; AWS no longer answers display names."""
    return {"ID": canonical_id(account)}
