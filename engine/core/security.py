"""Which scripts may run at all, before anything is run: enable_script_security.

Invariant: with enable_script_security no script that somebody other than root can change runs as root, and
none runs for want of an account; what tracks such a script goes on without it, as keepalived's does, and
each refusal names the part of the path that is to blame.

Source: keepalived.conf(5) enable_script_security, script_user.
"""

from __future__ import annotations

import pwd
from collections.abc import Iterable, Mapping

import msgspec

from engine import programs
from engine.config.build import Loaded
from engine.config.diagnostic import Diagnostic
from engine.config.findings import finding
from engine.config.model import Command, Config, Globals, Instance, Tracking


def refused_scripts(config: Config) -> dict[str, str]:
    """Track scripts that are not run, by name, and why. Empty without enable_script_security."""
    if not config.globals.script_security:
        return {}
    found = ((one.name, refusal(one.command, config.globals)) for one in config.scripts)
    return {name: why for name, why in found if why}


def refusal(command: Command, settings: Globals) -> str:
    """Why a command must not be run, as a sentence; empty when it may."""
    if not command.user and not settings.script_user and not _default_account():
        return f"no script_user is set and there is no account {programs.DEFAULT_ACCOUNT}"
    try:
        who = programs.account(command.user, command.group, settings.script_user, settings.script_group)
    except LookupError as failure:
        return str(failure)
    return programs.insecure_part(command.argv[0]) if who.uid == 0 else ""


def findings(loaded: Loaded, refused: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    """What to say of refused scripts, at the line that names the program."""
    found: list[Diagnostic] = []
    for block in loaded.statements:
        name = block.arguments[0].value if block.words[0].value == "vrrp_script" and block.arguments else ""
        if name in refused:
            at = next((line for line in block.children or () if line.words[0].value == "script"), block)
            consequence = "It is not run, and what tracks it goes on as if it did not."
            what = f"script {name} is refused: {refused[name]}"
            todo = "Give the script and every directory above it to root alone, or set script_user."
            word = at.words[0]
            said = finding(
                "C-SECURITY",
                at.file,
                at.line,
                word.column,
                word.end_column,
                what=what,
                consequence=consequence,
                todo=todo,
            )
            found.append(said)
    return tuple(found)


def without(config: Config, names: Iterable[str]) -> Config:
    """The configuration as if nobody tracked these scripts."""
    refused = frozenset(names)
    if not refused:
        return config
    scripts = tuple(one for one in config.scripts if one.name not in refused)
    instances = tuple(_without(one, refused) for one in config.instances)
    return msgspec.structs.replace(config, scripts=scripts, instances=instances)


def _without(instance: Instance, refused: frozenset[str]) -> Instance:
    kept = tuple(track for track in instance.tracking.scripts if track.name not in refused)
    if len(kept) == len(instance.tracking.scripts):
        return instance
    tracking: Tracking = msgspec.structs.replace(instance.tracking, scripts=kept)
    return msgspec.structs.replace(instance, tracking=tracking)


def _default_account() -> bool:
    try:
        pwd.getpwnam(programs.DEFAULT_ACCOUNT)
    except KeyError:
        return False
    return True
