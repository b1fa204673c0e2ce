"""`hatui watch`: what happens, one line an event; goes on after the connection was lost, and says the gap."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import sys
import time
from collections.abc import Callable

from engine.client import EngineClient
from engine.errors import EngineLost, HatuiError
from engine.messages import EventLine, Gap, GetEvents, ServerLine
from engine.wire import encode_line
from hatui.commands import session
from hatui.commands.below import Below
from hatui.commands.figures import whole
from hatui.commands.terminal import count, json_line, note, painted, say
from hatui.sentences import event as in_words
from hatui.text import clock

EPILOG = "exit codes: 0, 3 no engine at the start, 130 ended by ctrl+c"
RETRY_S = 1.0
_ROLES = {"good": "good", "warn": "warn", "bad": "bad"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    how = parser.add_mutually_exclusive_group()
    how.add_argument("--plain", action="store_true", help="one sentence an event, for screen readers and logs")
    how.add_argument("--jsonl", "--json", action="store_true", help="one JSON object a line, as the engine says it")
    how.add_argument(
        "--inline", action="store_true", help="under the events the instances as they are, kept up to date"
    )
    parser.add_argument("--last", type=whole(), default=0, metavar="N", help="begin with the last N events")
    parser.add_argument("--count", type=whole(), default=0, metavar="N", help="end after N events")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only lines that match; !TEXT: only others")
    parser.add_argument("--record", metavar="FILE", help="write everything the engine says into FILE, for --replay")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Until ctrl+c, or --count."""
    if chosen.inline and (not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb"):
        raise HatuiError("--inline writes over its last lines, which needs a terminal: leave it out [E-TERMINAL]")
    return session.run(_watch(chosen))


async def _watch(chosen: argparse.Namespace) -> int:
    with contextlib.closing(_Seen(chosen)) as seen:
        return await _again_and_again(chosen, seen)


async def _again_and_again(chosen: argparse.Namespace, seen: _Seen) -> int:
    known = False
    while True:
        try:
            async with session.engine(chosen) as client:
                if known:
                    note("-- connected again")
                known = True
                if await _listen(client, seen):
                    return 0
        except EngineLost as lost:
            if not known:
                raise
            if seen.below:
                seen.below.lost()
            note(f"-- {lost}; trying again")
        await asyncio.sleep(RETRY_S)


async def _listen(client: EngineClient, seen: _Seen) -> bool:
    """True when --count is reached."""
    if client.snapshot.seq < seen.seq:
        seen.seq = 0  # another life of the engine
    first = seen.chosen.last if not seen.seq else 0
    topics = ("events", "status", "packets") if seen.record else ("events", "status") if seen.below else ("events",)
    if seen.below:
        seen.below.begin(session.store_of(client))
    seen.write(client.hello)
    seen.write(client.snapshot)
    reply = await client.subscribe(*topics, since=seen.seq)
    if first:
        reply = await client.request(GetEvents(limit=first))
        for line in reply.events:
            if seen.line(line):
                return True
    seen.seq = seen.seq or client.snapshot.seq
    async for told in seen.below.kept(client.lines()) if seen.below else client.lines():
        if seen.line(told):
            return True
    return False


class _Seen:
    """What has been shown."""

    def __init__(self, chosen: argparse.Namespace) -> None:
        self.chosen = chosen
        self.seq = 0
        self.shown = 0
        self.record = open(chosen.record, "ab") if chosen.record else None  # noqa: SIM115 - open until the end
        self._wanted = _filter(chosen.filter)
        self.below = Below() if chosen.inline else None
        self._say = self.below.above if self.below else say

    def close(self) -> None:
        if self.below is not None:
            self.below.end()
        if self.record is not None:
            self.record.close()

    def write(self, told: ServerLine) -> None:
        if self.record is not None:
            self.record.write(encode_line(told))
            self.record.flush()

    def line(self, told: ServerLine) -> bool:
        """Show one line; True when that was the last one wanted."""
        self.write(told)
        if isinstance(told, Gap) and told.events:
            self._say(json_line(told) if self.chosen.jsonl else f"-- {count(told.events, 'event')} missed --")
        if not isinstance(told, EventLine) or (self.seq and told.seq <= self.seq):
            return False
        self.seq = told.seq
        text = self._text(told)
        if not self._wanted(text):
            return False
        self._say(text)
        self.shown += 1
        return bool(self.chosen.count) and self.shown >= self.chosen.count

    def _text(self, told: EventLine) -> str:
        if self.chosen.jsonl:
            return json_line(told)
        words = in_words(told.event)
        if self.chosen.plain:
            return sentence(told)
        when = clock(told.wall_ns, digits=3)
        return painted(
            [
                (f"{when}  ", "dim"),
                (f"{words.instance:<12} ", "strong"),
                (f"{words.what:<24} ", _ROLES.get(words.severity, "plain")),
                (words.detail, "plain"),
            ]
        ).rstrip()


def sentence(told: EventLine) -> str:
    """One event as one sentence with its time."""
    words = in_words(told.event)
    who = "" if words.instance == "-" else f"{words.instance}: "
    tail = f", {words.detail}" if words.detail else ""
    wall = time.strftime("%H:%M:%S", time.localtime(told.wall_ns // 1_000_000_000))
    return f"{wall} {who}{words.what}{tail}."


def _filter(text: str) -> Callable[[str], bool]:
    if not text:
        return lambda line: bool(line)
    wanted = not text.startswith("!")
    try:
        pattern = re.compile(text.removeprefix("!"), re.IGNORECASE)
    except re.error as error:
        raise HatuiError(f"--filter {text!r}: {error} [E-FILTER]") from None
    return lambda line: bool(pattern.search(line)) == wanted
