"""`hatui doctor`: is this host fit for the engine, and what has the engine itself found?

Invariant: it changes nothing; what it cannot see it calls unknown; its exit status is 0 only where nothing needs a
hand.
"""

from __future__ import annotations

import argparse
import getpass
import os
import shutil
import sqlite3
import sys
from pathlib import Path

import msgspec

from engine import VERSION
from engine.codes import explain
from engine.core.audit import verify
from engine.errors import EngineLost, HatuiError, ProtocolMismatch, Refused
from engine.messages import Diagnose, EngineStatus, FindingStatus, Hello, InstanceStatus, Snapshot
from hatui import checkup
from hatui.checkup import Check
from hatui.commands import session
from hatui.commands.figures import seconds
from hatui.commands.terminal import count, painted, say, say_json
from hatui.text import plain, wrap

EPILOG = "exit codes: 0 nothing to do, 1 findings"
LISTEN_S = 4.0
STATE = Path("/var/lib/hatui")
_ROLES = {"fail": "bad", "warn": "warn", "unknown": "unknown", "pass": "good"}
_SEVERITIES = {"error": "fail", "warning": "warn", "info": "pass"}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments."""
    from hatui.cli import socket_option

    parser.add_argument("--json", action="store_true", help="all checks as one JSON object")
    parser.add_argument(
        "--listen", type=seconds, default=LISTEN_S, metavar="S", help="listen to the wire for so long (default 4)"
    )
    parser.add_argument("--quiet", action="store_true", help="only what needs a hand")
    socket_option(parser)


def run(chosen: argparse.Namespace) -> int:
    """Look at everything once."""
    checks, state = _of_engine(chosen)
    if not chosen.host:
        checks += _of_host(state)
    bad = [one for one in checks if one.result in ("fail", "warn")]
    if chosen.json:
        say_json({"v": 1, "checks": [msgspec.to_builtins(one) for one in checks], "findings": len(bad)})
        return 1 if bad else 0
    for one in sorted(checks, key=lambda check: checkup.RESULTS.index(check.result)):
        if not chosen.quiet or one in bad:
            _say(one)
    if not chosen.quiet or bad:
        say(f"{len(checks)} checks, {count(len(bad), 'finding')}" if bad else f"{len(checks)} checks, nothing to do")
    return 1 if bad else 0


def _say(check: Check) -> None:
    code = f" [{check.code}]" if check.code else ""
    first, *more = wrap(check.text + code, 100) or [""]
    say(painted([(f"{check.result:<8}", _ROLES[check.result]), (f"{check.name:<10} ", "strong"), (first, "plain")]))
    for line in more:
        say(" " * 19 + line)
    if check.fix and check.result != "pass":
        say(painted([(" " * 19, "plain"), (check.fix, "dim")]))


def _of_engine(chosen: argparse.Namespace) -> tuple[list[Check], Path | None]:
    """The connection, and what the engine has found; where it keeps its state, None for nowhere."""
    try:
        hello, present = session.run_for(_ask(chosen))
    except Refused as refusal:
        first = Check("engine", "fail", refusal.reason, _todo(refusal.code), refusal.code)
        return [first, *_without_engine(chosen)], STATE
    except (EngineLost, ProtocolMismatch, HatuiError) as failure:
        words, said, code = str(failure).rpartition(" [")
        if not said or not code.endswith("]"):
            words, code = str(failure), "E-NO-ENGINE]"
        fix = getattr(failure, "advice", "") or "sudo systemctl start hatui-engine"
        return [Check("engine", "fail", words, fix, code.rstrip("]")), *_without_engine(chosen)], STATE
    role = f"an engine answers on {plain(hello.host)}; {plain(hello.user)} is {hello.role}"
    checks = [Check("engine", "pass", role)]
    if "packets" not in hello.capabilities:
        words = "the engine cannot capture packets: the screen Packets stays empty"
        checks.append(Check("capture", "warn", words, "give the engine the capability CAP_NET_RAW"))
    statuses = present.statuses
    for finding in (one for one in statuses if isinstance(one, FindingStatus)):
        result = _SEVERITIES.get(finding.severity, "warn")
        checks.append(Check("found", result, plain(finding.text), finding.fix, finding.code))
    status = next((one for one in statuses if isinstance(one, EngineStatus)), None)
    if status is not None:
        checks.append(checkup.history(status))
    if not chosen.host:
        instances = {one.name: one for one in statuses if isinstance(one, InstanceStatus)}
        checks += checkup.engine(checkup.Host(), status, VERSION)
        checks += checkup.settings(checkup.Host(), instances)
    told = status.state_directory if status is not None else ""
    return checks, None if told == "none" else Path(told or STATE)


async def _ask(chosen: argparse.Namespace) -> tuple[Hello, Snapshot]:
    """Who answers, and the present with what diagnosis finds when it listens now."""
    async with session.engine(chosen) as client:
        found = (await session.within(chosen, client.request(Diagnose(chosen.listen)), chosen.listen)).findings
        known = tuple(one for one in client.snapshot.statuses if not isinstance(one, FindingStatus))
        return client.hello, msgspec.structs.replace(client.snapshot, statuses=known + found)


def _without_engine(chosen: argparse.Namespace) -> list[Check]:
    return [] if chosen.host else [*checkup.engine(checkup.Host(), None, "")]


def _todo(code: str) -> str:
    """The last part of a code's explanation in one line."""
    return " ".join(explain(code, 10_000).partition("\nDo ")[2].split())


def _audit(path: Path) -> list[Check]:
    """Whether the audit trail is as it was written; nothing where it cannot be read."""
    try:
        wrong = verify(path)
    except (OSError, sqlite3.Error):
        return []
    if not wrong:
        return [Check("audit", "pass", "the audit trail is as it was written")]
    fix = f"compare with the journal of the service and with backups of {path}"
    return [Check("audit", "fail", f"the audit trail was changed afterwards: {'; '.join(wrong)}", fix)]


def _user() -> str:
    """Who asks; the number of one who has no account."""
    try:
        return getpass.getuser()
    except KeyError:
        return str(os.getuid())


def _of_host(state: Path | None) -> list[Check]:
    size = shutil.get_terminal_size()
    interactive = sys.stdin.isatty() and sys.stdout.isatty()
    kept = []
    if state is not None:
        there = state.parent if state == STATE and not state.exists() else state
        kept = [*_audit(state / "history.sqlite"), checkup.room(there)]
    return [
        *checkup.programs(),
        *kept,
        *checkup.groups(checkup.Host(), _user()),
        checkup.terminal(os.environ, size.columns, size.lines, interactive=interactive),
    ]
