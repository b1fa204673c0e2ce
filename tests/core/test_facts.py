"""Facts of this host for lint, and the commands that hold a file against them."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from engine.core import facts
from engine.core.loading import read_config
from hatui.cli import main
from tests.config.lint_case import instance, script


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "check"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_program_runs_or_not_for_a_reason(program: Path) -> None:
    assert facts.refuses("true", "", "") == ""
    assert facts.refuses(str(program), "root", "") == ""
    assert facts.refuses(str(program.parent / "absent"), "root", "") == "it is not found"
    assert facts.refuses("no-such-program-here", "root", "") == "it is not found"
    assert facts.refuses(str(program.parent), "root", "") == "it is no regular file"
    assert facts.refuses(str(program), "no-such-user", "") == "user no-such-user does not exist"
    assert facts.account("root", "no-such-group") == "group no-such-group does not exist"
    program.chmod(0o644)
    assert facts.refuses(str(program), "root", "") == f"{program} is not executable for root"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give a file away")
def test_account_must_reach_the_program(program: Path) -> None:
    program.parent.chmod(0o700)
    assert facts.refuses(str(program), "nobody", "").endswith("cannot be entered by nobody")
    assert facts.insecure(str(program), "nobody", "") == ""


def test_interfaces_and_addresses_of_this_namespace() -> None:
    assert "lo" in facts.interfaces()
    assert facts.addresses("no-such") == []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", 0))
        except OSError:
            pytest.skip("lo is down here")
    assert "127.0.0.1" in facts.addresses("lo")
    assert facts.promotes("no-such") == facts.promotes("no-such-either")


def test_test_of_the_configuration_and_the_editor_are_told_and_a_start_does_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "k.conf"
    path.write_text(instance("interface no-such9") + script(command="/no/such/program"))
    told = {one.code for one in read_config(str(path), here=True).findings}
    assert {"L-INTERFACE", "L-SCRIPT"} <= told
    assert told <= {one.code for one in read_config(str(path), hints=True).findings} | {"C-UNUSED", "C-SECURITY"}
    assert {one.code for one in read_config(str(path)).findings} == {"C-UNUSED", "C-SECURITY"}


def test_check_holds_a_file_against_this_host_where_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "k.conf"
    path.write_text(instance("interface no-such9"))
    assert main(["check", str(path)]) == 0
    assert "L-INTERFACE" not in capsys.readouterr().out
    assert main(["check", "--here", str(path)]) == 4
    assert "there is no interface no-such9 on this host" in capsys.readouterr().out
