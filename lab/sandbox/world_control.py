"""The control operations about worlds: make, find, keep, copy, drop, look at the disk, plant."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from lab.sandbox.control import ControlError, operation, optional_text, text
from lab.sandbox.log import EventLog
from lab.sandbox.plants import PLANTS
from lab.sandbox.principals import PrincipalRequest
from lab.sandbox.worlds import NoSuchWorldError, World, Worlds

if TYPE_CHECKING:
    from lab.sandbox.core import Sandbox
    from lab.sandbox.moto_hooks.s3 import SealedKey

Parameters = dict[str, Any]

_HEAD: int = 256


@operation("world.create")
def create(sandbox: Sandbox, parameters: Parameters) -> dict[str, Any]:
    """Make a world; one of that id is dropped first."""
    exercise = _exercise(parameters)
    accounts = parameters.get("accounts", ["home"])
    if accounts not in (["home"], ["home", "other"]):
        raise ControlError("bad-request", 'The accounts are ["home"] or ["home", "other"].')
    given = parameters.get("principals", [])
    if not isinstance(given, list):
        raise ControlError("bad-request", "The member principals is not a list.")
    principals = [_principal(one, accounts) for one in given]
    if len({principal.name for principal in principals}) != len(principals):
        raise ControlError("bad-request", "Two principals have one name.")
    world = _worlds(sandbox).create(exercise, accounts, principals)
    _forget_events(sandbox, exercise)
    return _describe(world)


@operation("world.open")
def open_world(sandbox: Sandbox, parameters: Parameters) -> dict[str, Any] | None:
    """What ``world.create`` answered for a world that exists."""
    try:
        return _describe(_worlds(sandbox).find(_exercise(parameters)))
    except NoSuchWorldError:
        return None


@operation("world.list")
def list_worlds(sandbox: Sandbox, _parameters: Parameters) -> list[str]:
    """Ids of all worlds."""
    return _worlds(sandbox).ids()


@operation("world.snapshot")
def snapshot(sandbox: Sandbox, parameters: Parameters) -> bool:
    """Keep the state under a label."""
    _worlds(sandbox).snapshot(_world(sandbox, parameters), text(parameters, "label"))
    return True


@operation("world.restore")
def restore(sandbox: Sandbox, parameters: Parameters) -> bool:
    """Bring the state of a label back."""
    try:
        _worlds(sandbox).restore(_world(sandbox, parameters), text(parameters, "label"))
    except NoSuchWorldError as error:
        raise ControlError("no-such-snapshot", str(error.args[0])) from None
    return True


@operation("world.fork")
def fork(sandbox: Sandbox, parameters: Parameters) -> dict[str, Any]:
    """A copy of a world; ``realm`` names it."""
    return _describe(_worlds(sandbox).fork(_world(sandbox, parameters)))


@operation("world.drop")
def drop(sandbox: Sandbox, parameters: Parameters) -> bool:
    """Remove a world or a fork; false where there is none."""
    realm_id = _exercise(parameters)
    dropped = _worlds(sandbox).drop(realm_id)
    _forget_events(sandbox, realm_id)
    return dropped


@operation("world.fingerprint")
def take_fingerprint(sandbox: Sandbox, parameters: Parameters) -> str:
    """A digest of everything that a client could see or that protects it."""
    return _worlds(sandbox).fingerprint(_world(sandbox, parameters))


@operation("plant")
def plant(sandbox: Sandbox, parameters: Parameters) -> dict[str, Any]:
    """Change what no API can change."""
    import lab.sandbox.s3.plant  # noqa: F401 - registers its facts

    world, fact = _world(sandbox, parameters), text(parameters, "fact")
    known = PLANTS.get(fact)
    if known is None:
        raise ControlError("no-such-fact", f"No fact is named {fact[:80]!r}; there are {', '.join(sorted(PLANTS))}.")
    with world.realm.lock:
        result = known(sandbox, world.realm, parameters)
    sandbox.realms.changed(world.realm)
    return result


@operation("at_rest")
def at_rest(sandbox: Sandbox, parameters: Parameters) -> dict[str, Any]:
    """An object version as it lies on the disk."""
    world = _world(sandbox, parameters)
    version = _version(
        sandbox, world, text(parameters, "bucket"), text(parameters, "key"), optional_text(parameters, "version_id")
    )
    paths = [sandbox.blobs.path(part.blob.name) for part in version.parts]
    try:
        sizes = [path.stat().st_size for path in paths]
        with paths[0].open("rb") as file:
            head = file.read(_HEAD)
    except (OSError, IndexError):
        raise ControlError("blob-gone", "The file that holds this object's bytes is gone.") from None
    parts = [
        {
            "number": part.number,
            "path": str(path),
            "size_on_disk": size,
            "plaintext_size": part.size,
            "etag": f'"{part.etag}"',
            "envelope": version.envelope.describe(part.blob.nonces),
        }
        for part, path, size in zip(version.parts, paths, sizes, strict=True)
    ]
    return {
        "path": str(paths[0]),
        "size_on_disk": sum(sizes),
        "head": base64.b64encode(head).decode(),
        "envelope": version.envelope.describe(version.parts[0].blob.nonces),
        "metadata": {
            **{name.lower(): value for name, value in version.system_headers.items()},
            **{f"x-amz-meta-{name}": value for name, value in version.user_metadata.items()},
        },
        "etag": f'"{version.bare_etag}"',
        "plaintext_size": version.contentsize,
        "parts": parts if version.in_parts else [],
    }


def _version(sandbox: Sandbox, world: World, bucket: str, key: str, version_id: str | None) -> SealedKey:
    from lab.sandbox.moto_hooks import s3

    account = sandbox.realms.owner(world.realm, bucket)
    versions = [] if account is None else s3.buckets(account)[bucket].versions(key)
    if version_id is not None:
        versions = [version for version in versions if version._version_id == version_id]  # noqa: SLF001 - moto's name
    if not versions or not isinstance(versions[-1], s3.SealedKey):
        raise ControlError("no-such-object", "There is no such object in this world.")
    return versions[-1]


def _worlds(sandbox: Sandbox) -> Worlds:
    if not isinstance(sandbox.realms, Worlds):  # pragma: no cover - a sandbox has no others
        raise TypeError("the sandbox's realms are not worlds")
    return sandbox.realms


def _world(sandbox: Sandbox, parameters: Parameters) -> World:
    try:
        return _worlds(sandbox).find(_exercise(parameters))
    except NoSuchWorldError as error:
        raise ControlError("no-such-world", str(error.args[0])) from None


def _forget_events(sandbox: Sandbox, realm_id: str) -> None:
    """What happened in a world that is gone must not count in the one that takes its id."""
    if isinstance(sandbox.log, EventLog):
        sandbox.log.forget(realm_id)


def _exercise(parameters: Parameters) -> str:
    exercise = text(parameters, "exercise")
    if not exercise or len(exercise) > 100:
        raise ControlError("bad-request", "The member exercise is empty or too long.")
    return exercise


def _principal(given: object, accounts: list[str]) -> PrincipalRequest:
    if not isinstance(given, dict):
        raise ControlError("bad-request", "A principal is an object.")
    kind: Literal["user", "role"]
    match given.get("kind", "user"):
        case "user":
            kind = "user"
        case "role":
            kind = "role"
        case _:
            raise ControlError("bad-request", "The kind of a principal is user or role.")
    account = given.get("account", "home")
    if account not in accounts:
        raise ControlError("bad-request", "A principal's account is not among the accounts.")
    policies = given.get("policies") or {}
    if not isinstance(policies, Mapping):
        raise ControlError("bad-request", "A principal's policies are an object of documents by name.")
    documents = {
        str(name): document if isinstance(document, str) else json.dumps(document)
        for name, document in policies.items()
    }
    return PrincipalRequest(text(given, "name"), kind, account, given.get("administrator") is True, documents)


def _describe(world: World) -> dict[str, Any]:
    realm = world.realm
    described: dict[str, Any] = {
        "realm": realm.id,
        "exercise": realm.exercise,
        "accounts": {account.name: account.id for account in realm.accounts.values()},
        "credentials": {},
        "builders": {},
    }
    for handed in world.handed:
        credential = realm.credentials[handed.access_key_id]
        line = {
            "access_key_id": credential.access_key_id,
            "secret_access_key": credential.secret_access_key,
            "session_token": credential.session_token,
            "arn": credential.identity.principal_arn,
            "account": credential.identity.account,
            "kind": credential.identity.kind,
        }
        if handed.what == "principal":
            described["credentials"][handed.name] = line
        elif handed.what == "builder":
            described["builders"][handed.name] = line
        else:
            described["validator"] = line
    described["builder"] = described["builders"]["home"]
    return described
