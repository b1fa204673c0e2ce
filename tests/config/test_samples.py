"""The sample pairs read clean, mean what their comments say, and their check scripts tell the truth."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.config.build import load
from engine.config.model import Config
from tests.config.reading import disk

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
CONFIGS = sorted(SAMPLES.glob("*.conf"))


def read(name: str) -> Config:
    loaded = load(str(SAMPLES / name), *disk())
    assert [str(one) for one in loaded.diagnostics if one.severity == "error"] == []
    assert loaded.config
    return loaded.config


def test_there_are_three_pairs() -> None:
    assert {path.name for path in CONFIGS} == {
        f"server{side}{kind}.conf" for side in "AB" for kind in ("", "-exit", "-tracked")
    }


@pytest.mark.parametrize("kind", ["", "-exit", "-tracked"])
def test_both_sides_of_a_pair_are_one_virtual_router(kind: str) -> None:
    first, second = (read(f"server{side}{kind}.conf").instances[0] for side in "AB")
    assert first.key == second.key == ("eth0", 4, 50)
    assert first.addresses == second.addresses
    assert first.authentication == second.authentication
    assert (first.priority, second.priority) == (100, 50)
    assert (first.source, second.source) == ("10.211.55.22", "10.211.55.23")
    assert (first.initial_state, second.initial_state) == ("MASTER", "BACKUP")


def test_script_of_the_given_example_is_defined_and_not_tracked() -> None:
    config = read("serverA.conf")
    assert [script.name for script in config.scripts] == ["check_nginx"]
    assert config.instances[0].tracking.scripts == ()
    loaded = load(str(SAMPLES / "serverA.conf"), *disk())
    assert [(one.code, one.line) for one in loaded.diagnostics if one.code == "C-UNUSED"] == [("C-UNUSED", 4)]


def test_tracked_weight_moves_the_election_and_back() -> None:
    first, second = (read(f"server{side}-tracked.conf").instances[0] for side in "AB")
    weight = first.tracking.scripts[0].weight
    assert weight < 0
    assert first.priority + weight < second.priority < first.priority


def test_scripts_of_the_samples_are_beside_them_and_executable() -> None:
    for path in CONFIGS:
        for script in read(path.name).scripts:
            if path.name.count("-"):
                command = Path(script.command.argv[0])
                assert command.parent == SAMPLES
                assert os.access(command, os.X_OK)


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def run(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(SAMPLES / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=20)


def test_check_says_yes_while_the_port_is_served_and_no_afterwards() -> None:
    with listening() as port:
        done = run("check_nginx.sh", str(port))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert run("check_nginx.sh", NGINX_CHECK=str(port)).returncode == 0
    done = run("check_nginx.sh", str(port))
    assert done.returncode == 1
    assert str(port) in done.stdout


def test_check_believes_a_pid_file_only_while_the_process_lives(tmp_path: Path) -> None:
    pid_file = tmp_path / "nginx.pid"
    assert run("check_nginx.sh", str(pid_file)).returncode == 1
    pid_file.write_text(f"{os.getpid()}\n")
    assert run("check_nginx.sh", str(pid_file)).returncode == 0
    pid_file.write_text("4194305\n")
    assert run("check_nginx.sh", str(pid_file)).returncode == 1


def test_exit_script_ends_the_daemon_above_it_and_nobody_else(tmp_path: Path) -> None:
    daemon = tmp_path / "hatui-engine"
    daemon.write_text(
        "import subprocess, sys\n"
        "child = 'import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))'\n"
        "subprocess.call([sys.executable, '-c', child, *sys.argv[1:]])\n"
        "print('alive', flush=True)\n"
    )
    with listening() as port:
        command = [sys.executable, str(daemon), str(SAMPLES / "check_nginx_exit.sh"), str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        assert (done.returncode, done.stdout.strip()) == (0, "alive")
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == -signal.SIGTERM


def test_exit_script_says_so_when_no_daemon_is_above_it() -> None:
    done = run("check_nginx_exit.sh", "1")
    assert done.returncode == 1
    assert "no keepalived or hatui-engine" in done.stdout


def test_exit_script_takes_a_pid_file_for_the_daemon(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]) as process:
        pid_file = tmp_path / "engine.pid"
        pid_file.write_text(f"{process.pid}\n")
        assert run("check_nginx_exit.sh", "1", str(pid_file)).returncode == 1
        assert process.wait(timeout=20) == -signal.SIGTERM
