"""`hatui config`: show what runs, compare, apply, and format.

Invariant: a file is applied only by the engine, which checks it first and keeps the running configuration
when it has errors; it is never overwritten when it has changed since it was read.
"""

from __future__ import annotations

import argparse
import difflib
import os

from engine.client import EngineClient
from engine.config import fmt, report
from engine.errors import HatuiError
from engine.messages import ApplyConfig, ConfigText, GetConfig, Outcome
from hatui.commands import files, session
from hatui.commands.terminal import agreed, complain, note, painted, say, say_json
from hatui.text import plain

EPILOG = """\
exit codes: 0 done (diff: no difference; fmt --check: formatted), 1 there is a difference,
3 no engine, 5 refused"""
EXIT_REFUSED = 5


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
    apply.add_argument("--yes", action="store_true", help="do not ask")
    form = parts.add_parser("fmt", help="put files into the one layout; comments stay")
    form.add_argument("files", nargs="+", metavar="FILE", help="- reads standard input and writes standard output")
    form.add_argument("--check", action="store_true", help="write nothing, name the files that differ")
    for part in (show, diff, apply):
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
        case _:
            return _format(chosen)


async def _running(chosen: argparse.Namespace, client: EngineClient) -> tuple[ConfigText, ...]:
    reply = await session.within(chosen, client.request(GetConfig()))
    if not reply.files:
        raise HatuiError("the engine has no configuration file")
    return reply.files


async def _show(chosen: argparse.Namespace) -> int:
    async with session.engine(chosen) as client:
        found = await _running(chosen, client)
    shown = [(one, one.text if chosen.secrets else masked(one.text)) for one in found]
    if chosen.json:
        say_json({"v": 1, "files": [{"path": one.path, "digest": one.digest, "text": text} for one, text in shown]})
        return 0
    for one, text in shown:
        if len(shown) > 1:
            say(f"# {plain(one.path)}")
        say(text.rstrip("\n"))
    return 0


def masked(text: str) -> str:
    """The text with every password and key replaced."""
    return "\n".join(report.mask(line) for line in text.split("\n"))


async def _diff(chosen: argparse.Namespace) -> int:
    text = files.read_text(chosen.file)
    async with session.engine(chosen) as client:
        main = (await _running(chosen, client))[0]
    lines = difference(main, chosen.file, text)
    for line in lines:
        role = {"+": "good", "-": "bad", "@": "dim"}.get(line[:1], "plain")
        say(painted([(plain(line), role)]))
    return 1 if lines else 0


def difference(main: ConfigText, name: str, text: str) -> list[str]:
    """A unified diff with masked secrets; a changed secret still shows as a changed line."""
    old, new = main.text.splitlines(), text.splitlines()
    lines = difflib.unified_diff(old, new, main.path, name, lineterm="")
    return [line[:1] + report.mask(line[1:]) if line[:1] in "+- " else line for line in lines]


async def _apply(chosen: argparse.Namespace) -> int:
    text = files.read_text(chosen.file)
    async with session.engine(chosen) as client:
        main = (await _running(chosen, client))[0]
        lines = difference(main, chosen.file, text)
        for line in lines:
            say(painted([(plain(line), {"+": "good", "-": "bad", "@": "dim"}.get(line[:1], "plain"))]))
        if not lines:
            say("no difference: nothing to apply")
            return 0
        trial = await session.within(chosen, client.ask(ApplyConfig(text, main.digest, dry_run=True)))
        for problem in trial.problems:
            note(plain(problem))
        if trial.outcome is not Outcome.DONE:
            complain(f"refused: {plain(trial.text)} [{trial.code}]", f"`hatui explain {trial.code}`")
            return EXIT_REFUSED
        if trial.text:
            say(plain(trial.text))
        if chosen.dry_run:
            return 0
        if not chosen.yes and not agreed(f"Write {main.path} and reload?"):
            complain("nothing was done", "say yes, or add --yes where nobody can be asked")
            return EXIT_REFUSED
        order = ApplyConfig(text, main.digest, chosen.comment)
        reply = await session.within(chosen, client.ask(order, chosen.comment, progress=note))
    if reply.outcome is not Outcome.DONE:
        complain(f"{reply.outcome.value}: {plain(reply.text)} [{reply.code}]", f"`hatui explain {reply.code}`")
        for problem in reply.problems:
            note(f"       {plain(problem)}")
        return EXIT_REFUSED
    say(plain(reply.text) or f"{main.path} is written and in use")
    return 0


def _format(chosen: argparse.Namespace) -> int:
    differing = 0
    for path in chosen.files:
        text = files.read_text(path)
        formatted = fmt.format_text(text)
        if path == files.STANDARD_INPUT and not chosen.check:
            say(formatted.rstrip("\n"))
            continue
        if formatted == text:
            continue
        differing += 1
        if chosen.check:
            say(path)
        else:
            files.write_text(os.path.realpath(path), formatted)
            note(f"{path}: formatted")
    return 1 if differing and chosen.check else 0
