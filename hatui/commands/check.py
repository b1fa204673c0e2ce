"""`hatui check`: what is wrong with configuration files, why it matters, and what to do.

Invariant: it reads what keepalived would read and needs no engine, except for --heard; with --fix it writes only
files in which a finding was mended, and checks again.
"""

from __future__ import annotations

import argparse
import os
import socket
from collections.abc import Mapping, Sequence

from engine import VERSION
from engine.config import fix, lint, report
from engine.config.build import Loaded, load
from engine.config.diagnostic import Diagnostic
from engine.config.files import overlay
from engine.config.lint_heard import Heard
from engine.config.lint_host import Host
from engine.errors import HatuiError
from engine.messages import GetHeard
from hatui.commands import files, session
from hatui.commands.files import STANDARD_INPUT
from hatui.commands.terminal import note, say
from hatui.text import plain

EPILOG = """\
exit codes: 0 nothing that keeps it from running, 1 a file cannot be read, 3 it cannot run,
4 it runs after leaving out what is wrong, 5 a script is not secure"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="keepalived.conf files, each by itself; - for standard input"
    )
    parser.add_argument(
        "--peer", action="append", default=[], metavar="FILE", help="the other node's file: rules that need both"
    )
    parser.add_argument(
        "--heard",
        action="store_true",
        help="the other nodes as the running engine heard them: rules that need both, without their files",
    )
    parser.add_argument("--format", choices=report.FORMATS, default="text", help="default: text")
    parser.add_argument("--json", dest="format", action="store_const", const="json", help="the same as --format json")
    parser.add_argument("--fix", action="store_true", help="mend what can be mended, in the files themselves")
    parser.add_argument("--config-id", default="", metavar="ID", help="the @ID of the node (default: its host name)")
    parser.add_argument(
        "--here",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="hold them against this host: interfaces, addresses, accounts, scripts (default: files below /etc)",
    )
    parser.add_argument("--quiet", action="store_true", help="errors and warnings, no hints")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Check them; the worst exit code counts."""
    node = chosen.config_id or socket.gethostname().split(".")[0]
    typed = {os.path.abspath(STANDARD_INPUT): files.read_text(STANDARD_INPUT)} if STANDARD_INPUT in chosen.files else {}
    if typed and (chosen.fix or STANDARD_INPUT in chosen.peer):
        raise HatuiError("standard input can be checked, not mended, and be one file only: name a file [E-NOTHING]")
    for path in (*chosen.files, *chosen.peer):
        if path != STANDARD_INPUT:
            files.read_text(path)  # complains by name
    heard = session.run_for(_heard(chosen)) if chosen.heard else ()
    worst = 0
    every: list[Diagnostic] = []
    texts: dict[str, str] = {}
    for path in chosen.files:
        if chosen.fix:
            _mend(path, chosen.peer, node, here=chosen.here, heard=heard)
        loaded, found = examine(path, chosen.peer, node, typed, here=chosen.here, heard=heard)
        worst = _worse(worst, report.exit_code(found, runs=loaded.config is not None))
        every += [one for one in found if not (chosen.quiet and one.severity == "info")]
        texts |= {name: str(tree) for name, tree in loaded.trees.items()}
    told = report.render(chosen.format, report.ordered(every), texts, version=VERSION).rstrip("\n")
    for line in told.split("\n"):
        say(plain(line))
    return worst


def examine(
    path: str,
    peers: Sequence[str],
    node: str,
    shown: Mapping[str, str] | None = None,
    *,
    here: bool | None = False,
    heard: Sequence[Heard] = (),
) -> tuple[Loaded, list[Diagnostic]]:
    """The configuration and every finding, with `shown` in place of the files of those paths. `here`: with what
    facts of this host tell; None where the file stands below /etc, so is meant for it."""
    reader = overlay(files.disk(), shown) if shown else files.disk()
    env = dict(os.environ)
    loaded = load(os.path.abspath(path), *reader, config_id=node, env=env)
    others = [load(os.path.abspath(peer), *files.disk(), config_id=node, env=env) for peer in peers]
    if here is None:
        here = os.path.abspath(path).startswith("/etc/")
    return loaded, lint.findings(loaded, others, host=_this_host() if here else None, heard=heard)


def _this_host() -> Host:
    from engine.core.facts import this_host

    return this_host()


async def _heard(chosen: argparse.Namespace) -> Sequence[Heard]:
    async with session.engine(chosen) as client:
        if "judge" in client.hello.capabilities:
            return (await session.within(chosen, client.request(GetHeard()))).heard
        known = session.instances(client.snapshot).values()
    return [
        Heard(one.peer, one.interface, one.vrid, one.family, one.peer_priority)
        for one in known
        if one.peer and one.peer_priority
    ]


def _mend(path: str, peers: Sequence[str], node: str, *, here: bool | None, heard: Sequence[Heard]) -> None:
    before = {name: str(tree) for name, tree in examine(path, peers, node)[0].trees.items()}

    def again(texts: Mapping[str, str]) -> list[Diagnostic]:
        return examine(path, peers, node, texts, here=here, heard=heard)[1]

    fixed = fix.mend(before, again)
    for name in fixed.changed(before):
        files.write_text(name, fixed.texts[name])
    for one in fixed.applied:
        title = one.fix.title if one.fix is not None else ""
        note(f"{one.file}:{one.line}: mended: {title} [{one.code}]")
    if not fixed.applied:
        note(f"{path}: nothing that can be mended by itself")


def _worse(one: int, other: int) -> int:
    order = (0, 5, 4, 3)
    return max(one, other, key=order.index)
