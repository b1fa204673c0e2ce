"""`hatui why`: the last change of an instance, its cause, and what led to it."""

from __future__ import annotations

import argparse

from engine.messages import EventLine, GetEvents, StateChanged
from hatui.commands import session
from hatui.commands.terminal import columns, complain, painted, say, say_json

EPILOG = "exit codes: 0, 3 no engine, 4 no such change is known, 5 no such instance"
EXIT_NO_CHANGE = 4
HISTORY = 2000


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("instance", nargs="?", metavar="VI", help="default: the instance that changed last")
    parser.add_argument("--last", type=int, default=1, metavar="N", help="the N-th last change (default 1)")
    parser.add_argument("--json", action="store_true", help="the event as JSON")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Explain it."""
    return session.run(_why(chosen))


async def _why(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        store = session.store_of(client)
        reply = await session.within(chosen, client.request(GetEvents(limit=HISTORY)))
    for line in reply.events:
        store.apply(line)
    changes = [line for line in store.events if isinstance(line, EventLine) and isinstance(line.event, StateChanged)]
    if chosen.instance:
        name = session.named(store.instances, chosen.instance).name
        changes = [line for line in changes if isinstance(line.event, StateChanged) and line.event.instance == name]
    if len(changes) < chosen.last or chosen.last < 1:
        complain(f"the engine's history has {len(changes)} such changes")
        return EXIT_NO_CHANGE
    change = changes[-chosen.last]
    assert isinstance(change.event, StateChanged)
    if chosen.json:
        say_json(change)
        return 0
    from hatui.pages import transitions, why_page

    back = sum(line.seq > change.seq for line in transitions(store, change.event.instance))
    title, page = why_page(store, change.event.instance, back, columns(), "local")
    say(title)
    for spans in page:
        say(painted(spans).rstrip())
    return 0
