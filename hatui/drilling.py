"""What a client does beside a drill that an engine runs: probes elsewhere, the other nodes told, packets fetched.

Invariant: the drill is the engine's; nothing here changes what it does, probes end with it, and what could not be
done is said.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shlex
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import msgspec

from engine.errors import EngineLost, HatuiError, Refused
from engine.messages import (
    Command,
    GetConfig,
    GetDrillPackets,
    OtherRouter,
    Outcome,
    ProbeSample,
    ProbeSeen,
    Reply,
    ReserveDrill,
    RunDrill,
)
from hatui.text import parse_duration, plain

START_S = 10.0
"""Seconds that a probe elsewhere has to begin."""
RENEW_S = 10.0
HOLD_S = 30.0
"""Seconds that another node holds still without being told again; RENEW_S is told within it, more than once."""
LARGEST = 1_000_000
"""Characters of another node's configuration that go along with a simulation."""
Ask = Callable[[Command], Awaitable[Reply]]


async def packets(ask: Ask, number: int) -> bytes:
    """The pcapng of a drill, piece by piece.

    Raises: Refused E-NO-PACKETS; EngineLost.
    """
    found = b""
    while True:
        reply = await ask(GetDrillPackets(number, len(found)))
        if reply.outcome is not Outcome.DONE:
            raise Refused(reply.code, reply.text)
        found += reply.octets
        if not reply.octets or len(found) >= reply.size:
            return found


def write_packets(path: str, octets: bytes) -> None:
    """Write a file for its owner alone; one that exists stays.

    Raises: HatuiError.
    """
    how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        with open(os.open(os.path.expanduser(path), how, 0o600), "wb") as file:
            file.write(octets)
    except FileExistsError:
        raise HatuiError(f"{path} exists: name another file [E-EXISTS]") from None
    except OSError as failure:
        raise HatuiError(f"{path}: {failure.strerror} [E-IO]") from None


async def _renewed(taken: Sequence[Ask], wish: ReserveDrill, every: float) -> None:
    """Say it again and again. Who does not answer is asked again the next time."""
    while True:
        await asyncio.sleep(every)
        for ask in taken:
            with contextlib.suppress(EngineLost, Refused):
                await ask(wish)


@asynccontextmanager
async def held(asks: Mapping[str, Ask], wish: ReserveDrill, every: float = RENEW_S) -> AsyncIterator[None]:
    """Have other nodes hold still while a drill runs elsewhere: told again and again as long as it goes on, and told
    when it is over. The drill goes on without its client: when that leaves or dies, they hold still until the longest
    time that the drill may take (`HOLD_S` at least) is over since they were told last.

    Raises: Refused E-DRILL with the name of the node where another drill is in the way; nothing is held then.
    """
    taken: list[Ask] = []
    renewing: asyncio.Task[None] | None = None
    wish = msgspec.structs.replace(wish, seconds=max(wish.seconds, HOLD_S))
    try:
        for node, ask in asks.items():
            try:
                reply = await ask(wish)
            except (EngineLost, Refused):
                continue  # nobody there to hold still: the checks have said so
            if reply.code == "E-DRILL":
                raise Refused(reply.code, f"{node}: {reply.text}")
            if reply.outcome is Outcome.DONE:
                taken.append(ask)
        if taken:
            renewing = asyncio.get_running_loop().create_task(_renewed(taken, wish, every))
        yield
    except (asyncio.CancelledError, EngineLost):
        taken.clear()  # whoever started it leaves, and the drill goes on
        raise
    finally:
        if renewing is not None:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
        for ask in taken:
            with contextlib.suppress(EngineLost, Refused):  # it ends by itself
                await ask(msgspec.structs.replace(wish, seconds=0))


async def with_configuration(ask: Ask, other: OtherRouter | None) -> OtherRouter | None:
    """The other router with the configuration that it runs on, where its engine gives that to whoever asks."""
    if other is None:
        return None
    with contextlib.suppress(EngineLost, Refused):
        reply = await ask(GetConfig())
        if reply.outcome is Outcome.DONE and sum(len(one.text) for one in reply.files) <= LARGEST:
            return msgspec.structs.replace(other, files=tuple((one.path, one.text) for one in reply.files))
    return other


class Probing(msgspec.Struct, frozen=True):
    """Probes of other hosts."""

    places: tuple[str, ...] = ()
    """Commands before which `python3 -` can stand, such as "ssh user@host"."""
    every: str = "50ms"
    tcp: tuple[int, ...] = ()
    http: str = ""
    expect: str = ""

    @property
    def options(self) -> list[str]:
        """The same on the command line of a drill; empty when nobody probes elsewhere."""
        return [*(word for place in self.places for word in ("--from", place)), *self.words] if self.places else []

    @property
    def words(self) -> list[str]:
        """The probe's own options."""
        found = ["--every", self.every, *(word for port in self.tcp for word in ("--tcp", str(port)))]
        for name in ("http", "expect"):
            found += [f"--{name}", getattr(self, name)] if getattr(self, name) else []
        return found


@asynccontextmanager
async def probing(
    ask: Ask, address: str, wish: Probing, say: Callable[[str], None], start_s: float = START_S
) -> AsyncIterator[None]:
    """The probes elsewhere, as long as this lasts. They run when it begins; one that cannot be started is said, and
    costs its figures alone."""
    from hatui.commands import probe

    tasks, programs, starting = [], [], list[asyncio.Event]()
    try:
        for at, place in enumerate(wish.places):
            try:
                program = await asyncio.create_subprocess_exec(
                    *shlex.split(place),
                    "python3",
                    "-",
                    address,
                    *wish.words,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    start_new_session=True,
                )
            except OSError as error:
                say(f"probe {at + 1}: {place}: {error.strerror or error} [E-IO]")
                continue
            programs.append(program)
            assert program.stdin is not None
            program.stdin.write(probe.source())
            program.stdin.close()
            loop = asyncio.get_running_loop()
            begun = asyncio.Event()
            starting.append(begun)
            tasks.append(loop.create_task(_feed(ask, program, at, say, begun)))
            tasks.append(loop.create_task(_complaints(program, at, say)))
        for at, begun in enumerate(starting):
            try:
                await asyncio.wait_for(begun.wait(), start_s)
            except TimeoutError:
                say(f"probe {at + 1}: nothing was heard of it within {start_s:g} s; the drill begins without it")
        yield
    finally:
        for program in programs:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(program.pid, signal.SIGKILL)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(program.wait(), 2.0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _complaints(program: asyncio.subprocess.Process, at: int, say: Callable[[str], None]) -> None:
    assert program.stderr is not None
    while line := await program.stderr.readline():
        say(f"probe {at + 1}: {plain(line.decode(errors='replace').strip())}")


async def _feed(
    ask: Ask, program: asyncio.subprocess.Process, at: int, say: Callable[[str], None], begun: asyncio.Event
) -> None:
    """Bring its lines to the engine, ten times a second; `begun` when it has said anything, or has ended."""
    try:
        await _fed(ask, program, at, say, begun)
    finally:
        begun.set()


async def _fed(
    ask: Ask, program: asyncio.subprocess.Process, at: int, say: Callable[[str], None], begun: asyncio.Event
) -> None:
    assert program.stdout is not None
    head: dict[str, Any] = {}
    waiting: dict[str, list[ProbeSample]] = {}
    loop = asyncio.get_running_loop()
    due = loop.time()
    while line := await program.stdout.readline():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        begun.set()
        if "problem" in said:
            say(f"probe {at + 1}: {plain(said['problem'])}")
        elif "mono" in said:
            head = said
        elif head:
            sample = ProbeSample(
                said["sent"] + head["wall"] - head["mono"], said["ok"], said.get("rtt", 0), tuple(said.get("macs", ()))
            )
            waiting.setdefault(said["kind"], []).append(sample)
        if loop.time() >= due:
            due = loop.time() + 0.1
            for kind, samples in waiting.items():
                name = f"{head['host']}#{at + 1} {kind}"
                with contextlib.suppress(Refused, EngineLost):
                    await ask(ProbeSeen(name, head["every"], tuple(samples)))
            waiting.clear()


# the options of a drill, for the command line and for the console's dialog -------------------------------


def add_limits(parser: argparse.ArgumentParser) -> None:
    """What changes a plan."""
    parser.add_argument("--budget", default="", metavar="4.5s", help="the outage that is allowed")
    parser.add_argument("--limit", default="", metavar="10s", help="abort when nothing has happened by then")
    parser.add_argument("--repeat", type=int, default=0, metavar="N", help="so often in a row")
    parser.add_argument("--tracker", default="", metavar="NAME", help="which one fails (tracker-fail)")
    parser.add_argument(
        "--real-link",
        action="store_true",
        help="link-down, flap: take the interface really down; only with a second path to the host",
    )


def add_more(parser: argparse.ArgumentParser) -> None:
    """What belongs to a real run: the baseline and probes elsewhere."""
    parser.add_argument("--baseline", default="", metavar="3s", help="time of good probes before")
    parser.add_argument(
        "--from",
        dest="places",
        action="append",
        default=[],
        metavar="COMMAND",
        help="probe from there as well: a command before which `python3 -` can stand, such as 'ssh user@host'",
    )
    parser.add_argument("--every", default="50ms", metavar="50ms", help="interval of those probes")
    parser.add_argument("--tcp", type=int, action="append", default=[], metavar="PORT")
    parser.add_argument("--http", default="", metavar="URL")
    parser.add_argument("--expect", default="", metavar="TEXT")


class _Options(argparse.ArgumentParser):
    """A line of options in a dialog: what is wrong with it is an exception, never the end of the program."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def options(text: str) -> argparse.Namespace:
    """The options in a line, such as `--budget 4.5s --from 'ssh ops@c9' --tcp 443`.

    Raises: ValueError.
    """
    parser = _Options(add_help=False, allow_abbrev=False)
    add_limits(parser)
    add_more(parser)
    return parser.parse_args(shlex.split(text))


def with_limits(command: RunDrill, chosen: argparse.Namespace) -> RunDrill:
    """The command with what was chosen.

    Raises: ValueError.
    """
    baseline = getattr(chosen, "baseline", "")
    return msgspec.structs.replace(
        command,
        budget_s=seconds_of(chosen.budget),
        limit_s=seconds_of(chosen.limit),
        repeat=chosen.repeat,
        tracker=chosen.tracker,
        baseline_s=seconds_of(baseline) if baseline else -1,
        real_link=chosen.real_link,
    )


def wished(chosen: argparse.Namespace) -> Probing:
    """The probes that were chosen."""
    return Probing(tuple(chosen.places), chosen.every, tuple(chosen.tcp), chosen.http, chosen.expect)


def seconds_of(text: str) -> float:
    """4.5s, 300ms, 2m.

    Raises: ValueError.
    """
    if not text:
        return 0.0
    if text.endswith("ms"):
        return float(text[:-2]) / 1000
    try:
        return float(text.removesuffix("s"))
    except ValueError:
        return float(parse_duration(text))
