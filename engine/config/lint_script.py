"""Rules about programs that are run: track scripts and notify commands.

The invariant: a command is read as keepalived reads it, the first string with its own quoting and no shell; what the
file system says about it (does it exist, may others write it) is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from engine.config.diagnostic import Diagnostic, Edit, Fix
from engine.config.expand import Statement
from engine.config.lint_scope import Scope, number, seconds, unknown

NOTIFY = (
    "notify_master",
    "notify_backup",
    "notify_fault",
    "notify_stop",
    "notify_deleted",
    "notify_master_rx_lower_pri",
    "notify",
)
SHELLS = {"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox", "env"}
_SHELL = re.compile(r"\|\||&&|[|;<>`]|\$\(|(?<!\S)&(?!\S)|2>&1")
_PROCESS = re.compile(r"(?:^|[\s/;|('])(?:(?:killall5?|kill|pkill)\s+(?:-s\s*)?-?0\b|pidof\s|pgrep\s)")
_STATES = {"master", "backup", "fault", "stop", "slave", "start", "restart", "add", "del", "up", "down"}


class Command(NamedTuple):
    """A command as written: the first string and what follows it."""

    first: str
    quoted: str
    """The quote around it, or nothing."""
    rest: tuple[str, ...]

    @property
    def program(self) -> str:
        """The file that is run."""
        return (self.first.split() or [""])[0]

    @property
    def shell(self) -> bool:
        """A shell runs it, so shell syntax means something."""
        return self.program.rpartition("/")[2] in SHELLS


def command_of(statement: Statement) -> Command:
    """The command of a script-valued keyword."""
    rest = statement.rest.strip()
    if rest[:1] in ("'", '"') and rest.find(rest[0], 1) > 0:
        end = rest.find(rest[0], 1)
        return Command(rest[1:end], rest[0], tuple(rest[end + 1 :].split()))
    words = rest.split()
    return Command(words[0] if words else "", "", tuple(words[1:]))


def _scripts(scope: Scope) -> Iterator[tuple[Statement, Statement, Command]]:
    """(vrrp_script block, its script line, the command)."""
    for block in scope.blocks("vrrp_script"):
        line = block.child("script")
        if line is not None and not unknown(line.rest) and len(line.words) > 1:
            yield block, line, command_of(line)


def _notifies(scope: Scope) -> Iterator[Statement]:
    for block in scope.blocks("vrrp_instance", "vrrp_sync_group"):
        for line in block.children or ():
            if line.keyword in NOTIFY and len(line.words) > 1:
                yield line


def commands(scope: Scope) -> Iterator[Diagnostic]:
    """The command of a track script. Source: keepalived.conf(5) script."""
    for block, line, command in _scripts(scope):
        if not command.quoted and command.rest:
            yield scope.say(
                "L-SCRIPT-ARGS",
                "warning",
                line,
                f"{block.name}: only {command.first} is run; {' '.join(command.rest)} is dropped, as nothing is quoted",
                word=2,
                fix=_quote(scope, line),
            )
        shell = list(_shell(scope, line, command, block.name))
        yield from shell
        if command.program[:1] not in ("/", "") and not unknown(command.program) and not shell:
            yield scope.say(
                "L-SCRIPT-PATH", "info", line, f"{block.name}: {command.program} has no absolute path", word=1
            )
        text = " ".join((command.first, *command.rest)) + " "
        if _PROCESS.search(text):
            yield scope.say("L-PROCESS-CHECK", "info", line, f"{block.name} only asks whether a process exists", word=1)


def _shell(scope: Scope, line: Statement, command: Command, name: str) -> Iterator[Diagnostic]:
    text = " ".join((command.first, *command.rest))
    found = _SHELL.search(text)
    if found and not command.shell:
        yield scope.say(
            "L-SCRIPT-SHELL",
            "warning",
            line,
            f"{name}: {found[0]} is shell syntax, but no shell runs this command",
            word=1,
        )


def _quote(scope: Scope, line: Statement) -> Fix | None:
    """All words after the keyword in one pair of double quotes."""
    first, last = line.words[1], line.words[-1]
    if '"' in line.rest or "\\" in line.rest or not all(scope.as_written(line, word) for word in line.words):
        return None
    edit = Edit(line.file, line.line, first.column, line.line, last.end_column, f'"{line.rest.rstrip()}"')
    return Fix("quote the command with its arguments", (edit,))


def times(scope: Scope) -> Iterator[Diagnostic]:
    """timeout beyond interval, and a single slow run that decides."""
    for block in scope.blocks("vrrp_script"):
        every, limit, fall = block.child("interval"), block.child("timeout"), block.child("fall")
        interval = seconds(every.name) if every is not None else 1.0
        timeout = seconds(limit.name) if limit is not None else interval
        falls = number(fall.name) if fall is not None else 1
        if interval is None or timeout is None:
            continue
        if limit is not None and timeout > interval:
            yield scope.say(
                "L-TIMEOUT",
                "warning",
                limit,
                f"{block.name}: timeout {timeout:g} s is longer than interval {interval:g} s",
                word=1,
            )
        if falls == 1 and interval < 2 and not scope.may_be_said("fall", "interval"):
            yield scope.say(
                "L-TIMEOUT",
                "info",
                fall or every or block,
                f"{block.name}: one failed or slow run within {interval:g} s decides",
                word=1,
                todo="Set fall to 2 or more.",
            )


def notifies(scope: Scope) -> Iterator[Diagnostic]:
    """Arguments read as user and group; second ones. Source: keepalived.conf(5) notify_master."""
    for line in _notifies(scope):
        if unknown(line.rest):
            continue
        command = command_of(line)
        yield from _shell(scope, line, command, line.keyword)
        if not command.quoted and command.rest and _no_account(command.rest):
            yield scope.say(
                "L-NOTIFY",
                "warning",
                line,
                f"{line.keyword}: {command.rest[0]} is read as a user name, not as an argument of {command.first}",
                word=2,
                fix=_quote(scope, line),
            )
    for block in scope.blocks("vrrp_instance", "vrrp_sync_group"):
        seen = set()
        for line in block.children or ():
            if line.keyword in NOTIFY and line.keyword in seen:
                what = f"{line.keyword} stands twice in {block.name}: the first one counts"
                yield scope.say("L-NOTIFY", "warning", line, what, todo="Call both programs from one script.")
            seen.add(line.keyword)


def _no_account(words: tuple[str, ...]) -> bool:
    """Words after a command that cannot be meant as user and group."""
    return len(words) > 2 or any(
        word.lower() in _STATES or not re.fullmatch(r"[a-z_][a-z0-9_.-]*\$?", word) for word in words
    )


def accounts(scope: Scope) -> Iterator[Diagnostic]:
    """script_user and enable_script_security. Source: keepalived.conf(5) script_user."""
    scripts = [line for _, line, _ in _scripts(scope)]
    notes = list(_notifies(scope))
    if not scripts and not notes:
        return
    without = [line for block, line, _ in _scripts(scope) if block.child("user") is None]
    without += [line for line in notes if not command_of(line).rest]
    if without and scope.setting("script_user") is None and not scope.may_be_said("script_user", "global_defs"):
        more = f" (and {len(without) - 1} more)" if len(without) > 1 else ""
        if scope.setting("enable_script_security") is not None:
            what = f"{without[0].keyword}{more} is not run at all, unless there is an account keepalived_script"
            yield scope.say("L-SCRIPT-USER", "warning", without[0], what)
        else:
            what = f"{without[0].keyword}{more} runs as keepalived_script or root: script_user is not set"
            yield scope.say("L-SCRIPT-USER", "info", without[0], what)
    if scope.setting("enable_script_security") is None and not scope.may_be_said("enable_script_security"):
        first = (scripts or notes)[0]
        what = "scripts are run, and enable_script_security is not set"
        yield scope.say("L-SCRIPT-SECURITY", "info", first, what)


RULES = (commands, times, notifies, accounts)
