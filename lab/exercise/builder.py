"""Building a world: :class:`lab.exercise.api.WorldBuilder`, and the principals' policies that come after it."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.backends.protocol import BUILDER, PrincipalSpec, WorldHandle, WorldSpec
from lab.course import Exercise, render
from lab.errors import CourseError
from lab.exercise.record import WorldRecord
from lab.exercise.world import PrincipalClients, named

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


def world_spec(exercise: Exercise) -> WorldSpec:
    """The accounts and principals that the exercise declares."""
    return WorldSpec(
        exercise=exercise.id,
        accounts=("home", "other") if needs_other_account(exercise) else ("home",),
        principals=tuple(
            PrincipalSpec(
                name=principal.name,
                kind="role" if principal.kind == "role" else "user",
                account="other" if principal.account == "other" else "home",
                administrator=principal.administrator,
            )
            for principal in exercise.principals
        ),
    )


def needs_other_account(exercise: Exercise) -> bool:
    """Whether somebody of the exercise lives in the second account."""
    return any(principal.account == "other" for principal in exercise.principals)


def choose_names(exercise: Exercise, handle: WorldHandle, suffix: str) -> dict[str, str]:
    """Every name that is known before the world is built; keys get theirs when they are created."""
    names = {f"account.{name}": number for name, number in handle.accounts.items()}
    names |= {f"bucket.{name}": f"{name}-{suffix}" for name in exercise.buckets}
    names |= {f"alias.{name}": f"alias/{name}-{suffix}" for name in exercise.aliases}
    for principal in exercise.principals:
        if principal.name in handle.credentials:
            names[f"principal.{principal.name}"] = handle.credentials[principal.name].arn
    return names


class Builder:
    """The empty world, as the root of its accounts.

    Args:
        exercise: What is declared: other names are the author's mistake.
        handle: The world on its back end.
        record: Names and facts are kept here.
        workspace: The learner's folder.
    """

    def __init__(self, exercise: Exercise, handle: WorldHandle, record: WorldRecord, workspace: Path) -> None:
        self._exercise = exercise
        self._handle = handle
        self._record = record
        self._workspace = workspace

    @property
    def workspace(self) -> Path:
        """The learner's folder."""
        return self._workspace

    def name(self, logical: str) -> str:
        """A rendered name."""
        return named(self._record.names, logical)

    def clients(self, principal: str = BUILDER) -> PrincipalClients:
        """Clients of a builder or a principal."""
        return PrincipalClients(self._handle, principal)

    def create_bucket(self, name: str, **members: Any) -> str:
        """Create a declared bucket."""
        self._must_declare("buckets", name, self._exercise.buckets)
        bucket = self.name(f"bucket.{name}")
        self.clients().s3.create_bucket(Bucket=bucket, **members)
        return bucket

    def create_key(self, name: str, **members: Any) -> str:
        """Create a declared KMS key."""
        self._must_declare("keys", name, self._exercise.keys)
        if isinstance(members.get("Policy"), dict):
            members["Policy"] = json.dumps(members["Policy"])
        members.setdefault("Description", name)
        arn = self.clients().kms.create_key(**members)["KeyMetadata"]["Arn"]
        self._record.names[f"key.{name}"] = arn
        return arn

    def create_alias(self, name: str, key: str) -> str:
        """Create a declared alias."""
        self._must_declare("aliases", name, self._exercise.aliases)
        alias = self.name(f"alias.{name}")
        self.clients().kms.create_alias(AliasName=alias, TargetKeyId=self.name(f"key.{key}"))
        return alias

    def keep(self, name: str, value: Any) -> Any:
        """Keep a private fact."""
        self._record.facts[name] = value
        return value

    def fact(self, name: str) -> Any:
        """A private fact kept before."""
        if name not in self._record.facts:
            raise CourseError(f"build() keeps no fact {name!r}.")
        return self._record.facts[name]

    def random_bytes(self, name: str, length: int = 32) -> bytes:
        """Bytes that follow from the world's private seed and the name."""
        blocks = (length + 31) // 32
        seed = bytes.fromhex(self._record.seed)
        return b"".join(hmac.digest(seed, f"{index}:{name}".encode(), hashlib.sha256) for index in range(blocks))[
            :length
        ]

    def random_text(self, name: str, length: int = 16) -> str:
        """Letters and digits that follow from the world's private seed and the name."""
        # 36 does not divide 256; what little that costs in evenness, a marker does not need.
        return "".join(_LETTERS[byte % len(_LETTERS)] for byte in self.random_bytes(f"text:{name}", length))

    def write_file(self, name: str, data: bytes | str, mode: int = 0o644) -> Path:
        """Write a file into the workspace."""
        path = self._workspace / name
        if not path.resolve().is_relative_to(self._workspace.resolve()):
            raise CourseError(f"build() writes outside the workspace: {name!r}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        path.chmod(mode)
        return path

    def plant(self, fact: str, **members: Any) -> dict[str, Any]:
        """Make a fact that no API can make."""
        return self._handle.plant(fact, **members)

    def attach_policies(self) -> None:
        """Give every principal its policies, now that all names are known.

        Raises:
            CourseError: A document is not JSON.
        """
        for principal in self._exercise.principals:
            iam = self.clients(BUILDER if principal.account == "home" else f"{BUILDER}-other").iam
            for file in principal.policies:
                document = self._policy(file, self._record.names)
                policy_name = Path(file).stem
                if principal.kind == "role":
                    iam.put_role_policy(RoleName=principal.name, PolicyName=policy_name, PolicyDocument=document)
                else:
                    iam.put_user_policy(UserName=principal.name, PolicyName=policy_name, PolicyDocument=document)

    def _policy(self, file: str, names: Mapping[str, str]) -> str:
        text = render(self._exercise.policy(file), names)
        try:
            return json.dumps(json.loads(text))
        except ValueError as error:
            raise CourseError(f"{self._exercise.directory / file}: not valid JSON: {error}.") from error

    def _must_declare(self, member: str, name: str, declared: tuple[str, ...]) -> None:
        if name not in declared:
            raise CourseError(
                f"{self._exercise.directory / 'exercise.toml'}: names.{member}: build() creates {name!r}, "
                "which is not declared."
            )
