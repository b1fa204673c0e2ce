"""`hatui config`: show what runs, compare, apply, confirm, go back, and format.

Invariant: a file is applied only by the engine, which checks it first and keeps the running configuration
when it has errors; it is never overwritten when it has changed since it was read.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from typing import NamedTuple

from engine.client import EngineClient
from engine.config import fmt
from engine.errors import EngineLost, HatuiError, ProtocolMismatch, Refused
from engine.messages import ApplyConfig, ConfigText, IncludedText
from hatui.commands import files, revisions, session
from hatui.commands.account import EXIT_REFUSED, Account
from hatui.commands.terminal import agreed, complain, note, say, say_failure, say_json
from hatui.text import plain, short_seconds

EPILOG = """\
exit codes: 0 done (diff: no difference; fmt --check: formatted), 1 there is a difference,
2 usage, or a file that cannot be read or written, 3 no engine, 5 refused"""
EXIT_UNREADABLE = 2


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import Parser, socket_option

    parts = parser.add_subparsers(dest="part", metavar="PART", required=True, parser_class=Parser)
    show = parts.add_parser("show", help="the files that the engine runs on")
    show.add_argument("--secrets", action="store_true", help="with passwords and keys (default: masked)")
    show.add_argument("--json", action="store_true", help="as one JSON object")
    diff = parts.add_parser("diff", help="what FILE would change in the running main file")
    apply = parts.add_parser("apply", help="check FILE, make it the main file, and reload")
    for one in (diff, apply):
        one.add_argument("file", nargs="?", metavar="FILE", help="the candidate of the main file, - for standard input")
        one.add_argument(
            "--include",
            type=_pair,
            action="append",
            default=[],
            metavar="PATH=FILE",
            help="FILE for the included file PATH, or for the one whose path ends so; all change, or none",
        )
    apply.add_argument("--comment", default="", metavar="TEXT", help="written to the engine's history")
    apply.add_argument("--dry-run", action="store_true", help="check and say what it would do")
    revisions.time_to_confirm(apply)
    apply.add_argument("--yes", action="store_true", help="do not ask")
    later = revisions.configure(parts)
    form = parts.add_parser("fmt", help="put files into the one layout; comments stay")
    form.add_argument("files", nargs="+", metavar="FILE", help="- reads standard input and writes standard output")
    for one in (diff, apply, form):
        one.add_argument("--json", action="store_true", help="as one JSON object")
    form.add_argument("--check", action="store_true", help="write nothing, name the files that differ")
    for part in (show, diff, apply, *later):
        socket_option(part)
    socket_option(form, asks=False)


def run(chosen: argparse.Namespace) -> int:
    """Do the chosen part. 1 says that there is a difference, so what cannot be read or is not there ends with 2."""
    try:
        return _part(chosen)
    except (EngineLost, ProtocolMismatch, Refused):
        raise
    except HatuiError as failure:
        complain(str(failure))
        if chosen.json:
            say_failure(str(failure))
        return EXIT_UNREADABLE


def _part(chosen: argparse.Namespace) -> int:
    match chosen.part:
        case "show":
            return session.run(_show(chosen))
        case "diff":
            return session.run(_diff(chosen))
        case "apply":
            return session.run(_apply(chosen))
        case "confirm":
            return session.run(revisions.confirm(chosen))
        case "rollback":
            return session.run(revisions.rollback(chosen))
        case "history":
            return session.run(revisions.history(chosen))
        case _:
            return _format(chosen)


async def _show(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        found = await revisions.running(chosen, client)
    shown = [(one, one.text if chosen.secrets else revisions.masked(one.text)) for one in found]
    if chosen.json:
        say_json({"v": 1, "files": [{"path": one.path, "digest": one.digest, "text": text} for one, text in shown]})
        return 0
    for one, text in shown:
        if len(shown) > 1:
            say(f"# {plain(one.path)}")
        say(text.rstrip("\n"))
    return 0


async def _diff(chosen: argparse.Namespace) -> int:
    texts = _texts(chosen)
    told = Account(as_json=chosen.json)
    async with session.engine(chosen) as client:
        running = await revisions.running(chosen, client)
        changes = _changes(running, texts)
        differs = [told.difference(one.was.path, one.was.text, one.name, one.text) for one in changes]
        if any(differs) and client.hello.role == "operator":  # who only looks on is not given all texts
            text, included = _candidate(running, changes)
            order = ApplyConfig(text, running[0].digest, dry_run=True, files=included)
            told.checks((await session.within(chosen, client.ask(order))).checks)
    told.found["outcome"] = "different" if any(differs) else "equal"
    return told.finish(1 if any(differs) else 0)


async def _apply(chosen: argparse.Namespace) -> int:
    told = Account(as_json=chosen.json)
    texts = _texts(chosen)
    async with session.engine(chosen) as client:
        return told.finish(await _applied(chosen, client, texts, told))


async def _applied(
    chosen: argparse.Namespace, client: EngineClient, texts: dict[str, tuple[str, str]], told: Account
) -> int:
    confirm_s = chosen.confirm
    running = await revisions.running(chosen, client)
    changes = _changes(running, texts)
    differs = [told.difference(one.was.path, one.was.text, one.name, one.text) for one in changes]
    changes = [one for one, differing in zip(changes, differs, strict=True) if differing]
    if not changes:
        return told.nothing("no difference: nothing to apply", refused=False)
    main = running[0]
    if any(one.was is not main for one in changes) and "includes" not in client.hello.capabilities:
        raise HatuiError("this engine writes its main file alone: apply included files on its host [E-PROTOCOL]")
    text, included = _candidate(running, changes)
    written = ", ".join(one.was.path for one in changes)
    trial = await session.within(chosen, client.ask(ApplyConfig(text, main.digest, dry_run=True, files=included)))
    if not told.trial(trial):
        return EXIT_REFUSED
    if chosen.dry_run:
        return 0
    taken_back = f" It is taken back after {short_seconds(confirm_s)} unless confirmed." if confirm_s else ""
    if not chosen.yes and not agreed(f"Write {written} and reload?{taken_back}"):
        return told.nothing("nothing was done", "say yes, or add --yes where nobody can be asked")
    order = ApplyConfig(text, main.digest, chosen.comment, confirm_s=confirm_s, files=included)
    reply = await session.within(chosen, client.ask(order, chosen.comment, progress=note))
    return told.ended(reply, f"{written}: written and in use", confirm_s)


def _candidate(running: Sequence[ConfigText], changes: Sequence[Change]) -> tuple[str, tuple[IncludedText, ...]]:
    """The main file and the included ones as they would be."""
    main = running[0]
    included = tuple(IncludedText(one.was.path, one.text, one.was.digest) for one in changes if one.was is not main)
    return next((one.text for one in changes if one.was is main), main.text), included


class Change(NamedTuple):
    """A file that runs, and the text that shall take its place."""

    was: ConfigText
    name: str
    """Where the text comes from."""
    text: str


def _pair(text: str) -> tuple[str, str]:
    path, parted, name = text.partition("=")
    if not (path and parted and name):
        raise argparse.ArgumentTypeError(f"{text} is no PATH=FILE, such as conf.d/web.conf=new.conf")
    return path, name


def _texts(chosen: argparse.Namespace) -> dict[str, tuple[str, str]]:
    """The candidates: path of the file that shall change (empty for the main one) -> name and text."""
    wanted = ([("", chosen.file)] if chosen.file else []) + chosen.include
    if not wanted:
        raise HatuiError("name a FILE, or --include PATH=FILE [E-NOTHING]")
    if [name for _, name in wanted].count(files.STANDARD_INPUT) > 1:
        raise HatuiError("standard input can be one file only [E-NOTHING]")
    return {path: (name, files.read_text(name)) for path, name in wanted}


def _changes(running: Sequence[ConfigText], texts: dict[str, tuple[str, str]]) -> list[Change]:
    """What takes the place of what. Raises: HatuiError where a path is none of the files that run, or several."""
    found: dict[str, Change] = {}
    for path, (name, text) in texts.items():
        alike = [one for one in running if one.path == path] or [
            one for one in running if path and one.path.endswith(f"/{path}")
        ]
        meant = running[:1] if not path else alike
        if len(meant) != 1:
            known = ", ".join(one.path for one in running)
            number = "none" if not meant else f"{len(meant)}"
            raise HatuiError(f"{path}: {number} of the files that the engine runs on: {known} [E-NOTHING]")
        if meant[0].path in found:
            raise HatuiError(f"{meant[0].path} has two candidates: {found[meant[0].path].name}, {name} [E-NOTHING]")
        found[meant[0].path] = Change(meant[0], name, text)
    return list(found.values())


def _format(chosen: argparse.Namespace) -> int:
    differing = 0
    found = []
    for path in chosen.files:
        text = files.read_text(path)
        formatted = fmt.format_text(text)
        changed = formatted != text
        found.append({"path": path, "changed": changed})
        if path == files.STANDARD_INPUT and not chosen.check:
            if chosen.json:
                found[-1]["text"] = formatted
            else:
                say(formatted.rstrip("\n"))
            continue
        if not changed:
            continue
        differing += 1
        if not chosen.check:
            files.write_text(os.path.realpath(path), formatted)
            note(f"{path}: formatted")
        elif not chosen.json:
            say(path)
    if chosen.json:
        say_json({"v": 1, "written": not chosen.check, "files": found})
    return 1 if differing and chosen.check else 0
