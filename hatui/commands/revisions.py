"""`hatui config confirm`, `rollback`, `history`: the engine's kept configurations; and what a diff looks like.

Invariant: a revision is put back only after its difference to the file on disk was shown, and only over the
very text that was shown.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from engine.client import EngineClient
from engine.config import report
from engine.errors import HatuiError
from engine.messages import (
    ConfigText,
    ConfirmConfig,
    EngineStatus,
    GetConfig,
    GetRevisions,
    RevisionInfo,
    RollbackConfig,
)
from hatui.commands import session
from hatui.commands.account import EXIT_REFUSED, Account, difference
from hatui.commands.figures import whole
from hatui.commands.terminal import agreed, note, say, say_json, table
from hatui.text import NS, Span, duration, parse_duration, plain


class Parsers(Protocol):
    """What argparse makes for subcommands."""

    def add_parser(self, name: str, **words: Any) -> argparse.ArgumentParser: ...


def configure(parts: Parsers) -> Sequence[argparse.ArgumentParser]:
    """Arguments."""
    sure = parts.add_parser("confirm", help="keep the change that waits for its confirmation")
    sure.add_argument("revision", nargs="?", type=whole(), default=0, metavar="N", help="only if it is this one")
    sure.add_argument("--comment", default="", metavar="TEXT", help="written to the engine's history")
    back = parts.add_parser("rollback", help="put revision N back; without N: undo the change that waits")
    back.add_argument("revision", nargs="?", type=whole(), default=0, metavar="N", help="a number of `config history`")
    back.add_argument("--comment", default="", metavar="TEXT", help="written to the engine's history")
    time_to_confirm(back)
    back.add_argument("--dry-run", action="store_true", help="say what it would do")
    back.add_argument("--yes", action="store_true", help="do not ask")
    past = parts.add_parser("history", help="the revisions that the engine keeps, or what revision N changed")
    past.add_argument("revision", nargs="?", type=whole(), default=0, metavar="N", help="show the difference it made")
    for part in (sure, back, past):
        part.add_argument("--json", action="store_true", help="as one JSON object")
    return sure, back, past


def time_to_confirm(parser: argparse.ArgumentParser) -> None:
    """The option --confirm; seconds, 0 without it."""

    def seconds(text: str) -> int:
        try:
            return parse_duration(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    words = "take it back unless confirmed within this time"
    parser.add_argument("--confirm", type=seconds, default=0, metavar="5m", help=words)


async def running(chosen: argparse.Namespace, client: EngineClient) -> tuple[ConfigText, ...]:
    """The files on disk, the main file first. Raises: HatuiError when there is none."""
    reply = await session.within(chosen, client.request(GetConfig()))
    if not reply.files:
        raise HatuiError("the engine has no configuration file [E-NOTHING]")
    return reply.files


async def confirm(chosen: argparse.Namespace) -> int:
    """Keep the change that waits."""
    told = Account(as_json=chosen.json)
    async with session.engine(chosen) as client:
        order = ConfirmConfig(chosen.revision, chosen.comment)
        reply = await session.within(chosen, client.ask(order, chosen.comment))
    return told.finish(told.ended(reply, "confirmed"))


async def rollback(chosen: argparse.Namespace) -> int:
    """Show what goes back, ask, and do it."""
    told = Account(as_json=chosen.json)
    async with session.engine(chosen) as client:
        return told.finish(await _rollback(chosen, client, told))


async def _rollback(chosen: argparse.Namespace, client: EngineClient, told: Account) -> int:
    confirm_s = chosen.confirm
    waiting = waiting_of(client)
    base = ""
    if waiting is None or chosen.revision not in (0, waiting.confirm_previous):
        if not chosen.revision:
            return told.nothing("no change waits: say which revision", "`hatui config history` lists them")
        wanted = await session.within(chosen, client.request(GetRevisions(0, chosen.revision)))
        now = {one.path: one for one in await running(chosen, client)}
        for one in wanted.files:
            was = now.get(one.path)
            told.difference(one.path, was.text if was else "", f"{one.path} #{chosen.revision}", one.text)
        main = now.get(wanted.files[0].path) if wanted.files else None
        base = main.digest if main else ""
    order = RollbackConfig(chosen.revision, base, chosen.comment, dry_run=True, confirm_s=confirm_s)
    if not told.trial(await session.within(chosen, client.ask(order))):
        return EXIT_REFUSED
    if chosen.dry_run:
        return 0
    if not chosen.yes and not agreed("Put it back and reload?"):
        return told.nothing("nothing was done", "say yes, or add --yes where nobody can be asked")
    order = RollbackConfig(chosen.revision, base, chosen.comment, confirm_s=confirm_s)
    reply = await session.within(chosen, client.ask(order, chosen.comment, progress=note))
    return told.ended(reply, "put back", confirm_s)


async def history(chosen: argparse.Namespace) -> int:
    """List the revisions, or the difference that one made to its parent."""
    async with session.engine(chosen) as client:
        waiting = waiting_of(client)
        reply = await session.within(chosen, client.request(GetRevisions(revision=chosen.revision)))
        known = {one.number: one for one in reply.revisions}
        parent = known[chosen.revision].parent if chosen.revision in known else 0
        before: tuple[ConfigText, ...] = ()
        if parent in known:
            before = (await session.within(chosen, client.request(GetRevisions(0, parent)))).files
    old, new = ({one.path: one.text for one in side} for side in (before, reply.files))
    if chosen.json:
        found = {"v": 1, "revisions": reply.revisions, "waiting": waiting.confirm_revision if waiting else 0}
        if chosen.revision:
            made = [(path, difference(path, old.get(path, ""), path, new.get(path, "")))
                    for path in dict.fromkeys((*new, *old))]  # fmt: skip
            found["difference"] = [line for _, lines in made for line in lines]
        say_json(found)
        return 0
    if chosen.revision:
        for path in dict.fromkeys((*new, *old)):
            Account(as_json=False).difference(path, old.get(path, ""), f"{path} #{chosen.revision}", new.get(path, ""))
        return 0
    if not reply.revisions:
        say("no revision is kept")
        return 0
    for line in table(_rows(reply.revisions, client.snapshot.mono_ns, waiting)):
        say(line)
    return 0


def waiting_of(client: EngineClient) -> EngineStatus | None:
    """The engine's status when a change waits for its confirmation."""
    found = (one for one in client.snapshot.statuses if isinstance(one, EngineStatus) and one.confirm_revision)
    return next(found, None)


def _rows(revisions: Sequence[RevisionInfo], now: int, waiting: EngineStatus | None) -> list[tuple[Span, ...]]:
    rows: list[tuple[Span, ...]] = [tuple((word, "title") for word in ("REV", "WHEN", "BY", "FILES", "COMMENT"))]
    for at, one in enumerate(revisions):
        when = datetime.fromtimestamp(one.wall_ns // NS, tz=UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        words = plain(one.comment)
        role = "strong" if at == 0 else "plain"
        if waiting is not None and waiting.confirm_revision == one.number:
            left = duration(waiting.confirm_deadline - now)
            words, role = f"NOT CONFIRMED, taken back in {left}. {words}".rstrip(), "warn"
        rows.append(
            (
                (str(one.number), role),
                (when, "plain"),
                (plain(one.by), "plain"),
                (str(len(one.changed)), "plain"),
                (words, role),
            )
        )
    return rows


def masked(text: str) -> str:
    """The text with every password and key replaced."""
    return "\n".join(report.mask(line) for line in text.split("\n"))
