"""`hatui status`: the present, as a table, as one instance in detail, as JSON, or as a monitoring line."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
import time
from typing import Any

import msgspec

from engine.errors import EngineLost
from engine.messages import InstanceStatus
from hatui.commands import session
from hatui.commands.figures import patience
from hatui.commands.terminal import columns, note, painted, say, say_json, table
from hatui.sentences import Problem, problems
from hatui.store import Store
from hatui.text import Span, duration, mark, master_of, plain, priorities, state_word, timer

EPILOG = """\
exit codes: 0 healthy, 1 degraded, 2 critical (no master or two, FAULT, an address missing), 3 unknown or no engine,
5 no such instance"""
HEALTH = ("healthy", "degraded", "critical", "unknown")
_NAGIOS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("instance", nargs="?", metavar="VI", help="this instance in detail")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="everything as one JSON object")
    how.add_argument("--brief", action="store_true", help="one line an instance: name state priority master")
    how.add_argument("--oneline", action="store_true", help="one line in all, as monitoring systems read it")
    parser.add_argument("--compare", nargs=2, metavar=("VI1", "VI2"), help="two instances, and what differs")
    parser.add_argument("--watch", type=patience, metavar="N", help="again every N seconds, until ctrl+c")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Show it once, or again and again."""
    if chosen.watch is None:
        return _once(chosen)
    while True:
        began = time.monotonic()
        if sys.stdout.isatty():
            sys.stdout.write("\x1b[H\x1b[2J")
        try:
            _once(chosen)
        except EngineLost as lost:
            (note if chosen.json else say)(f"no answer: {lost}")
        with contextlib.suppress(ValueError):
            time.sleep(began + max(0.1, chosen.watch) - time.monotonic())


def _once(chosen: argparse.Namespace) -> int:
    client, store = asyncio.run(session.snapshot(chosen))
    now = client.snapshot.mono_ns
    found = problems(store, now)
    if chosen.instance:
        one = session.named(store.instances, chosen.instance)
        found = [problem for problem in found if problem.instance in ("", one.name)]
        store.instances = {one.name: one}
    if chosen.compare:
        first, second = (session.named(store.instances, name) for name in chosen.compare)
        found = [problem for problem in found if problem.instance in ("", first.name, second.name)]
        store.instances = {one.name: one for one in (first, second)}
    health = severity(found, store)
    if chosen.json:
        say_json(as_json(store, client.hello.host, now, client.hello.wall_ns, found, health))
    elif chosen.brief:
        for one in store.instances.values():
            say(brief(one))
    elif chosen.oneline:
        say(oneline(store, found, health))
    elif chosen.compare:
        from hatui.beside import lines

        for line in lines(first, second, now, columns(), believed=True):
            say(painted(line))
    elif chosen.instance:
        from hatui.pages import detail_page

        for line in detail_page(store, one.name, now, time_mode="local", wall=client.hello.wall_ns)[1]:
            say(painted(line))
    else:
        for text in full(store, client.hello.host, now, found):
            say(text)
    return health


def severity(found: list[Problem], store: Store) -> int:
    """The exit code: 0 healthy, 1 degraded, 2 critical, 3 unknown."""
    worst = min((problem.rank for problem in found), default=99)
    if worst == 0:
        return 3
    if worst <= 3:
        return 2
    if found:
        return 1
    return 0 if store.instances else 3


def full(store: Store, host: str, now: int, found: list[Problem]) -> list[str]:
    """The table, the addresses and the problems."""
    lines = [painted(head(store, host, now)), ""]
    if not store.instances:
        return [*lines, "The configuration has no vrrp_instance."]
    rows: list[list[Span]] = [
        [(word, "dim") for word in ("  INSTANCE", "IF", "VRID", "STATE", "PRIO", "MASTER", "SINCE", "TIMER")]
    ]
    rows += [row(one, now) for one in store.instances.values()]
    lines += table(rows)
    lines += ["", *addresses(store)]
    if found:
        lines.append("")
    for problem in found:
        code = f" [{problem.code}]" if problem.code else ""
        text = problem.text.replace(": U releases it", f"; `hatui release {problem.instance}` ends it") + code
        lines.append(painted([("!! " if problem.rank < 5 else "!  ", problem.role), (text, "plain")]))
    return lines


def head(store: Store, host: str, now: int) -> list[Span]:
    """The first line: where, what, since when."""
    engine = store.engine
    spans: list[Span] = [(plain(host), "strong")]
    if engine is not None:
        spans.append((f"  engine {engine.version} up {duration(now - engine.started)}  {engine.config_file}", "dim"))
    return spans


def row(one: InstanceStatus, now: int) -> list[Span]:
    """One instance."""
    role = one.state.value.lower()
    return [
        (f"{mark(one.state)} {plain(one.name)}", "strong"),
        (one.interface, "plain"),
        (str(one.vrid), "plain"),
        (state_word(one.state), role),
        (priorities(one), "plain"),
        (master_of(one) or "none known", "plain"),
        (duration(now - one.since), "plain"),
        (timer(one, now), "plain"),
    ]


def addresses(store: Store) -> list[str]:
    """Each address and whether it is really on the interface."""
    found = []
    for one in store.instances.values():
        for address in one.addresses:
            there = ("set", "good") if address.present else ("not here", "dim")
            text = f"  {plain(one.name)}  {address.address}/{address.prefix} on {address.interface}  "
            found.append(painted([(text, "plain"), there]))
    return found


def brief(one: InstanceStatus) -> str:
    """NAME STATE IN-USE/BASE MASTER"""
    return f"{plain(one.name)} {one.state.value} {one.priority}/{one.base_priority} {one.master or '-'}"


def oneline(store: Store, found: list[Problem], health: int) -> str:
    """HATUI STATUS - text | counts"""
    text = found[0].text if found else ", ".join(f"{one.name} {one.state.value}" for one in store.instances.values())
    counts = {"master": 0, "backup": 0, "fault": 0, "init": 0}
    for one in store.instances.values():
        counts[one.state.value.lower()] += 1
    figures = " ".join(f"{name}={count}" for name, count in counts.items())
    return f"HATUI {_NAGIOS[health]} - {plain(text) or 'no instance'} | {figures}"


def as_json(store: Store, host: str, now: int, wall: int, found: list[Problem], health: int) -> dict[str, Any]:
    """The stable schema, "v": 1. Instants are ns of the engine's clock, whose reading is `mono_ns`."""
    return {
        "v": 1,
        "host": host,
        "health": HEALTH[health],
        "mono_ns": now,
        "wall_ns": wall,
        "engine": msgspec.to_builtins(store.engine),
        "instances": [msgspec.to_builtins(one) for one in store.instances.values()],
        "trackers": [msgspec.to_builtins(one) for one in store.trackers.values()],
        "interfaces": [msgspec.to_builtins(one) for one in store.interfaces.values()],
        "problems": [{"code": one.code, "text": one.text, "instance": one.instance} for one in found],
    }
