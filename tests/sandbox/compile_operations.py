"""Compile ``operations.toml`` and botocore's models into ``operations.json``.

Run by ``python -m tests.sandbox.compile_operations``. It lives beside the tests because the sandbox itself must not
need botocore's models: they take half a second to read.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import botocore.session
from botocore.model import OperationModel, ServiceModel

import lab.sandbox

DIRECTORY: Final = Path(lab.sandbox.__file__).parent
SERVICES: Final = {
    "s3": "s3",
    "kms": "kms",
    "sts": "sts",
    "iam": "iam",
    "cloudtrail": "cloudtrail",
    "servicequotas": "service-quotas",
}
#: Older names of the same request; clients cannot be told apart, so the newer name stands for both.
SUPERSEDED: Final = {
    "GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification", "PutBucketNotification",
}  # fmt: skip
#: Requests that share method, path and sub-resource; a rule in recognize.py tells them apart.
BY_RULE: Final = {
    "CopyObject", "UploadPart", "UploadPartCopy", "ListParts", "AbortMultipartUpload", "CompleteMultipartUpload",
    "ListBucketAnalyticsConfigurations", "ListBucketIntelligentTieringConfigurations",
    "ListBucketInventoryConfigurations", "ListBucketMetricsConfigurations", "ListObjectsV2", "ListObjectAnnotations",
    "ListDirectoryBuckets", "WriteGetObjectResponse",
}  # fmt: skip


def models() -> dict[str, ServiceModel]:
    """botocore's model of each service, by the sandbox's name."""
    session = botocore.session.get_session()
    return {ours: session.get_service_model(theirs) for ours, theirs in SERVICES.items()}


def listing() -> dict[str, Any]:
    """``operations.toml`` with groups replaced by their members."""
    document = tomllib.loads((DIRECTORY / "operations.toml").read_text("utf-8"))
    groups: dict[str, list[str]] = document.pop("groups")

    def expand(names: list[str]) -> list[str]:
        return [one for name in names for one in (groups[name[1:]] if name.startswith("@") else [name])]

    for operations in document.values():
        for entry in operations.values():
            for kind in ("modelled", "passed"):
                if kind in entry:
                    entry[kind] = expand(entry[kind])
    return document


def compiled() -> dict[str, Any]:
    """The content of ``operations.json``."""
    listed = listing()
    found = models()
    services: dict[str, dict[str, Any]] = {}
    for service, model in found.items():
        services[service] = {
            name: _entry(service, model.operation_model(name), listed.get(service, {}).get(name))
            for name in model.operation_names
            if name not in SUPERSEDED
        }
    services["s3"]["PostObject"] = {}
    return {
        "services": services,
        "s3_routes": _routes(found["s3"]),
        "targets": {
            model.metadata["targetPrefix"]: name for name, model in found.items() if "targetPrefix" in model.metadata
        },
        "versions": {model.api_version: name for name, model in found.items() if model.metadata["protocol"] == "query"},
    }


def _entry(service: str, operation: OperationModel, listed: dict[str, Any] | None) -> dict[str, Any]:
    if listed is None:
        return {}
    known = listed.get("modelled", []) + listed.get("passed", [])
    only = listed.get("only", {})
    members = operation.input_shape.members if operation.input_shape else {}
    entry: dict[str, Any] = {"support": "modelled" if "modelled" in listed else "passed"}
    for name, shape in members.items():
        refused: Any = {"name": name, "only": only[name]} if name in only else name
        if service != "s3":
            if name in known:
                entry.setdefault("types", {})[name] = shape.type_name
            if name not in known or name in only:
                entry.setdefault("members", {})[name] = refused
        elif name not in known or name in only:
            location = shape.serialization.get("location")
            wire = shape.serialization.get("name", "")
            if location == "header":
                entry.setdefault("headers", {})[wire.lower()] = refused
            elif location == "querystring":
                entry.setdefault("query", {})[wire] = refused
    return entry


def _routes(model: ServiceModel) -> dict[str, dict[str, str]]:
    routes: dict[str, dict[str, str]] = {}
    for name in model.operation_names:
        if name in SUPERSEDED or name in BY_RULE:
            continue
        http = model.operation_model(name).http
        path, _, query = http["requestUri"].partition("?")
        scope = "key" if "{Key+}" in path else "bucket" if "{Bucket}" in path else "service"
        mark = re.split("[&=]", query)[0]
        operations = routes.setdefault(f"{http['method']} {scope}", {})
        if mark in operations:
            raise ValueError(f"{name} and {operations[mark]} cannot be told apart: add one of them to BY_RULE")
        operations[mark] = name
    return routes


def text() -> str:
    """``operations.json`` as it is stored."""
    return json.dumps(compiled(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    (DIRECTORY / "operations.json").write_text(text(), "utf-8")
