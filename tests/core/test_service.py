"""Pid file, other engines, words to the service manager."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import pytest

from engine.core import service
from engine.core.service import PidFile
from engine.errors import Refused


def holder(path: Path, pid_to_write: int | None = None) -> int:
    """A process that holds the pid file."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        file = PidFile(path)
        file.lock(0)
        file.write()
        if pid_to_write is not None:
            path.write_text(str(pid_to_write))
        os.write(write, b"x")
        while True:
            time.sleep(1)
    os.read(read, 1)
    os.close(read)
    os.close(write)
    return pid


def test_pid_file_holds_the_pid_and_goes_at_the_end(tmp_path: Path) -> None:
    file = PidFile(tmp_path / "run" / "engine.pid")
    file.lock(0)
    file.write()
    assert file.path.read_text() == f"{os.getpid()}\n"
    file.remove()
    assert not file.path.exists()
    file.remove()


def test_second_engine_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    path = tmp_path / "engine.pid"
    pid = holder(path)
    try:
        with pytest.raises(Refused, match=f"pid {pid}") as refusal:
            PidFile(path).lock(0)
        assert refusal.value.code == "E-RUNNING"
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    again = PidFile(path)
    again.lock(0)  # a stale file is no obstacle
    again.remove()


def test_processes_of_a_dead_engine_are_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "engine.pid"
    dead = os.fork()
    if not dead:
        os._exit(0)
    os.waitpid(dead, 0)
    pid = holder(path, pid_to_write=dead)
    with pytest.raises(Refused, match="earlier engine"):
        PidFile(path).lock(0)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    file = PidFile(path)
    file.lock(5)
    file.remove()


def test_lock_on_a_removed_file_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "engine.pid"
    file = PidFile(path)
    file.lock(0)
    path.unlink()  # as by an engine that ended meanwhile
    other = PidFile(path)
    other.lock(0)
    assert not file._ours_still()
    assert other._ours_still()
    other.remove()
    os.close(file._descriptor)


def test_pid_file_in_an_impossible_place_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="E-IO"):
        PidFile(tmp_path / "file" / "engine.pid").lock(0)


def test_service_manager_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        service.tell("READY=1")
        assert manager.recv(100) == b"READY=1"
    service.tell("STOPPING=1")  # nobody listens: nothing happens
    monkeypatch.delenv("NOTIFY_SOCKET")
    service.tell("STOPPING=1")
