"""`hatui maintenance on | off | status`: put this node, or one instance, aside and take it back.

Invariant: who will serve then is told before, in the engine's own words; a reason is asked for, and what is
reported is what the engine answered.
"""

from __future__ import annotations

import argparse

from engine.messages import EngineStatus, Maintenance, MaintenanceInfo, Outcome, Reply
from hatui.commands import session
from hatui.commands.terminal import agreed, complain, note, say, say_json
from hatui.text import clock, command_line, parse_duration, plain

EXIT_REFUSED = 5
EPILOG = "exit codes: 0 done, 3 no engine, 5 refused"
HAND_OVER_S = 300.0
"""Seconds beyond --timeout that the hand-overs may take."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("what", choices=("on", "off", "status"))
    parser.add_argument("instance", nargs="?", default="", metavar="VI", help="default: the whole node")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--for", dest="time", default="", metavar="2h", help="ends by itself after this time")
    how.add_argument("--persist", action="store_true", help="also after the machine was started anew")
    parser.add_argument("--reason", default="", metavar="TEXT", help="for whoever looks next; needed for on")
    parser.add_argument("--dry-run", action="store_true", help="say who would serve, change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="the engine's answer as JSON")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Do it."""
    return session.run(_status(chosen) if chosen.what == "status" else _switch(chosen))


async def _status(chosen: argparse.Namespace) -> int:
    client, _ = await session.snapshot(chosen)
    engine = next((one for one in client.snapshot.statuses if isinstance(one, EngineStatus)), None)
    infos = engine.maintenance if engine is not None else ()
    if chosen.json:
        say_json({"v": 1, "maintenance": infos})
        return 0
    for one in infos:
        say(sentence(one))
    if not infos:
        say("nothing is in maintenance")
    return 0


def sentence(one: MaintenanceInfo) -> str:
    """One maintenance in words."""
    scope = plain(one.instance) or "the node"
    end = f"until {clock(one.until_wall)}" if one.until_wall else "until switched off"
    boot = ", also after a boot" if one.persist else ""
    return f'{scope}: by {plain(one.by)} since {clock(one.since_wall)}, {end}{boot}: "{plain(one.reason)}"'


async def _switch(chosen: argparse.Namespace) -> int:
    try:
        time_s = parse_duration(chosen.time) if chosen.time else 0
    except ValueError as error:
        complain(f"--for: {error}")
        return 2
    async with session.engine(chosen) as client:
        name = chosen.instance and session.named(session.instances(client.snapshot), chosen.instance).name
        order = Maintenance(name, chosen.what == "on", time_s, chosen.persist, dry_run=True)
        trial = await session.within(chosen, client.ask(order, chosen.reason))
        if trial.outcome is not Outcome.DONE or chosen.dry_run:
            return _answer(chosen, trial)
        order = Maintenance(name, chosen.what == "on", time_s, chosen.persist)
        if not chosen.json:
            for line in trial.text.split("; "):
                say(f"  {plain(line)}")
            say(f"  same as: {command_line(order, chosen.reason)}")
        if not chosen.yes and not agreed(f"Maintenance {chosen.what}?"):
            complain("nothing was done", "say yes, or add --yes where nobody can be asked")
            return EXIT_REFUSED
        reply = await session.within(chosen, client.ask(order, chosen.reason, progress=note), HAND_OVER_S)
    return _answer(chosen, reply)


def _answer(chosen: argparse.Namespace, reply: Reply) -> int:
    if chosen.json:
        say_json(reply)
    elif reply.outcome is Outcome.DONE:
        for line in (reply.text or "done").split("; "):
            say(plain(line))
    if reply.outcome is Outcome.DONE:
        return 0
    hint = f"`hatui explain {reply.code}`" if reply.code else ""
    complain(f"{reply.outcome.value}: {plain(reply.text)}" + (f" [{reply.code}]" if reply.code else ""), hint)
    return EXIT_REFUSED
