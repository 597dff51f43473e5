"""The learner's AWS profiles: one per principal, in configuration files of the lab's own.

The files are written when a world is new and left alone afterwards, because in some exercises the learner's task is
to edit them; a sandbox that came back on other ports only has its addresses replaced.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from lab.shell.files import read_text, write_private

EndpointMode = Literal["env", "profile", "http"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key pair of one principal; its secrets are not in ``repr``."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the back end listens.

    Attributes:
        https: ``https://localhost:PORT``, or the URL that the learner named for another back end.
        http: The same without TLS; empty where there is none.
        ca_bundle: The certificate authority that vouches for ``https``; None for the system's own.
        local: Whether only addresses of this machine may be called (the sandbox back end).
    """

    https: str
    http: str = ""
    ca_bundle: Path | None = None
    local: bool = True


@dataclass(frozen=True, slots=True)
class ProfileFiles:
    """Where the two files lie."""

    config: Path
    credentials: Path
    made_from: Path
    addresses: Path

    @classmethod
    def within(cls, directory: Path) -> ProfileFiles:
        """The files of one exercise's private directory."""
        return cls(
            config=directory / "aws-config",
            credentials=directory / "aws-credentials",
            made_from=directory / "profiles-made-from",
            addresses=directory / "addresses",
        )


def endpoint_of(mode: EndpointMode, endpoints: Endpoints) -> str:
    """The address that the learner's tools are pointed at in this mode."""
    return endpoints.http if mode == "http" and endpoints.http else endpoints.https


def write_profiles(
    directory: Path,
    *,
    endpoints: Endpoints,
    region: str,
    profiles: Mapping[str, Credentials],
    mode: EndpointMode,
    fresh: bool = False,
) -> ProfileFiles:
    """Write the configuration and credentials files, mode 0600, unless this world's are there already.

    Args:
        directory: The exercise's private directory, outside the workspace.
        endpoints: Where the back end listens now.
        region: The region that every profile names.
        profiles: Profile name → key pair.
        mode: ``env`` leaves the endpoint to the environment, the others write it into each profile.
        fresh: Write them in any case, for a reset.
    """
    files = ProfileFiles.within(directory)
    credentials = _credentials_text(profiles)
    made_from = hashlib.sha256(f"{mode}\n{region}\n{credentials}".encode()).hexdigest()
    kept = read_text(files.made_from) == made_from and files.config.exists() and files.credentials.exists()
    if fresh or not kept:
        write_private(files.config, _config_text(endpoints, region, profiles, mode))
        write_private(files.credentials, credentials)
        write_private(files.made_from, made_from)
    else:
        _replace_addresses(files, endpoints)
    write_private(files.addresses, f"{endpoints.https}\n{endpoints.http}\n")
    return files


def _replace_addresses(files: ProfileFiles, endpoints: Endpoints) -> None:
    """The sandbox came back on other ports: exchange its addresses, keep all else that the learner wrote."""
    before = (read_text(files.addresses) or "").splitlines()
    text = read_text(files.config)
    if text is None:
        return
    # Both old addresses are looked for before either is replaced: the new HTTP port may be the old HTTPS one.
    pairs = [(old, new) for old, new in zip(before, (endpoints.https, endpoints.http), strict=False) if old and new]
    lines = []
    for line in text.splitlines():
        for old, new in pairs:
            if line.rstrip().endswith(old):
                line = line.rstrip().removesuffix(old) + new  # noqa: PLW2901 - the line as it shall be written
                break
        lines.append(line)
    changed = "\n".join(lines) + "\n"
    if changed != text:
        write_private(files.config, changed)


def _config_text(endpoints: Endpoints, region: str, profiles: Mapping[str, Credentials], mode: EndpointMode) -> str:
    sections = []
    for name in profiles:
        lines = [f"[{'default' if name == 'default' else f'profile {name}'}]", f"region = {region}", "output = json"]
        if endpoints.ca_bundle is not None:
            lines.append(f"ca_bundle = {endpoints.ca_bundle}")
        if mode != "env":
            lines.append(f"endpoint_url = {endpoint_of(mode, endpoints)}")
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


def _credentials_text(profiles: Mapping[str, Credentials]) -> str:
    sections = []
    for name, pair in profiles.items():
        lines = [
            f"[{name}]",
            f"aws_access_key_id = {pair.access_key_id}",
            f"aws_secret_access_key = {pair.secret_access_key}",
        ]
        if pair.session_token:
            lines.append(f"aws_session_token = {pair.session_token}")
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)
