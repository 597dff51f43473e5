"""What the learner's tools find in their environment: the exercise's back end and names, and nothing of the user's AWS.

The same dictionary serves the shell pane, ``lab shell`` and the lab's own runs of solutions. The control socket's path
is not in it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from lab.paths import private_directory
from lab.shell.profiles import Credentials, EndpointMode, Endpoints, endpoint_of, write_profiles
from lab.shell.startup import write_startup_files
from lab.shell.wrappers import write_wrappers

__all__ = ["Credentials", "EndpointMode", "Endpoints", "learner_environment", "variable_name"]

#: Inherited variables that would point tools elsewhere or run the user's code inside ours.
_DROPPED = frozenset(
    {
        "BASH_ENV", "ENV", "BOTO_CONFIG", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "PYTHONHOME", "PYTHONSTARTUP",
        "PROMPT_COMMAND", "COLUMNS", "LINES", "ZDOTDIR", "CURL_HOME", "OPENSSL_CONF",
    }
)  # fmt: skip


def learner_environment(
    *,
    endpoints: Endpoints,
    region: str,
    profiles: Mapping[str, Credentials],
    names: Mapping[str, str],
    workspace: Path,
    state_dir: Path,
    endpoint_mode: EndpointMode,
    base: Mapping[str, str],
    runtime_file: Path | None = None,
    exercise: str = "",
    label: str = "",
    fresh: bool = False,
) -> dict[str, str]:
    """Write the exercise's private files and return the environment of its shells.

    Args:
        endpoints: Where the back end listens.
        region: The region of every profile.
        profiles: Profile name → key pair, one per principal; ``default`` is the learner.
        names: Logical name (``bucket.vault``) → real one; becomes ``LAB_BUCKET_VAULT``.
        workspace: The learner's folder.
        state_dir: The exercise's private directory, outside the workspace.
        endpoint_mode: ``env`` sets ``AWS_ENDPOINT_URL``; ``profile`` and ``http`` write the address into the profiles.
        base: The environment to start from, usually ``os.environ``.
        runtime_file: The sandbox's runtime file, which the wrappers follow.
        exercise: The exercise's stable id.
        label: What the prompt shows, usually the exercise's number.
        fresh: Write the profiles again even where the learner changed them (reset).

    Raises:
        ShellError: A private file cannot be written.
    """
    directory = private_directory(state_dir / "shell")
    files = write_profiles(
        directory, endpoints=endpoints, region=region, profiles=profiles, mode=endpoint_mode, fresh=fresh
    )
    bin_dir = write_wrappers(directory, files=files, endpoints=endpoints, mode=endpoint_mode, runtime_file=runtime_file)
    inherited = {name: value for name, value in base.items() if not _is_dropped(name)}
    own = {
        "AWS_CONFIG_FILE": str(files.config),
        "AWS_SHARED_CREDENTIALS_FILE": str(files.credentials),
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_PAGER": "",
        "LAB_HTTPS": endpoints.https,
        "LAB_EXERCISE": exercise,
        "LAB_WORKSPACE": str(workspace),
    }
    if endpoint_mode == "env":
        own["AWS_ENDPOINT_URL"] = endpoint_of(endpoint_mode, endpoints)
    if endpoints.http:
        own["LAB_HTTP"] = endpoints.http
    if endpoints.ca_bundle is not None:
        bundle = str(endpoints.ca_bundle)
        own |= {"CURL_CA_BUNDLE": bundle, "SSL_CERT_FILE": bundle}
        if endpoint_mode == "env":
            # Elsewhere the profile names the bundle, and the environment would beat what the learner writes there.
            own["AWS_CA_BUNDLE"] = bundle
    own |= {variable_name(name): value for name, value in names.items()}
    own |= _proxies(inherited) | _locale(inherited)
    path = _without(inherited.get("PATH", "/usr/local/bin:/usr/bin:/bin"), bin_dir)
    startup = write_startup_files(directory, own=own, bin_dir=bin_dir, workspace=workspace, label=label)
    return inherited | own | {"PATH": f"{bin_dir}:{path}", "LAB_SHELL_DIR": str(startup)}


def variable_name(logical: str) -> str:
    """``bucket.old-vault`` → ``LAB_BUCKET_OLD_VAULT``."""
    return "LAB_" + logical.upper().replace(".", "_").replace("-", "_")


def _is_dropped(name: str) -> bool:
    return name.startswith(("AWS_", "BASH_FUNC_", "LAB_BUCKET_", "LAB_KEY_", "LAB_ALIAS_", "LAB_PRINCIPAL_")) or (
        name in _DROPPED
    )


def _proxies(inherited: Mapping[str, str]) -> dict[str, str]:
    """A proxy of the user's must not stand between the learner and this machine."""
    if not any(name.lower().endswith("_proxy") for name in inherited):
        return {}
    before = inherited.get("no_proxy") or inherited.get("NO_PROXY") or ""
    value = ",".join(filter(None, (before, "localhost,127.0.0.1,::1")))
    return {"no_proxy": value, "NO_PROXY": value}


def _locale(inherited: Mapping[str, str]) -> dict[str, str]:
    current = inherited.get("LC_ALL") or inherited.get("LC_CTYPE") or inherited.get("LANG") or ""
    if "utf-8" in current.lower() or "utf8" in current.lower():
        return {}
    # macOS before 15 has no C.UTF-8.
    return {"LC_ALL": "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"}


def _without(path: str, bin_dir: Path) -> str:
    """The search path without the lab's own directory, should this be a shell inside a shell."""
    return ":".join(place for place in path.split(":") if place != str(bin_dir))
