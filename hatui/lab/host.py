"""A host of the lab and the programs that run on it.

Invariant: a Program's `pid` is the real process inside the host, never the helper that entered it, so a
signal reaches the program itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from engine.errors import HatuiError

HOLDER = Path(__file__).with_name("holder.py")


class LabError(HatuiError):
    """The lab could not do what was asked; the text says why."""


def wait_for(what: Callable[[], Any], timeout_s: float, text: str, every_s: float = 0.02) -> Any:
    """Ask `what` until it answers something true and return that.

    Raises: LabError after `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise LabError(f"waited {timeout_s:g} s in vain: {text}")
        time.sleep(every_s)


def search_path() -> str:
    """PATH with the system directories, which the PATH of an ordinary user may lack."""
    return os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/local/sbin:/usr/sbin:/sbin"


def which(program: str) -> str:
    """The path of a program, or empty."""
    return shutil.which(program, path=search_path()) or ""


def _environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    return {**os.environ, "PATH": search_path(), **(more or {})}


def children_of(pid: int) -> list[int]:
    """The children of a process, by /proc."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdecimal():
            continue
        try:
            text = Path("/proc", entry, "stat").read_text(errors="replace")
        except OSError:
            continue
        if int(text.rpartition(")")[2].split()[1]) == pid:
            found.append(int(entry))
    return found


class Program:
    """A program that runs on a host. Its output goes to `log` unless it was started on a terminal."""

    def __init__(self, host: Host, argv: Sequence[str], popen: subprocess.Popen[bytes], log: Path | None) -> None:
        self.host = host
        self.argv = tuple(argv)
        self.log = log
        self._popen = popen
        self._pid = 0

    @property
    def pid(self) -> int:
        """The process itself, as seen outside the host; 0 when it has ended."""
        if not self._pid:
            deadline = time.monotonic() + 5
            while not self._pid and self._popen.poll() is None and time.monotonic() < deadline:
                children = children_of(self._popen.pid)
                if children:
                    self._pid = children[0]
                else:
                    time.sleep(0.002)
        return self._pid if self._popen.poll() is None else 0

    @property
    def running(self) -> bool:
        """True until it has ended."""
        return self._popen.poll() is None

    @property
    def returncode(self) -> int | None:
        """Exit status; -N when killed by signal N; None while it runs."""
        return self._popen.poll()

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self.log.read_text(errors="replace") if self.log and self.log.exists() else ""

    def send_signal(self, number: int) -> None:
        """Signal the program itself; nothing happens when it has ended."""
        pid = self.pid
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def wait(self, timeout_s: float | None = 10) -> int:
        """Wait for its end; None waits for ever. Raises: LabError when it still runs after `timeout_s`."""
        try:
            return self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.argv[0]} on {self.host.name} still runs after {timeout_s} s") from None

    def stop(self, timeout_s: float = 10) -> int:
        """SIGTERM, then SIGKILL after `timeout_s`; the exit status."""
        self.send_signal(signal.SIGTERM)
        try:
            return self.wait(timeout_s)
        except LabError:
            return self.kill()

    def kill(self) -> int:
        """SIGKILL and wait."""
        self.send_signal(signal.SIGKILL)
        return self.wait(5)


class Host:
    """A machine: own network, processes, host name, /run and mounts. Made by `Lab.add_host`.

    `root` is its disk in the lab's directory: it survives a power cut, /run does not.
    """

    def __init__(self, name: str, root: Path, enter_user: int = 0, mounts: Mapping[str, Path] | None = None) -> None:
        self.name = name
        self.root = root
        self.address = ""
        self.mac = ""
        self.port = ""
        """The name of its port on the switch."""
        self.pid = 0
        """Process 1 of the host, seen from outside; 0 while it is off."""
        self.programs: list[Program] = []
        self._mounts = dict(mounts or {})
        self._enter_user = enter_user
        self._own_user = False
        self._holder: subprocess.Popen[bytes] | None = None
        root.mkdir(parents=True, exist_ok=True)

    @property
    def on(self) -> bool:
        """True while it has power."""
        return self.pid != 0

    def boot(self, new_user: bool = False) -> None:
        """Create the namespaces and start process 1. `new_user`: this host makes the user namespace.

        Raises: LabError with the kernel's reason.
        """
        argv = [sys.executable, "-S", "-E", str(HOLDER), self.name]
        if new_user:
            argv.append("--user")
            self._own_user = True
        for target, source in self._mounts.items():
            source.mkdir(parents=True, exist_ok=True)
            argv += ["--mount", f"{source}:{target}"]
        if self._enter_user:
            argv = ["nsenter", "-t", str(self._enter_user), "-U", "--preserve-credentials", "--", *argv]
        holder = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_environment(),
            start_new_session=True,
        )
        assert holder.stdout is not None
        first = holder.stdout.readline().decode(errors="replace").strip()
        second = holder.stdout.readline().decode(errors="replace").strip()
        holder.stdout.close()
        self._holder = holder
        if second != "ready":
            self.halt()
            raise LabError(f"host {self.name}: {second.removeprefix('failed: ') or first or 'no answer'}")
        self.pid = int(first)

    def halt(self) -> None:
        """Kill everything on it at once, as a power cut does."""
        pid, self.pid = self.pid, 0
        holder, self._holder = self._holder, None
        if pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if holder is not None:
            if holder.stdin is not None:
                holder.stdin.close()
            try:
                holder.wait(5)
            except subprocess.TimeoutExpired:
                holder.kill()
                holder.wait(5)
        for program in self.programs:
            program.wait(5)
        self.programs.clear()

    def enter(self, argv: Sequence[str], processes: bool = True) -> list[str]:
        """The command line that runs `argv` on this host. Without `processes` it stays in the outer pid
        namespace and mounts: only the network is the host's.

        Raises: LabError when the host is off.
        """
        if not self.pid:
            raise LabError(f"{self.name} is off")
        enter = ["nsenter", "-t", str(self.pid), "-n"]
        if processes:
            enter += ["-m", "-p", "-u"]
        if self._enter_user or self._own_user:
            enter += ["-U", "--preserve-credentials"]
        return [*enter, "--", *argv]

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = True,
        timeout_s: float = 30,
        input_text: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end and return its text.

        Raises: LabError when `check` and it fails, or when it takes longer than `timeout_s`.
        """
        try:
            done = subprocess.run(
                self.enter(argv),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout_s,
                input=input_text if input_text is not None else "",
                env=_environment(env),
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name}: {' '.join(argv)} took longer than {timeout_s:g} s") from None
        if check and done.returncode:
            text = (done.stderr or done.stdout).strip()
            raise LabError(f"{self.name}: {' '.join(argv)}: exit {done.returncode}: {text}")
        return done

    def start(
        self,
        argv: Sequence[str],
        *,
        log: str = "",
        env: Mapping[str, str] | None = None,
        stdin: int | IO[bytes] | None = subprocess.DEVNULL,
        terminal: bool = False,
    ) -> Program:
        """Start a program and return at once. Its output goes to the file `log` on the host's disk (default:
        the program's name). `terminal`: it keeps our own terminal instead."""
        path: Path | None = None
        full_env = _environment(env)
        if terminal:
            popen = subprocess.Popen(self.enter([*self._here(), *argv]), env=full_env)
        else:
            path = self.root / (log or f"{Path(argv[0]).name}.log")
            with path.open("ab") as file:
                popen = subprocess.Popen(
                    self.enter(argv),
                    stdin=stdin,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env=full_env,
                    start_new_session=True,
                )
        program = Program(self, argv, popen, path)
        self.programs.append(program)
        return program

    def _here(self) -> list[str]:
        """Words that let a program on the host begin in our own working directory, where the host has it."""
        here = os.getcwd()
        return ["env", "-C", here] if Path(f"/proc/{self.pid}/root{here}").is_dir() else []

    def ip(self, *lines: str) -> None:
        """Run `ip` commands (without the word ip) in the host's network, all in one batch."""
        batch(self, lines)

    def addresses(self, interface: str = "eth0") -> list[str]:
        """The addresses on an interface as the kernel lists them, ADDRESS/PREFIX."""
        found = self.run(["ip", "-j", "addr", "show", "dev", interface], check=False)
        if found.returncode:
            return []
        return [
            f"{info['local']}/{info['prefixlen']}"
            for link in json.loads(found.stdout or "[]")
            for info in link.get("addr_info", ())
        ]

    def has_address(self, address: str) -> bool:
        """True when the host is on and some interface of it carries the address."""
        if not self.pid:
            return False
        found = self.run(["ip", "-j", "addr", "show"], check=False)
        return any(
            info.get("local") == address
            for link in json.loads(found.stdout or "[]")
            for info in link.get("addr_info", ())
        )


def batch(host: Host, lines: Sequence[str]) -> None:
    """Run `ip` commands in the host's network but outside its pid namespace, so that pids mean the outer ones.

    Raises: LabError with the text of `ip`.
    """
    done = subprocess.run(
        host.enter(["ip", "-batch", "-"], processes=False),
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        env=_environment(),
        check=False,
    )
    if done.returncode:
        raise LabError(f"{host.name}: ip: {done.stderr.strip()}")
