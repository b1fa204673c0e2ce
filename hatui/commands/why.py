"""`hatui why`: a change of an instance, its cause, what led to it and what is ruled out."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, timedelta

import msgspec

from engine.client import EngineClient
from engine.errors import HatuiError
from engine.messages import EventLine, GetEvents, InstanceStatus
from hatui import explanation
from hatui.commands import session
from hatui.commands.terminal import columns, complain, painted, say, say_json
from hatui.text import NS

EPILOG = "exit codes: 0, 3 no engine, 4 no such change is known, 5 no such instance"
EXIT_NO_CHANGE = 4
HISTORY = 2000
_FORMS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%H:%M:%S", "%H:%M")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("instance", nargs="?", metavar="VI", help="default: the instance that changed last")
    parser.add_argument("--last", type=int, default=1, metavar="N", help="the N-th last change (default 1)")
    parser.add_argument("--at", metavar="T", help="the last change at or before this time, such as 14:02 or 14:02:10")
    parser.add_argument("--json", action="store_true", help="the event with its explanation as JSON")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Explain it."""
    return session.run(_why(chosen))


def moment_of(text: str, now_wall: int) -> int:
    """The wall time (ns, the end of the named second or minute) of a local time; without a date the last such time.

    Raises: HatuiError when it is none.
    """
    now = datetime.fromtimestamp(now_wall / NS, tz=UTC).astimezone()
    for form in _FORMS:
        try:
            read = datetime.strptime(text, form)  # noqa: DTZ007  a local time: its zone follows
        except ValueError:
            continue
        span = timedelta(seconds=1) if "%S" in form else timedelta(minutes=1)
        if "%Y" not in form:
            read = read.replace(year=now.year, month=now.month, day=now.day)
            if read > now.replace(tzinfo=None):
                read -= timedelta(days=1)
        return int((read.astimezone() + span).timestamp()) * NS - 1
    raise HatuiError(f"{text!r} is no time: write 14:02, 14:02:10 or 2026-01-31 14:02:10")


async def _why(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        known = session.instances(client.snapshot)
        name = session.named(known, chosen.instance).name if chosen.instance else ""
        until = moment_of(chosen.at, client.hello.wall_ns) if chosen.at else 0
        wish = GetEvents(limit=HISTORY, instance=name, kinds=("state-changed",), until_wall_ns=until)
        reply = await session.within(chosen, client.request(wish))
        changes = explanation.changes_of(reply.events, name)
        if len(changes) < chosen.last or chosen.last < 1:
            before = f" before {chosen.at}" if chosen.at else ""
            complain(f"the engine's history has {len(changes)} such changes{before}")
            return EXIT_NO_CHANGE
        change = changes[-chosen.last]
        rows = await _around(chosen, client, change, known)
    status = known.get(getattr(change.event, "instance", ""))
    interface, down = (status.interface, status.master_down_interval) if status else ("", 0)
    found = explanation.explain(change, rows, interface=interface, down=down)
    if chosen.json:
        say_json(msgspec.to_builtins(change) | {"explanation": msgspec.to_builtins(found)})
        return 0
    say(explanation.title(found.instance))
    for spans in explanation.lines(change, found, columns(), "local"):
        say(painted(spans).rstrip())
    return 0


async def _around(
    chosen: argparse.Namespace, client: EngineClient, change: EventLine, known: dict[str, InstanceStatus]
) -> list[EventLine]:
    """The record around a change."""
    status = known.get(getattr(change.event, "instance", ""))
    wish = explanation.window_of(change, status.master_down_interval if status else 0)
    reply = await session.within(chosen, client.request(wish))
    return list(reply.events)
