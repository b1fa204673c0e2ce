"""`hatui trackers`: what is tracked, the last runs of each script, and a run at once."""

from __future__ import annotations

import argparse

import msgspec

from engine.errors import Refused
from engine.messages import GetTrackerRuns, InstanceStatus, Outcome, RunTracker
from hatui.commands import session
from hatui.commands.terminal import complain, painted, say, say_json
from hatui.facets import trackers_tab
from hatui.store import Store

EPILOG = "exit codes: 0, 3 no engine, 5 refused or no such instance"
EXIT_REFUSED = 5


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("instance", nargs="?", metavar="VI", help="default: all instances")
    parser.add_argument("--run", metavar="SCRIPT", help="run this track script once, now; the result counts")
    parser.add_argument("--json", action="store_true", help="as JSON")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """List them, or run one."""
    return session.run(_run(chosen, chosen.run) if chosen.run else _list(chosen))


async def _run(chosen: argparse.Namespace, name: str) -> int:
    async with session.engine(chosen) as client:
        reply = await session.within(chosen, client.ask(RunTracker(name)))
    if chosen.json:
        say_json(reply)
    if reply.outcome is not Outcome.DONE:
        complain(f"{reply.text} [{reply.code}]", f"`hatui explain {reply.code}`")
        return EXIT_REFUSED
    if not chosen.json:
        say(reply.text)
    return 0


async def _list(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        store: Store = session.store_of(client)
        shown: list[InstanceStatus] = list(store.instances.values())
        if chosen.instance:
            shown = [session.named(store.instances, chosen.instance)]
        reply = await session.within(chosen, client.ask(GetTrackerRuns()))
    if reply.outcome is not Outcome.DONE:
        raise Refused(reply.code, reply.text)
    now = client.snapshot.mono_ns
    if chosen.json:
        names = {one.name for one in shown}
        trackers = [one for one in store.trackers.values() if names & set(one.tracked_by)]
        runs = [one for one in reply.runs if one.name in {tracker.name for tracker in trackers}]
        say_json(
            {
                "v": 1,
                "mono_ns": now,
                "trackers": [msgspec.to_builtins(one) for one in trackers],
                "runs": [msgspec.to_builtins(one) for one in runs],
            }
        )
        return 0
    for at, status in enumerate(shown):
        if at:
            say()
        say(status.name)
        for item in trackers_tab(status, store.trackers.values(), reply.runs, now):
            say(painted(item.line).rstrip())
    return 0
