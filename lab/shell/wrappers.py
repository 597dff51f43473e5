"""The programs that stand first on the learner's path: ``aws``, ``python``, ``python3`` and ``lab``.

They are short ``sh`` scripts, because the AWS CLI takes half a second by itself. Each reads the sandbox's runtime file
when it starts, so that a shell that is already open follows a sandbox that came back on other ports.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from lab.shell.files import read_text, write_private
from lab.shell.profiles import EndpointMode, Endpoints, ProfileFiles, endpoint_of

#: Sourced by the wrappers and by the prompt: where the sandbox listens now.
_FOLLOW = """\
# Made by the lab. Where does the sandbox listen now? Adjusts LAB_HTTPS, LAB_HTTP and AWS_ENDPOINT_URL.
lab_follow() {
    [ -n "$lab_runtime" ] && [ -r "$lab_runtime" ] || return 0
    lab_https=$(sed -n 's/.*"https" *: *"\\([^"]*\\)".*/\\1/p' "$lab_runtime")
    lab_http=$(sed -n 's/.*"http" *: *"\\([^"]*\\)".*/\\1/p' "$lab_runtime")
    [ -n "$lab_https" ] || return 0
    if [ "$lab_https" != "$LAB_HTTPS" ] || [ "${lab_http:-$LAB_HTTP}" != "$LAB_HTTP" ]; then
        if [ "$AWS_ENDPOINT_URL" = "$LAB_HTTPS" ]; then
            export AWS_ENDPOINT_URL="$lab_https"
        elif [ -n "$lab_http" ] && [ "$AWS_ENDPOINT_URL" = "$LAB_HTTP" ]; then
            export AWS_ENDPOINT_URL="$lab_http"
        fi
        export LAB_HTTPS="$lab_https"
        [ -z "$lab_http" ] || export LAB_HTTP="$lab_http"
    fi
    { read -r lab_old_https; read -r lab_old_http; } <"$lab_addresses" 2>/dev/null || return 0
    if [ "$lab_old_https" != "$lab_https" ] || [ "${lab_http:-$lab_old_http}" != "$lab_old_http" ]; then
        lab_new="$lab_config.$$"
        (umask 077 && sed -e "s|= *$lab_old_https *\\$|= $lab_https|" -e t \\
            -e "s|= *$lab_old_http *\\$|= $lab_http|" "$lab_config" >"$lab_new") && mv -f "$lab_new" "$lab_config"
        (umask 077 && printf '%s\\n%s\\n' "$lab_https" "$lab_http" >"$lab_addresses.$$") &&
            mv -f "$lab_addresses.$$" "$lab_addresses"
    fi
}
"""

_AWS = """\
#!/bin/sh
# Made by the lab: the AWS CLI, pointed at this exercise's back end. What was given on the command line, in the
# environment or in the profile holds; command lines that read neither of the last two are told.
. @follow@
lab_follow

profile=${AWS_PROFILE:-${AWS_DEFAULT_PROFILE:-default}}
endpoint='' authority='' verify=yes previous=''
for word in "$@"; do
    case $previous in
        endpoint) endpoint=$word ;;
        profile) profile=$word ;;
        authority) authority=$word ;;
    esac
    previous=''
    case $word in
        --no-verify-ssl) verify=no ;;
        --???*)
            # The CLI takes any beginning of an option's name that fits only one.
            case $word in *=*) value=${word#*=} ;; *) value='' ;; esac
            case --endpoint-url in "${word%%=*}"*) previous=endpoint endpoint=$value ;; esac
            case --profile in "${word%%=*}"*) previous=profile profile=${value:-$profile} ;; esac
            case --ca-bundle in "${word%%=*}"*) previous=authority authority=$value ;; esac
            case $word in *=*) previous='' ;; esac
            ;;
    esac
done

in_profile() { # the value of $1 in the chosen profile, from the file that the CLI reads
    [ -r "${AWS_CONFIG_FILE:-$lab_config}" ] || return 0
    awk -v profile="$profile" -v wanted="$1" '
        /^[ \\t]*\\[/ {
            name = $0; sub(/^[ \\t]*\\[[ \\t]*/, "", name); sub(/[ \\t]*\\].*$/, "", name)
            sub(/^profile[ \\t]+/, "", name); gsub(/"/, "", name); inside = (name == profile); next
        }
        inside && /^[A-Za-z_]/ {
            split_at = index($0, "="); key = substr($0, 1, split_at - 1); gsub(/[ \\t]/, "", key)
            if (key == wanted) {
                value = substr($0, split_at + 1); gsub(/^[ \\t]+|[ \\t\\r]+$/, "", value); print value; exit
            }
        }' "${AWS_CONFIG_FILE:-$lab_config}"
}

given=$endpoint
if [ -z "$endpoint" ] && [ "$AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" != true ]; then
    endpoint=$AWS_ENDPOINT_URL
    if [ -z "$endpoint" ]; then endpoint=$(in_profile endpoint_url); fi
fi
if [ -z "$endpoint" ]; then endpoint=$@home@; fi

refuse() {
    printf '%s\\n' "lab: this shell talks to the sandbox on this machine only, and $1 is somewhere else." \\
        "lab: leave --endpoint-url out, or name \\$LAB_HTTPS or \\$LAB_HTTP." >&2
    exit 2
}
local_only() {
    host=${1#*://}
    host=${host%%[/?#]*}
    case $host in *@*|*\\\\*|'') refuse "$1" ;; esac
    case $host in
        '[::1]'|'[::1]:'*) return 0 ;;
    esac
    host=${host%%:*}
    case $host in
        [Ll][Oo][Cc][Aa][Ll][Hh][Oo][Ss][Tt]) return 0 ;;
        *[!0-9.]*) refuse "$1" ;;
        127.*) return 0 ;;
    esac
    refuse "$1"
}
if [ "$lab_local" = yes ]; then
    local_only "$endpoint"
    for other in "$AWS_ENDPOINT_URL_S3" "$AWS_ENDPOINT_URL_KMS" "$AWS_ENDPOINT_URL_STS" "$AWS_ENDPOINT_URL_IAM"; do
        [ -z "$other" ] || local_only "$other"
    done
fi

real=$lab_aws
if [ ! -x "$real" ]; then
    real=''
    rest=$PATH:
    while [ -n "$rest" ]; do
        place=${rest%%:*}
        rest=${rest#*:}
        if [ -n "$place" ] && [ "$place" != "$lab_bin" ] && [ -f "$place/aws" ] && [ -x "$place/aws" ]; then
            real=$place/aws
            break
        fi
    done
fi
if [ -z "$real" ]; then
    printf '%s\\n' 'lab: the AWS CLI is not installed here.' \\
        "lab: install it with: $lab_python -m pip install awscli" \\
        'lab: or work with boto3, which is there: python' >&2
    exit 127
fi
if [ -n "$lab_runtime" ] && [ ! -e "$lab_runtime" ]; then
    printf '%s\\n' 'lab: the sandbox is not running. Start it with: lab start' >&2
fi

# Service addresses in the environment beat the general one in the CLI, so they are left to it.
if [ -z "$given" ] && [ -z "$AWS_ENDPOINT_URL_S3$AWS_ENDPOINT_URL_KMS$AWS_ENDPOINT_URL_STS$AWS_ENDPOINT_URL_IAM" ] &&
    [ -z "$(in_profile services)" ]; then
    set -- "$@" --endpoint-url "$endpoint"
fi
if [ -n "$lab_ca" ] && [ -z "$authority" ] && [ $verify = yes ] && [ -z "$AWS_CA_BUNDLE" ] &&
    [ -z "$(in_profile ca_bundle)" ]; then
    set -- "$@" --ca-bundle "$lab_ca"
fi
exec "$real" "$@"
"""

_PYTHON = """\
#!/bin/sh
# Made by the lab: the interpreter that has boto3 and cryptography.
. @follow@
lab_follow
exec "$lab_python" "$@"
"""

_LAB = """\
#!/bin/sh
# Made by the lab: the lab that opened this shell.
. @follow@
lab_follow
exec "$lab_python" -m lab.cli "$@"
"""


def write_wrappers(
    directory: Path,
    *,
    files: ProfileFiles,
    endpoints: Endpoints,
    mode: EndpointMode,
    runtime_file: Path | None,
    interpreter: Path | None = None,
) -> Path:
    """Write the wrappers into ``directory/bin`` and return that directory.

    Args:
        directory: The exercise's private directory.
        files: The profiles that the wrappers keep up to date.
        endpoints: Where the back end listens now.
        mode: How the learner's tools are pointed.
        runtime_file: JSON with members ``https`` and ``http``, rewritten by each start of the sandbox; None where the
            back end does not move.
        interpreter: The lab's Python; this process's own by default.
    """
    python = interpreter or Path(sys.executable)
    bin_dir = directory / "bin"
    values = {
        "lab_runtime": str(runtime_file or ""),
        "lab_config": str(files.config),
        "lab_addresses": str(files.addresses),
        "lab_python": str(python),
        "lab_aws": str(python.with_name("aws")),
        "lab_bin": str(bin_dir),
        "lab_ca": str(endpoints.ca_bundle or ""),
        "lab_local": "yes" if endpoints.local else "no",
    }
    follow = directory / "follow.sh"
    assignments = "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items())
    _write_changed(follow, assignments + _FOLLOW)
    home = "LAB_HTTP" if mode == "http" and endpoint_of(mode, endpoints) == endpoints.http else "LAB_HTTPS"
    for name, text in {"aws": _AWS, "python": _PYTHON, "python3": _PYTHON, "lab": _LAB}.items():
        script = text.replace("@follow@", shlex.quote(str(follow))).replace("@home@", home)
        _write_changed(bin_dir / name, script, mode=0o700)
    return bin_dir


def _write_changed(path: Path, text: str, mode: int = 0o600) -> None:
    """Leave an unchanged file alone: a shell may be reading it."""
    if read_text(path) != text:
        write_private(path, text, mode)
