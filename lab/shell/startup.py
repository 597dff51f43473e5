"""The start-up files of the learner's shell: the user's own are read first, then the lab has the last word.

A user's file may set an AWS profile, alias ``aws``, change the path, switch on ``set -e`` or even replace the shell.
Ours takes back what decides where requests go and leaves the rest (editor, aliases, colors) as the user likes it.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.errors import ShellError
from lab.shell.files import write_private

_COMMANDS = "aws python python3 lab curl openssl"

_BASH = """\
# Made by the lab: bash in the workspace of an exercise.
exec() { :; }    # the user's file may replace this shell or end it; the lab's settings must still come
exit() { :; }
logout() { :; }
if [ -r /etc/bash.bashrc ]; then . /etc/bash.bashrc || :; fi
if [ -r ~/.bashrc ]; then . ~/.bashrc || :; fi
unset -f exec exit logout
set +eux
trap - DEBUG ERR EXIT RETURN
for lab_word in @commands@ builtin command unset export cd unalias hash; do
    unalias "$lab_word" 2>/dev/null
    unset -f "$lab_word" 2>/dev/null
done
unset -v PROMPT_COMMAND PS0 BASH_ENV command_not_found_handle
for lab_word in $(compgen -v AWS_); do
    unset -v "$lab_word" 2>/dev/null || printf 'lab: your ~/.bashrc makes %s read-only.\\n' "$lab_word" >&2
done
. @environment@
HISTFILE=@directory@/bash_history
PS1='@prompt@'
. @follow@
lab_prompt() {
    local status=$?
    if [ -n "$lab_runtime" ] && [ "$lab_runtime" -nt "$lab_addresses" ]; then lab_follow; fi
    return $status
}
PROMPT_COMMAND=lab_prompt
unset -v lab_word
hash -r
cd @workspace@ || printf 'lab: the workspace %s is gone. Make it again with: lab reset\\n' @workspace@ >&2
"""

_ZSHENV = """\
# Made by the lab: the user's own file first; it may name another directory for the rest.
lab_zdotdir=$ZDOTDIR
ZDOTDIR=${LAB_USER_ZDOTDIR:-$HOME}
if [[ -r $ZDOTDIR/.zshenv ]]; then . $ZDOTDIR/.zshenv || :; fi
LAB_USER_ZDOTDIR=$ZDOTDIR
ZDOTDIR=$lab_zdotdir
unsetopt err_exit err_return
"""

_ZSHRC = """\
# Made by the lab: zsh in the workspace of an exercise.
function exec exit logout { : }    # the user's file may replace this shell or end it
ZDOTDIR=${LAB_USER_ZDOTDIR:-$HOME}
if [[ -r $ZDOTDIR/.zshrc ]]; then . $ZDOTDIR/.zshrc || :; fi
unfunction exec exit logout 2>/dev/null
unsetopt err_exit err_return no_unset xtrace verbose
trap - DEBUG ERR EXIT ZERR 2>/dev/null
for lab_word in @commands@ cd; do
    unalias $lab_word 2>/dev/null
    unfunction $lab_word 2>/dev/null
done
precmd_functions=() preexec_functions=() chpwd_functions=()
unfunction precmd preexec chpwd command_not_found_handler 2>/dev/null
for lab_word in ${(k)parameters[(I)AWS_*]}; do unset $lab_word; done
. @environment@
HISTFILE=@directory@/zsh_history
unsetopt prompt_subst
PROMPT='@prompt@' RPROMPT=''
. @follow@
lab_prompt() {
    if [[ -n $lab_runtime && $lab_runtime -nt $lab_addresses ]]; then lab_follow; fi
}
precmd_functions=(lab_prompt)
unset lab_word LAB_USER_ZDOTDIR lab_zdotdir
rehash
cd @workspace@ || print -u2 'lab: the workspace is gone. Make it again with: lab reset'
"""


def write_startup_files(directory: Path, *, own: Mapping[str, str], bin_dir: Path, workspace: Path, label: str) -> Path:
    """Write the start-up files of bash and zsh into the private directory and return it.

    Args:
        directory: The exercise's private directory; ``follow.sh`` lies there already.
        own: The variables that must hold after the user's files were read.
        bin_dir: The wrappers' directory, put first on the path.
        workspace: Where the shell starts.
        label: What the prompt shows.
    """
    exports = [f"export {name}={shlex.quote(value)}" for name, value in sorted(own.items())]
    exports.append(f'export PATH={shlex.quote(str(bin_dir))}:"$PATH"')
    environment = directory / "environment.sh"
    write_private(environment, "# Made by the lab.\n" + "\n".join(exports) + "\n")
    shown = re.sub(r"[^A-Za-z0-9._-]", "", label)
    prompt = f"lab {shown}".strip()
    values = {
        "commands": _COMMANDS,
        "environment": shlex.quote(str(environment)),
        "directory": shlex.quote(str(directory)),
        "follow": shlex.quote(str(directory / "follow.sh")),
        "workspace": shlex.quote(str(workspace)),
    }
    bash_prompt = rf"\[\e[1m\]{prompt}\[\e[0m\] $ "
    write_private(directory / "bashrc", _filled(_BASH, values | {"prompt": bash_prompt}))
    write_private(directory / "zsh" / ".zshenv", _filled(_ZSHENV, values))
    write_private(directory / "zsh" / ".zshrc", _filled(_ZSHRC, values | {"prompt": f"%B{prompt}%b $ "}))
    return directory


def shell_command(environment: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
    """The argument list of an interactive shell in this environment, and the environment that it is given.

    zsh where the user's shell is zsh, else bash.

    Raises:
        ShellError: There is no bash, or the environment is not one of ``learner_environment``.
    """
    if "LAB_SHELL_DIR" not in environment:
        raise ShellError("This environment has no start-up files for a shell.")
    directory = Path(environment["LAB_SHELL_DIR"])
    variables = {name: value for name, value in environment.items() if name != "LAB_SHELL_DIR"}
    path = environment.get("PATH", os.defpath)
    wanted = environment.get("SHELL", "")
    if Path(wanted).name == "zsh" and (zsh := shutil.which(wanted, path=path)):
        return [zsh, "-i"], variables | {"ZDOTDIR": str(directory / "zsh")}
    bash = wanted if Path(wanted).name == "bash" else "bash"
    found = shutil.which(bash, path=path) or shutil.which("bash", path=path)
    if found is None:
        raise ShellError("There is no bash on this machine.", "Install bash, then open the shell again.")
    return [found, "--rcfile", str(directory / "bashrc"), "-i"], variables


def _filled(template: str, values: Mapping[str, str]) -> str:
    return re.sub(r"@([a-z]+)@", lambda match: values[match.group(1)], template)
