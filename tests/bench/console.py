"""What the console costs, in a real pseudo-terminal on real engines: start, key to paint, processor, bytes, memory.

Invariant: times are those at which bytes left the console for its terminal; a screen is judged by a terminal
emulator that is fed with these bytes afterwards, so that judging costs the console nothing.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import pyte

from hatui.lab import Engine, start_engine
from hatui.lab.servers import own_command
from tests.bench.plants import config, cpu_seconds, two_hosts

COLUMNS, LINES = 160, 45
NS_PER_MS = 1_000_000
BUSY = {"instances": 50, "interval_s": 0.1, "version": 3}
"""500 adverts/s."""
RING_S = 115
"""In this time (s) 50,000 packets and more have come."""


class Console:
    """`hatui` in a pseudo-terminal; all it writes, with the time of writing."""

    def __init__(self, engine: Engine, *arguments: str) -> None:
        self.chunks: list[tuple[int, bytes]] = []
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        argv = [*own_command("hatui", "hatui.cli"), "--socket", str(engine.socket_outside), *arguments]
        self.began = time.monotonic_ns()
        self._process = subprocess.Popen(
            argv, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"},
        )  # fmt: skip
        os.close(slave)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        while self._process.poll() is None:
            if select.select([self._master], [], [], 0.5)[0]:
                try:
                    data = os.read(self._master, 1 << 16)
                except OSError:
                    return
                self.chunks.append((time.monotonic_ns(), data))

    def press(self, key: str) -> int:
        """Type; the instant (ns) before."""
        at = time.monotonic_ns()
        os.write(self._master, key.encode())
        return at

    def written(self, seconds: float) -> int:
        """Bytes written to the terminal in the last seconds."""
        since = time.monotonic_ns() - int(seconds * 1e9)
        return sum(len(data) for at, data in self.chunks if at > since)

    def processor(self, seconds: float) -> float:
        """Per cent of one core over the next seconds."""
        before, at = cpu_seconds([self.pid]), time.monotonic()
        time.sleep(seconds)
        return 100 * (cpu_seconds([self.pid]) - before) / (time.monotonic() - at)

    def resident_kib(self) -> int:
        """Resident memory. Source: proc(5) status."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(2)
        os.close(self._master)


class Judge:
    """Replays what a console wrote: when did something stand on the screen?"""

    def __init__(self, chunks: list[tuple[int, bytes]]) -> None:
        self._chunks = list(chunks)
        self._at = 0
        self._screen = pyte.Screen(COLUMNS, LINES)
        self._stream = pyte.ByteStream(self._screen)

    def when(self, shown: Callable[[list[str]], bool], since: int = 0) -> int:
        """The instant (ns, not before `since`) of the chunk after which it stood there; fails when it never did."""
        while self._at < len(self._chunks):
            at, data = self._chunks[self._at]
            self._at += 1
            self._stream.feed(data)
            if at >= since and shown(self._screen.display):
                return at
        raise AssertionError("never shown:\n" + "\n".join(self._screen.display))


def has(*words: str) -> Callable[[list[str]], bool]:
    """All these words stand on the screen."""
    return lambda lines: all(any(word in line for line in lines) for word in words)


def selected(name: str) -> Callable[[list[str]], bool]:
    """The cursor is on the row of that name."""
    return lambda lines: any(line.startswith(">") and name in line.split() for line in lines)


@contextmanager
def engines(*, busy: bool) -> Iterator[Engine]:
    """Two engines, the one on B in backup: the adverts of all instances arrive there."""
    with two_hosts() as (_, a, b, _):
        kinds = BUSY if busy else {}
        start_engine(a, config(200, **kinds))  # type: ignore[arg-type]
        engine = start_engine(b, config(100, **kinds))  # type: ignore[arg-type]
        assert isinstance(engine, Engine)
        time.sleep(5)
        yield engine


FULL = has("VI_1", "backup", "engine live", "Help")


def start(rounds: int = 7) -> float:
    """Seconds from starting the program to its first full frame (median)."""
    times = []
    with engines(busy=False) as engine:
        for _ in range(rounds):
            with Console(engine) as console:
                time.sleep(2.5)
                times.append((Judge(console.chunks).when(FULL) - console.began) / 1e9)
    return statistics.median(times)


def key_to_paint(rounds: int = 60) -> float:
    """Milliseconds from a key to its effect on the screen, 95th percentile, Dashboard and Packets, 500 adverts/s."""
    with engines(busy=True) as engine, Console(engine) as console:
        time.sleep(4)
        pressed: list[tuple[int, Callable[[list[str]], bool]]] = []
        for number in range(rounds):
            down = number % 2 == 0
            pressed.append((console.press("j" if down else "k"), selected("VI_2" if down else "VI_1")))
            time.sleep(0.2 + 0.013 * (number % 11))
        console.press("2")
        time.sleep(3)
        for number in range(rounds):
            pause = number % 2 == 0
            pressed.append((console.press("p" if pause else "f"), has("paused" if pause else "FOLLOW")))
            time.sleep(0.2 + 0.013 * (number % 11))
        time.sleep(1)
        judge = Judge(console.chunks)
        times = sorted((judge.when(shown, at) - at) / NS_PER_MS for at, shown in pressed)
        return times[int(0.95 * len(times))]


def processor(*, busy: bool) -> float:
    """Per cent of a core; busy: the worse of Dashboard and Packets with 500 adverts/s."""
    with engines(busy=busy) as engine, Console(engine) as console:
        time.sleep(4)
        figures = [console.processor(15)]
        if busy:
            console.press("2")
            time.sleep(3)
            figures.append(console.processor(15))
        return max(figures)


def traffic(*, busy: bool) -> float:
    """KiB/s to the terminal; busy: the worse of Dashboard and Packets with 500 adverts/s."""
    with engines(busy=busy) as engine, Console(engine) as console:
        time.sleep(15)
        figures = [console.written(10)]
        if busy:
            console.press("2")
            time.sleep(13)
            figures.append(console.written(10))
        return max(figures) / 10 / 1024


def memory_growth(window_s: float = 90) -> float:
    """MiB that the console grows once its ring of packets is full."""
    with engines(busy=True) as engine, Console(engine) as console:
        time.sleep(3)
        console.press("2")
        time.sleep(RING_S)
        full = console.resident_kib()
        time.sleep(window_s)
        return (console.resident_kib() - full) / 1024
