"""The learner's shell, started as the app starts it, with start-up files that do their worst."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lab.errors import ShellError
from lab.shell.pty import PtyProcess
from lab.shell.screen import TerminalScreen
from lab.shell.startup import shell_command

from .conftest import MakeEnvironment
from .waiting import read_until

HOSTILE = """\
export AWS_PROFILE=production AWS_ENDPOINT_URL=https://s3.amazonaws.com AWS_SESSION_TOKEN=theirs
AWS_NOT_EXPORTED=1
alias aws='echo aliased' python=false cd='echo no'
aws() { echo function; }
curl() { echo function; }
PATH=/usr/local/bin:/usr/bin:/bin
HISTFILE=~/history
set -e
false
set -u
exec false
exit 3
"""
BASH_ONLY = """\
PROMPT_COMMAND='PATH=/nowhere; AWS_PROFILE=production'
PS1='theirs> '
trap 'AWS_PROFILE=production' DEBUG
command_not_found_handle() { echo handled; }
MY_OWN=kept
"""
ZSH_ONLY = """\
precmd() { AWS_PROFILE=production }
precmd_functions=(precmd)
preexec() { AWS_PROFILE=production }
PROMPT='theirs> '
MY_OWN=kept
"""
QUESTION = (
    'printf \'<%s|%s|%s|%s|%s|%s>\\n\' "${AWS_PROFILE-unset}" "$AWS_ENDPOINT_URL" "${AWS_SESSION_TOKEN-unset}" '
    '"${AWS_NOT_EXPORTED-unset}" "$LAB_BUCKET_VAULT" "$MY_OWN"; command -v aws curl python; pwd\r'
)


def check_shell(environment: dict[str, str], workspace: Path) -> None:
    command, variables = shell_command(environment)
    process = PtyProcess(command, variables, workspace, 200, 30)
    screen = TerminalScreen(200, 30, process.write)
    try:
        read_until(process, screen, r"^lab 9\.2 \$ ?$")
        process.write(QUESTION.encode())
        seen = read_until(process, screen, r"^<.*>\n(.*\n)+lab 9\.2 \$ ?$")
        bin_dir = environment["PATH"].split(":")[0]
        assert "<unset|https://localhost:4001|unset|unset|vault-3f9a0c11|kept>" in seen
        assert f"\n{bin_dir}/aws\n" in seen
        assert f"\n{bin_dir}/python\n" in seen
        assert "\n/usr/bin/curl\n" in seen
        assert f"\n{workspace}\n" in seen
        process.write(b"false\recho still here $?\r")
        read_until(process, screen, r"^still here 1$")
        process.write(b"\x04")
        read_until(process, screen, None)
    finally:
        process.hangup()


def test_bash_after_a_hostile_file(make_environment: MakeEnvironment, home: Path, workspace: Path) -> None:
    (home / ".bashrc").write_text(BASH_ONLY + HOSTILE)
    check_shell(make_environment(), workspace)
    assert not (home / "history").exists()


def test_bash_says_which_variable_it_could_not_take_back(
    make_environment: MakeEnvironment, home: Path, workspace: Path
) -> None:
    (home / ".bashrc").write_text("readonly AWS_PROFILE=production\n")
    command, variables = shell_command(make_environment())
    process = PtyProcess(command, variables, workspace, 100, 30)
    screen = TerminalScreen(100, 30, process.write)
    try:
        read_until(process, screen, r"makes AWS_PROFILE read-only")
        read_until(process, screen, r"^lab 9\.2 \$ ?$")
    finally:
        process.hangup()


def test_the_prompt_follows_a_sandbox_on_other_ports(
    make_environment: MakeEnvironment, workspace: Path, runtime_file: Path
) -> None:
    command, variables = shell_command(make_environment())
    process = PtyProcess(command, variables, workspace, 100, 30)
    screen = TerminalScreen(100, 30, process.write)
    try:
        read_until(process, screen, r"^lab 9\.2 \$ ?$")
        runtime_file.write_text('{"https": "https://localhost:5001", "http": "http://localhost:5002"}')
        process.write(b"\recho $LAB_HTTPS\r")
        read_until(process, screen, r"^https://localhost:5001$")
    finally:
        process.hangup()


def test_zsh_start_up_files_take_back_what_decides(make_environment: MakeEnvironment) -> None:
    command, variables = shell_command(make_environment(base={"SHELL": "/bin/zsh"}) | {"SHELL": "/bin/bash"})
    assert Path(command[0]).name == "bash"
    zshrc = (Path(variables["AWS_CONFIG_FILE"]).parent / "zsh" / ".zshrc").read_text()
    user_file = zshrc.index(". $ZDOTDIR/.zshrc")
    for later in ("unset $lab_word", "environment.sh", "unalias", "precmd_functions=(lab_prompt)", "cd '"):
        assert zshrc.index(later) > user_file, later


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is optional; its files are tested as text")
def test_zsh_after_hostile_files(make_environment: MakeEnvironment, home: Path, workspace: Path) -> None:
    dotfiles = home / "dot files"
    dotfiles.mkdir()
    (home / ".zshenv").write_text(f"export AWS_PROFILE=production\nZDOTDIR='{dotfiles}'\nset -e\n")
    (dotfiles / ".zshrc").write_text(ZSH_ONLY + HOSTILE)
    check_shell(make_environment(base={"SHELL": shutil.which("zsh")}), workspace)


def test_other_shells_get_bash(make_environment: MakeEnvironment) -> None:
    command, variables = shell_command(make_environment(base={"SHELL": "/usr/bin/fish"}))
    assert Path(command[0]).name == "bash"
    assert "LAB_SHELL_DIR" not in variables


def test_no_bash_at_all(make_environment: MakeEnvironment) -> None:
    with pytest.raises(ShellError, match="no bash"):
        shell_command(make_environment() | {"PATH": "/nowhere", "SHELL": "/nowhere/bash"})


def test_the_prompt_holds_no_code(make_environment: MakeEnvironment) -> None:
    environment = make_environment(label="$(touch /tmp/x)'`")
    assert "PS1='\\[\\e[1m\\]lab touchtmpx\\[" in (Path(environment["LAB_SHELL_DIR"]) / "bashrc").read_text()
