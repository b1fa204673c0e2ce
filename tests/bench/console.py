"""What the console costs, in a real pseudo-terminal on real engines: start, key to paint, processor, bytes, memory.

Invariant: times are those at which bytes left the console for its terminal; a screen is judged by a terminal
emulator that is fed with these bytes afterwards, so that judging costs the console nothing.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from typing import Any, Self

import msgspec
import pyte

from engine.client import EngineClient
from engine.messages import EventLine, NearMiss, ServerLine
from hatui.lab import Engine, start_engine
from hatui.lab.servers import own_command
from tests.bench.plants import config, cpu_seconds, two_hosts

COLUMNS, LINES = 160, 45
NS_PER_MS = 1_000_000
BUSY = {"instances": 50, "interval_s": 0.1, "version": 3}
"""500 adverts/s."""
MANY = {"instances": 250}
EVENTS = 100_000
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

    def late(self, pressed: Sequence[tuple[int, Callable[[list[str]], bool]]]) -> float:
        """Milliseconds from each key to what it shows, 95th percentile."""
        judge = Judge(self.chunks)
        times = sorted((judge.when(shown, at) - at) / NS_PER_MS for at, shown in pressed)
        return times[int(0.95 * len(times))]

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
def engines(kinds: Mapping[str, Any]) -> Iterator[Engine]:
    """Two engines of such a configuration, the one on B in backup: the adverts of all instances arrive there."""
    with two_hosts() as (_, a, b, _):
        start_engine(a, config(200, **kinds))
        engine = start_engine(b, config(100, **kinds))
        assert isinstance(engine, Engine)
        time.sleep(5)
        yield engine


FULL = has("VI_1", "backup", "engine live", "Help")


def start(rounds: int = 7) -> float:
    """Seconds from starting the program to its first full frame (median)."""
    times = []
    with engines({}) as engine:
        for _ in range(rounds):
            with Console(engine) as console:
                time.sleep(2.5)
                times.append((Judge(console.chunks).when(FULL) - console.began) / 1e9)
    return statistics.median(times)


def key_to_paint(rounds: int = 60) -> float:
    """Milliseconds from a key to its effect on the screen, 95th percentile, Dashboard and Packets, 500 adverts/s."""
    with engines(BUSY) as engine, Console(engine) as console:
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
        return console.late(pressed)


def many(rounds: int = 60) -> float:
    """The same (ms) with 250 instances on the Dashboard, and walking and filtering 100,000 events; the worse."""
    with engines(MANY) as engine, tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        file.writelines(msgspec.json.encode(line) + b"\n" for line in asyncio.run(_long_recording(engine)))
        file.flush()
        with Console(engine) as console:
            time.sleep(4)
            keys = {"j": "VI_2", "G": "VI_250", "k": "VI_249", "g": "VI_1"}
            figures = [console.late(_walked(console, rounds, keys))]
        with Console(engine, "replay", file.name) as console:
            time.sleep(6)
            console.press("5")
            time.sleep(2)
            keys = {"j": "VI_249", "G": "VI_1", "k": "VI_2", "g": "VI_250"}
            pressed = _walked(console, rounds, keys)
            console.press("/")
            time.sleep(0.5)
            for word in ("VI_77", "late", "VI_250", "miss"):
                for letter in range(len(word)):
                    pressed.append((console.press(word[letter]), has(f"filter> {word[: letter + 1]}")))
                    time.sleep(0.15)
                console.press("\x7f" * len(word))
                time.sleep(1)
            figures.append(console.late(pressed))
    return max(figures)


def _walked(console: Console, rounds: int, names: Mapping[str, str]) -> list[tuple[int, Callable[[list[str]], bool]]]:
    """Press these keys in turn; each, and what it has to select."""
    pressed = []
    for number, key in enumerate(islice(cycle(names), rounds)):
        pressed.append((console.press(key), selected(names[key])))
        time.sleep(0.2 + 0.013 * (number % 11))
    return pressed


async def _long_recording(engine: Engine) -> list[ServerLine]:
    """What the engine says of its instances now, and 100,000 events before that."""
    async with EngineClient(engine.socket_outside) as client:
        hello, present = client.hello, msgspec.structs.replace(client.snapshot, mono_ns=client.hello.mono_ns)
    lines: list[ServerLine] = [hello, present]
    for number in range(EVENTS):
        before = (EVENTS - number) * NS_PER_MS
        event = NearMiss(f"VI_{number % MANY['instances'] + 1}", "late")
        lines.append(EventLine(number + 1, hello.mono_ns - before, hello.wall_ns - before, event))
    return lines


def processor(*, busy: bool) -> float:
    """Per cent of a core; busy: the worse of Dashboard and Packets with 500 adverts/s."""
    with engines(BUSY if busy else {}) as engine, Console(engine) as console:
        time.sleep(4)
        figures = [console.processor(15)]
        if busy:
            console.press("2")
            time.sleep(3)
            figures.append(console.processor(15))
        return max(figures)


def traffic(*, busy: bool) -> float:
    """KiB/s to the terminal; busy: the worse of Dashboard and Packets with 500 adverts/s."""
    with engines(BUSY if busy else {}) as engine, Console(engine) as console:
        time.sleep(15)
        figures = [console.written(10)]
        if busy:
            console.press("2")
            time.sleep(13)
            figures.append(console.written(10))
        return max(figures) / 10 / 1024


def memory_growth(window_s: float = 90) -> float:
    """MiB that the console grows once its ring of packets is full."""
    with engines(BUSY) as engine, Console(engine) as console:
        time.sleep(3)
        console.press("2")
        time.sleep(RING_S)
        full = console.resident_kib()
        time.sleep(window_s)
        return (console.resident_kib() - full) / 1024
