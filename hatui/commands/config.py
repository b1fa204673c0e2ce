"""`hatui config`: show what runs, compare, apply, confirm, go back, and format.

Invariant: a file is applied only by the engine, which checks it first and keeps the running configuration
when it has errors; it is never overwritten when it has changed since it was read.
"""

from __future__ import annotations

import argparse
import os

from engine.client import EngineClient
from engine.config import fmt
from engine.messages import ApplyConfig
from hatui.commands import files, revisions, session
from hatui.commands.account import EXIT_REFUSED, Account
from hatui.commands.terminal import agreed, note, say, say_json
from hatui.text import plain, short_seconds

EPILOG = """\
exit codes: 0 done (diff: no difference; fmt --check: formatted), 1 there is a difference,
3 no engine, 5 refused"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import Parser, socket_option

    parts = parser.add_subparsers(dest="part", metavar="PART", required=True, parser_class=Parser)
    show = parts.add_parser("show", help="the files that the engine runs on")
    show.add_argument("--secrets", action="store_true", help="with passwords and keys (default: masked)")
    show.add_argument("--json", action="store_true", help="as one JSON object")
    diff = parts.add_parser("diff", help="what FILE would change in the running main file")
    diff.add_argument("file", metavar="FILE", help="the candidate, - for standard input")
    apply = parts.add_parser("apply", help="check FILE, make it the main file, and reload")
    apply.add_argument("file", metavar="FILE", help="the candidate, - for standard input")
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


def run(chosen: argparse.Namespace) -> int:
    """Do the chosen part."""
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
    text = files.read_text(chosen.file)
    told = Account(as_json=chosen.json)
    async with session.engine(chosen) as client:
        main = (await revisions.running(chosen, client))[0]
    differs = told.difference(main.path, main.text, chosen.file, text)
    told.found["outcome"] = "different" if differs else "equal"
    return told.finish(1 if differs else 0)


async def _apply(chosen: argparse.Namespace) -> int:
    told = Account(as_json=chosen.json)
    text = files.read_text(chosen.file)
    async with session.engine(chosen) as client:
        return told.finish(await _applied(chosen, client, text, told))


async def _applied(chosen: argparse.Namespace, client: EngineClient, text: str, told: Account) -> int:
    confirm_s = chosen.confirm
    main = (await revisions.running(chosen, client))[0]
    if not told.difference(main.path, main.text, chosen.file, text):
        return told.nothing("no difference: nothing to apply", refused=False)
    trial = await session.within(chosen, client.ask(ApplyConfig(text, main.digest, dry_run=True)))
    if not told.trial(trial):
        return EXIT_REFUSED
    if chosen.dry_run:
        return 0
    taken_back = f" It is taken back after {short_seconds(confirm_s)} unless confirmed." if confirm_s else ""
    if not chosen.yes and not agreed(f"Write {main.path} and reload?{taken_back}"):
        return told.nothing("nothing was done", "say yes, or add --yes where nobody can be asked")
    order = ApplyConfig(text, main.digest, chosen.comment, confirm_s=confirm_s)
    reply = await session.within(chosen, client.ask(order, chosen.comment, progress=note))
    return told.ended(reply, f"{main.path} is written and in use", confirm_s)


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
