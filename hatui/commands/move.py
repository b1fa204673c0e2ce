"""`hatui failover`, `release`, `announce`, `reload`: what touches the cluster.

Invariant: the consequence is told before, in names and seconds; nothing is done without --yes or a yes on
the terminal; and what is reported afterwards is what the engine and the kernel say then, not what was asked.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from msgspec import structs

from engine.client import EngineClient
from engine.messages import (
    AnnounceNow,
    Command,
    EventLine,
    Failover,
    HandOverFinished,
    InstanceStatus,
    Outcome,
    Release,
    Reload,
    Reply,
    State,
)
from hatui import linked
from hatui.commands import session
from hatui.commands.linking import linked_checks, others
from hatui.commands.terminal import agreed, complain, note, painted, say, say_json, table
from hatui.text import (
    NS,
    Span,
    command_line,
    master_of,
    parse_duration,
    plain,
    priorities,
    seconds,
    skew_time,
    state_word,
)

if TYPE_CHECKING:
    from hatui.counting import Count

EXIT_REFUSED, EXIT_NOT_VERIFIED = 5, 6
EPILOG = {
    "failover": "exit codes: 0 done and verified, 3 no engine, 5 refused, 6 undone or not verified in time",
    "release": "exit codes: 0 done, 3 no engine, 5 refused",
    "announce": "exit codes: 0 done, 3 no engine, 5 refused",
    "reload": "exit codes: 0 done, 3 no engine, 5 refused: the configuration has errors, the older one runs on",
}
HAND_OVER_S = 300.0
"""Seconds beyond --timeout that a hand-over may take: the slowest VRRPv2 interval is 255 s."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments, by the command's own name."""
    from hatui.cli import socket_option

    command = parser.prog.split()[-1]
    if command == "failover":
        parser.add_argument("instance", metavar="VI")
        how = parser.add_mutually_exclusive_group()
        how.add_argument("--step-down", action="store_true", help="on the master: hand over, then hold priority 1")
        how.add_argument("--take-over", action="store_true", help="on a backup: raise to 254 and take the address")
        parser.add_argument("--hold", default="", metavar="30m", help="release by itself after this time")
        parser.add_argument("--dry-run", action="store_true", help="show what would happen, change nothing")
        parser.add_argument("--wait", action="store_true", help="end only when the addresses have really moved")
        parser.add_argument(
            "--ping", action="store_true", help="ping the address from here meanwhile, say what was lost"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument("--override", default="", metavar="REASON", help="do it although a check failed")
    elif command == "release":
        parser.add_argument("instance", metavar="VI")
    elif command == "announce":
        parser.add_argument("instance", nargs="?", default="", metavar="VI", help="default: every master here")
    parser.add_argument("--json", action="store_true", help="the engine's answer as JSON")
    parser.add_argument("--reason", default="", metavar="TEXT", help="written to the engine's audit history")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Do it."""
    match chosen.command:
        case "failover":
            return session.run(_failover(chosen))
        case "release":
            return session.run(_simple(chosen, lambda name: Release(name)))
        case "announce":
            return session.run(_simple(chosen, lambda name: AnnounceNow(name)))
        case _:
            return session.run(_simple(chosen, lambda _: Reload()))


async def _simple(chosen: argparse.Namespace, make: Callable[[str], Command]) -> int:
    async with session.engine(chosen) as client:
        name = getattr(chosen, "instance", "")
        if name:
            name = session.named(session.instances(client.snapshot), name).name
        reply = await session.within(chosen, client.ask(make(name), chosen.reason, progress=note))
    return _answer(chosen, reply)


def _answer(chosen: argparse.Namespace, reply: Reply) -> int:
    if chosen.json:
        say_json(reply)
    elif reply.outcome is Outcome.DONE:
        if getattr(chosen, "dry_run", False):
            _say_checks(reply)
        say(reply.text or "done")
    if reply.outcome is Outcome.DONE:
        return 0
    _complain(reply)
    return EXIT_NOT_VERIFIED if reply.outcome is Outcome.UNDONE else EXIT_REFUSED


def _say_checks(reply: Reply) -> None:
    for one in reply.checks:
        say(f"  {one.result:<8} {plain(one.text)} [{one.code}]")


def _complain(reply: Reply) -> None:
    code = f" [{reply.code}]" if reply.code else ""
    complain(f"{reply.outcome.value}: {plain(reply.text)}{code}", f"`hatui explain {reply.code}`" if reply.code else "")
    for problem in reply.problems:
        note(f"       {plain(problem)}")


async def _failover(chosen: argparse.Namespace) -> int:
    try:
        hold = parse_duration(chosen.hold) if chosen.hold else 0
    except ValueError as error:
        complain(f"--hold: {error}")
        return 2
    async with session.engine(chosen, several=True) as client, others(chosen, client) as further:
        before = session.named(session.instances(client.snapshot), chosen.instance)
        method = "take-over" if chosen.take_over else "step-down"
        if not (chosen.take_over or chosen.step_down) and before.state is State.BACKUP:
            method = "take-over"
        found = linked_checks(client, further, before.name)
        order = Failover(before.name, method, hold, chosen.dry_run, chosen.override, found)
        # The engine refuses what does not fit the state, with its reason: there is nothing to forecast then.
        fits = (before.state is State.MASTER) is (method == "step-down")
        if not chosen.json and fits:
            for line in forecast(before, order, client.hello.host):
                say(line)
        if not chosen.json and fits and not chosen.dry_run:
            trial = await session.within(chosen, client.ask(structs.replace(order, dry_run=True)), 2.0)
            _say_checks(trial)
            if (failed := linked.failed(trial.checks)) and not chosen.override:
                words = f"refused: the preflight failed: {' '.join(failed)} [E-PREFLIGHT]"
                complain(words, "--override REASON does it all the same, where that may be")
                return EXIT_REFUSED
        if fits and not chosen.yes and not chosen.dry_run and not agreed("Fail over now?"):
            complain("nothing was done", "say yes, or add --yes where nobody can be asked")
            return EXIT_REFUSED
        await client.subscribe("status", "events", rate_hz=20)
        try:
            async with _pings(chosen, before) as pings:
                reply = await session.within(chosen, client.ask(order, chosen.reason, progress=note), HAND_OVER_S)
            if pings is not None:
                words = pings.words or "the address answers no ping from here: nothing was measured"
                (note if chosen.json else say)(words)
        except asyncio.CancelledError:
            complain("interrupted; the order is with the engine and goes on", f"`hatui status {before.name}` shows it")
            raise
        if reply.outcome is not Outcome.DONE or chosen.dry_run:
            return _answer(chosen, reply)
        after, event = await _afterwards(client, before, order, chosen.timeout if chosen.wait else 2.0)
    verified = moved(after, order)
    if chosen.json:
        say_json(reply)
    else:
        for line in report(before, after, reply, event, client.hello.host):
            say(line)
    if not verified and chosen.wait:
        complain(f"not verified within {chosen.timeout:g} s: {before.name} is {state_word(after.state)} here")
    return 0 if verified or not chosen.wait else EXIT_NOT_VERIFIED


@asynccontextmanager
async def _pings(chosen: argparse.Namespace, status: InstanceStatus) -> AsyncIterator[Count | None]:
    """Ping the address meanwhile, where that is wanted."""
    if not chosen.ping or chosen.dry_run or not status.addresses:
        yield None
        return
    from hatui.counting import counted

    async with counted(status.addresses[0].address) as count:
        yield count


async def _afterwards(
    client: EngineClient, before: InstanceStatus, order: Failover, timeout_s: float
) -> tuple[InstanceStatus, HandOverFinished | None]:
    """The status once the address has moved (or at the timeout), and the hand-over's own figures."""
    store = session.store_of(client)
    event: HandOverFinished | None = None
    try:
        async with asyncio.timeout(timeout_s):
            async for line in client.lines():
                store.apply(line)
                if isinstance(line, EventLine) and isinstance(line.event, HandOverFinished):
                    event = line.event if line.event.instance == before.name else event
                if moved(store.instances.get(before.name, before), order):
                    break
    except TimeoutError:
        pass
    return store.instances.get(before.name, before), event


def moved(status: InstanceStatus, order: Failover) -> bool:
    """True when the kernel's word agrees: addresses gone and another master, or all of them here."""
    there = [address.present for address in status.addresses]
    if order.method == "take-over":
        return status.state is State.MASTER and all(there)
    return status.state is State.BACKUP and not any(there)


def forecast(status: InstanceStatus, order: Failover, host: str) -> list[str]:
    """What the command will do, before it does it."""
    addresses = ", ".join(address.address for address in status.addresses) or "no address"
    hold = f"held for {order.hold_s:g} s" if order.hold_s else "held until released"
    lines = [f"Fail over {status.name} on {host}: {addresses}"]
    if order.method == "take-over":
        now = f"{state_word(status.state)} {priorities(status)}"
        lines += [
            f"  now    {now}, master {master_of(status) or 'unknown'}",
            f"  after  MASTER 254/{status.base_priority} ({hold})",
            "  outage none expected: the present master steps aside when it hears the higher priority",
        ]
    else:
        peer = f"{status.peer} ({status.peer_priority or '?'})" if status.peer else "a backup that was never heard here"
        wait = seconds(skew_time(status.version, status.peer_priority or 1, status.advert_interval or NS))
        lines += [
            f"  now    {state_word(status.state)} {priorities(status)} here",
            f"  after  backup 1/{status.base_priority} here ({hold}); master {peer}",
            f"  outage none expected: the addresses stay here until it answers, in about {wait}",
            "  undone by itself if nobody answers",
        ]
    lines.append(f"  same as: {command_line(order)}")
    return lines


def report(
    before: InstanceStatus, after: InstanceStatus, reply: Reply, event: HandOverFinished | None, host: str
) -> list[str]:
    """Before and after, and the measured time."""

    def cells(status: InstanceStatus) -> tuple[Span, ...]:
        present = sum(address.present for address in status.addresses)
        return (
            (state_word(status.state), status.state.value.lower()),
            (priorities(status), "plain"),
            (master_of(status) or "unknown", "plain"),
            (f"{present} of {len(status.addresses)} here", "plain"),
        )

    rows: list[list[Span]] = [
        [(word, "dim") for word in (host, "STATE", "PRIO", "MASTER", "ADDRESSES")],
        [("before", "dim"), *cells(before)],
        [("after", "dim"), *cells(after)],
    ]
    took = event.duration if event is not None else reply.duration
    who = f" to {event.successor}" if event is not None and event.successor else ""
    done = reply.text or f"moved{who}"
    return [*table(rows), painted([("done: ", "good"), (f"{plain(done)}, in {seconds(took, 3)}", "plain")])]
