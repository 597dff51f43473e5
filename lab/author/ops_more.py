"""Facts beside S3: KMS keys and aliases, files of the workspace, what happened before, and what no API can make."""

from __future__ import annotations

import base64
import json
from typing import Any

from lab.author.operation import MutantError, Scene, Target, operation
from lab.backends.protocol import VALIDATOR
from lab.exercise.api import ClientError


@operation("kms.disable", "key")
def disable(scene: Scene, target: Target) -> None:
    """Disable the KMS key."""
    scene.kms.disable_key(KeyId=scene.kms_key(target["key"]))


@operation("kms.enable", "key")
def enable(scene: Scene, target: Target) -> None:
    """Enable the KMS key."""
    scene.kms.enable_key(KeyId=scene.kms_key(target["key"]))


@operation("kms.schedule_deletion", "key")
def schedule_deletion(scene: Scene, target: Target) -> None:
    """Schedule the KMS key's deletion in seven days."""
    scene.kms.schedule_key_deletion(KeyId=scene.kms_key(target["key"]), PendingWindowInDays=7)


@operation("kms.cancel_deletion", "key")
def cancel_deletion(scene: Scene, target: Target) -> None:
    """Cancel the KMS key's deletion, which leaves it disabled."""
    scene.kms.cancel_key_deletion(KeyId=scene.kms_key(target["key"]))


@operation("kms.alias_repoint", "alias key")
def alias_repoint(scene: Scene, target: Target) -> None:
    """Point the alias at another KMS key."""
    scene.kms.update_alias(AliasName=scene.named("alias", target["alias"]), TargetKeyId=scene.kms_key(target["key"]))


@operation("file.replace", "path text")
def replace(scene: Scene, target: Target) -> None:
    """Write other text into the file, or make it."""
    path = scene.file(target["path"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(target["text"], encoding="utf-8")


@operation("file.truncate", "path")
def truncate(scene: Scene, target: Target) -> None:
    """Cut the file in half."""
    data = scene.read(target["path"])
    if not data:
        raise MutantError(f"{target['path']!r} is empty already.")
    scene.file(target["path"]).write_bytes(data[: len(data) // 2])


@operation("file.delete", "path")
def delete(scene: Scene, target: Target) -> None:
    """Remove the file."""
    scene.read(target["path"])
    scene.file(target["path"]).unlink()


@operation("file.chmod", "path mode")
def chmod(scene: Scene, target: Target) -> None:
    """Give the file other permission bits."""
    scene.read(target["path"])
    scene.file(target["path"]).chmod(int(target["mode"], 8))


@operation("file.data_key", "path bucket key metadata", "context")
def data_key(scene: Scene, target: Target) -> None:
    """Write the data key behind an encrypted one in the object's metadata into a file, as hexadecimal text."""
    try:
        head = scene.reader.head_object(Bucket=scene.bucket(target), Key=target["key"])
        sealed = base64.b64decode(head["Metadata"][target["metadata"]])
        kms = scene.handle.client(VALIDATOR, "kms")
        opened = kms.decrypt(CiphertextBlob=sealed, EncryptionContext=target.get("context", {}))["Plaintext"]
    except (ClientError, KeyError, ValueError) as error:
        raise MutantError(f"The data key of {target['key']!r} cannot be had ({type(error).__name__}).") from None
    scene.file(target["path"]).write_text(f"{opened.hex()}\n", encoding="utf-8")


@operation("json.set", "path pointer value")
def set_value(scene: Scene, target: Target) -> None:
    """Change one value in a JSON file."""
    try:
        document: Any = json.loads(scene.read(target["path"]))
    except ValueError:
        raise MutantError(f"{target['path']!r} is not JSON.") from None
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in target["pointer"].split("/")[1:]]
    place = document
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = target["value"]
    scene.file(target["path"]).write_text(json.dumps(document), encoding="utf-8")


@operation("events.forget", "operation", "bucket key")
def forget(scene: Scene, target: Target) -> None:
    """As if the learner had never sent these requests: their events and recordings are gone."""
    bucket = scene.bucket(target) if "bucket" in target else None
    requests = scene.handle.events(step="request", origin="learner")
    forgotten = [
        event
        for event in requests
        if event.data["operation"] == target["operation"]
        and bucket in (None, event.data["bucket"])
        and target.get("key") in (None, event.data["key"])
    ]
    if not forgotten:
        raise MutantError(f"The learner sent no such {target['operation']}.")
    scene.mask.cover_requests({event.data["request_id"] for event in forgotten})
    # TLS recordings with other requests in them stay; of plain HTTP the whole recording goes.
    scene.mask.cover_connections(
        {event.connection for event in forgotten}
        - {event.connection for event in requests if event not in forgotten and event.data["scheme"] == "https"}
    )


@operation("plant", "fact", any_members=True)
def plant(scene: Scene, target: Target) -> None:
    """Make a fact that no API can make, by its name in the sandbox; a bucket is named logically."""
    members = {name: value for name, value in target.items() if name != "fact"}
    if "bucket" in members:
        members["bucket"] = scene.bucket(target)
    scene.handle.plant(target["fact"], **members)
