"""What a command says that cannot do its work: a sentence, the next step, and an exit status that scripts can use."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import socket
import sys
import sysconfig
import venv

import pytest

from tests.e2e.plain.harness import CONTENT, Answer, Lab

DONE, NOT_YET, USAGE, LAB_FAULT, NOT_CAPABLE = range(5)
SOLUTION = CONTENT / "exercises" / "09-sse-c" / "02-45-bytes" / "solutions" / "boto.py"
_DROP_CAPABILITY = 24  # prctl(2)
_OVERRIDES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH


def obey_permissions() -> None:
    """Even as root: in the child, before it becomes the lab."""
    if os.geteuid() == 0:
        for capability in _OVERRIDES:
            ctypes.CDLL(None).prctl(_DROP_CAPABILITY, capability, 0, 0, 0)


def said(answer: Answer, status: int, *sentences: str) -> None:
    """It ended so, and its errors hold these sentences; never a traceback."""
    assert answer.returncode == status, (answer.returncode, answer.stdout, answer.stderr)
    for sentence in sentences:
        assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not answer.stderr or answer.stderr.startswith(("lab: ", "usage: ", "The directory ", "Port ", "Another "))


@pytest.mark.parametrize(
    "command", ["start", "check", "shell", "brief", "hint", "solution", "explain", "reset", "predict"]
)
def test_an_exercise_that_does_not_exist_is_named_with_its_neighbors(command: str, shared: Lab) -> None:
    said(
        shared.run(command, "ssec-45-byte"),
        USAGE,
        "There is no exercise 'ssec-45-byte'.",
        "Did you mean ssec-45-bytes?",
    )


def test_names_that_are_like_nothing_lead_to_the_list(shared: Lab) -> None:
    said(shared.run("start", "zzzz"), USAGE, "There is no exercise 'zzzz'.", "lab list")
    said(shared.run("lesson", "zzzz"), USAGE, "There is no lesson 'zzzz'.")
    said(shared.run("xray", "wire", "zzzz"), USAGE, "There is no exercise 'zzzz'.")


def test_command_lines_that_make_no_sense(shared: Lab) -> None:
    said(shared.run("frobnicate"), USAGE, "invalid choice: 'frobnicate'")
    said(shared.run("xray", "smell", "9.2"), USAGE, "invalid choice: 'smell'")
    said(shared.run("xray", "keys", "9.2", "--raw"), USAGE, "--raw")
    said(shared.run("predict", "9.2", "x"), USAGE, "9.2 asks nothing before the run.")
    said(shared.run("sandbox", "serve", "--https-port", "70000"), USAGE, "'70000' is not a port number")
    said(shared.run("--backend", "endpoint", "start", "9.2"), USAGE, "--endpoint")
    said(shared.run("reset", "--all"), USAGE, "--yes")
    said(shared.run(), USAGE, "The app needs a terminal.", "lab --help")


def test_which_exercise_must_be_said_once(lab: Lab) -> None:
    said(lab.run("check"), USAGE, "Which exercise?", "lab start 9.2")


@pytest.mark.parametrize("command", ["check", "explain", "reset", "predict", "xray wire", "xray rest", "check --watch"])
def test_what_was_not_started_is_not_yet(command: str, lab: Lab) -> None:
    name, *options = command.split()
    said(lab.run(name, *options, "6.3"), NOT_YET, "lab ")


def test_questions_and_checks_that_do_not_exist_come_with_those_that_do(shared: Lab) -> None:
    shared.done("start", "6.3")
    said(
        shared.run("predict", "6.3", "500", "--question", "get-kms"),
        USAGE,
        "'500' is no answer",
        "Choose one of: 403, 400, 200.",
    )
    said(shared.run("predict", "6.3", "400", "--question", "nope"), USAGE, "There are: get-kms, get-s3, put-new.")
    said(shared.run("hint", "6.3", "nope"), USAGE, "There is no check 'nope' in 6.3.", "There are: ")


def test_a_back_end_that_cannot_show_it_is_told_before_anything_is_built(shared: Lab) -> None:
    config = shared.home / "their-config"
    config.write_text(
        "[profile mine]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\nregion = us-east-1\n"
    )
    answer = shared.run(
        "--backend", "endpoint", "--endpoint", "http://127.0.0.1:9", "--profile", "mine", "start", "11.2",
        environment={"AWS_CONFIG_FILE": str(config)},
    )  # fmt: skip
    said(answer, NOT_CAPABLE, "11.2 needs what this back end lacks", "--backend sandbox")
    assert not list(shared.work.glob("deny-the-wrong.endpoint"))


# ---- places that cannot be used --------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["/proc/nowhere", "a file"])
def test_a_data_directory_that_cannot_be_made(place: str, lab: Lab) -> None:
    if place == "a file":
        (lab.root / "data").write_text("")
    else:
        lab.extra["LAB_DATA_DIR"] = place
    listed = lab.run("list")
    said(listed, DONE, "cannot be used", "The lab works without saving.")
    assert "9.2" in listed.stdout
    said(lab.run("start", "9.2"), LAB_FAULT, "cannot be used", "set LAB_DATA_DIR to another place")
    doctor = lab.run("doctor")
    assert doctor.returncode == NOT_YET
    assert "✗ data " in doctor.stdout
    assert "set LAB_DATA_DIR to a directory of your own" in doctor.stdout


def test_a_runtime_directory_that_cannot_be_made_is_named_by_its_own_variable(lab: Lab) -> None:
    lab.runtime.write_text("")
    said(lab.run("start", "9.2"), LAB_FAULT, f"{lab.runtime} cannot be used", "set LAB_RUNTIME_DIR to another place")
    doctor = lab.run("doctor")
    assert doctor.returncode == NOT_YET
    assert "✗ runtime " in doctor.stdout
    lab.runtime.unlink()


def test_a_workspace_that_cannot_be_made(lab: Lab) -> None:
    lab.work.write_text("")
    said(lab.run("start", "9.2"), LAB_FAULT, "The workspace cannot be used", "--workspace DIR")
    lab.work.unlink()
    assert "Workspace:" in lab.done("start", "9.2")


def test_directories_without_permission(lab: Lab) -> None:
    lab.data.mkdir(mode=0o700)
    lab.data.chmod(0o500)
    said(lab.run("start", "9.2", preexec_fn=obey_permissions), LAB_FAULT, "cannot be used", "LAB_DATA_DIR")
    said(lab.run("list", preexec_fn=obey_permissions), DONE, "without saving")
    lab.data.chmod(0o700)
    lab.work.mkdir()
    lab.work.chmod(0o500)
    said(
        lab.run("start", "9.2", preexec_fn=obey_permissions), LAB_FAULT, "workspace cannot be used", "Make it writable"
    )
    lab.work.chmod(0o700)
    assert "Workspace:" in lab.done("start", "9.2", preexec_fn=obey_permissions)
    lab.workspace("ssec-45-bytes").chmod(0o500)
    assert lab.run("check", "9.2", preexec_fn=obey_permissions).returncode == NOT_YET
    (lab.workspace("ssec-45-bytes") / "new").touch()
    said(lab.run("reset", "9.2", preexec_fn=obey_permissions), LAB_FAULT, "The workspace cannot be used", "writable")
    lab.workspace("ssec-45-bytes").chmod(0o700)
    lab.done("reset", "9.2", preexec_fn=obey_permissions)


def test_a_disk_that_became_read_only_costs_nothing_but_the_saving(lab: Lab) -> None:
    """After the start: progress, worlds and their records can be read and not written."""
    lab.done("start", "9.2", preexec_fn=obey_permissions)
    assert lab.shell("9.2", f"python {SOLUTION}", preexec_fn=obey_permissions).returncode == 0
    private = [path for path in (lab.data, *lab.data.rglob("*")) if "sandbox" not in path.parts]
    for path in private:
        path.chmod(path.stat().st_mode & 0o500)
    try:
        answer = lab.run("check", "9.2", "--json", preexec_fn=obey_permissions)
        assert answer.returncode == DONE, answer.stderr
        assert json.loads(answer.stdout)["verdict"] == "passed"
        assert "saved" in answer.stderr
        for view in ("wire", "rest", "keys", "policy"):
            assert lab.run("xray", view, "9.2", preexec_fn=obey_permissions).returncode == DONE
    finally:
        for path in private:
            path.chmod(path.stat().st_mode | 0o200)


# ---- ports -----------------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken(shared: Lab) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        answer = shared.run("sandbox", "serve", "--https-port", str(port))
    said(answer, LAB_FAULT, f"Port {port} on localhost cannot be used", "Name another one")
    assert answer.stdout == ""


def test_a_shared_sandbox_that_lost_its_ports_takes_others(lab: Lab) -> None:
    lab.done("start", "9.2")
    before = lab.runtime_record()["https"]
    lab.done("sandbox", "stop")
    with socket.create_server(("127.0.0.1", int(before.rsplit(":", 1)[1]))):
        answer = lab.shell("9.2", "aws s3 ls; echo $LAB_HTTPS")
        assert answer.returncode == 0
        assert lab.runtime_record()["https"] != before
        assert lab.runtime_record()["https"] in answer.stdout
        assert "vault-" in answer.stdout


# ---- tools -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def bare(lab: Lab) -> Lab:
    """A lab whose Python has no ``aws`` beside it, and a path with the programs of a minimal system."""
    home = lab.root / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    lib = home / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (lib / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n{CONTENT}\n")
    command = home / "bin" / "lab"
    command.write_text(f"#!{home}/bin/python\nimport sys\nfrom lab.cli import main\nsys.exit(main())\n")
    command.chmod(0o700)
    tools = lab.root / "tools"
    tools.mkdir()
    for name in ("bash", "sh", "sed", "awk", "cat", "ls", "mv", "openssl", "curl"):
        found = shutil.which(name)
        assert found, f"{name} is missing: lab doctor says how to get it"
        (tools / name).symlink_to(found)
    lab.extra["PATH"] = str(tools)
    lab.program = command
    return lab


def test_without_the_aws_cli(bare: Lab) -> None:
    doctor = bare.run("doctor")
    assert doctor.returncode == NOT_YET
    (line,) = [line for line in doctor.stdout.splitlines() if " aws " in line]
    assert "was not found" in line
    assert "pip install" in line
    bare.done("start", "8.1")
    assert bare.json("check", "8.1", status=1)["verdict"] == "not_yet"
    answer = bare.shell("8.1", "aws s3 ls")
    assert answer.returncode == 127
    assert "lab: the AWS CLI is not installed here." in answer.stderr
    solution = CONTENT / "exercises" / "08-dsse-kms" / "01-two-layers" / "solutions" / "boto.py"
    assert bare.shell("8.1", f"python {solution}").returncode == 0
    assert bare.json("check", "8.1")["verdict"] == "passed"


def test_without_any_program(lab: Lab) -> None:
    lab.extra["PATH"] = str(lab.elsewhere)
    doctor = lab.run("doctor")
    assert doctor.returncode == NOT_YET
    for name in ("bash", "openssl", "curl"):
        assert f"✗ {name:<10} not found  → " in doctor.stdout
    assert "○ git        not found, for make test only" in doctor.stdout
    lab.done("start", "9.2")
    assert lab.run("check", "9.2").returncode == NOT_YET
    said(lab.run("shell", "9.2", "-c", "true"), LAB_FAULT, "bash", "lab doctor")
