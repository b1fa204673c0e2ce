"""What the builders share while a configuration is being read: the findings, the table, and the drafts.

Invariant: a draft holds what the file says, and nothing else; defaults and inheritance are applied once,
at the end, by `resolve.py`. Names are looked up in the order of the file, as keepalived does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.config.check import Checker, Sayings
from engine.config.expand import Statement
from engine.config.keywords import Path, Table
from engine.config.model import (
    Address,
    BfdSession,
    Command,
    Fifo,
    Route,
    Rule,
    Script,
    Track,
    TrackedFile,
    TrackedProcess,
    UnicastPeer,
)
from engine.config.syntax import Token

Values = tuple[Any, ...]


class TrackLines:
    """The track_* blocks of an instance or group."""

    def __init__(self) -> None:
        self.scripts: list[Track] = []
        self.interfaces: list[Track] = []
        self.processes: list[Track] = []
        self.files: list[Track] = []
        self.bfd: list[Track] = []


class NotifyLines:
    """The notify keywords of an instance or group."""

    def __init__(self) -> None:
        self.commands: dict[str, Command] = {}
        """By field of `model.Notify`."""
        self.deleted_reported = False
        self.smtp_alert: bool | None = None
        self.priority_changes: bool | None = None


class InstanceDraft:
    """One vrrp_instance as written."""

    def __init__(self, name: str, statement: Statement) -> None:
        self.name = name
        self.statement = statement
        self.places: dict[str, Statement] = {}
        """The last statement of each keyword, for messages."""
        self.fields: dict[str, Any] = {}
        """Settings that go into the model as they are, by field."""
        self.announce: dict[str, int] = {}
        self.addresses: list[Address] = []
        self.excluded: list[Address] = []
        self.routes: list[Route] = []
        self.rules: list[Rule] = []
        self.peers: list[UnicastPeer] = []
        self.tracks = TrackLines()
        self.notify = NotifyLines()
        self.interface = ""
        self.vrid = 0
        self.priority = 0
        self.state = ""
        self.version = 0
        self.advert_interval = 0
        self.family = 0
        self.preempt: bool = True
        self.preempt_delay = 0
        self.accept: bool | None = None
        self.strict: bool | None = None
        self.source = ""
        self.group_address = ""
        self.unicast_asked = False
        """A unicast keyword was given."""
        self.unicast_ttl: int | None = None
        self.auth_kind = ""
        self.auth_password = b""
        self.hmac: dict[str, Any] | None = None
        self.vmac: dict[str, Any] | None = None
        self.xmit_base = False

    def at(self, *keywords: str) -> Statement:
        """Where the first of these keywords stands that is given; else the block itself."""
        return next((self.places[one] for one in keywords if one in self.places), self.statement)


class GroupDraft:
    """One vrrp_sync_group as written."""

    def __init__(self, name: str, statement: Statement) -> None:
        self.name = name
        self.statement = statement
        self.members: list[tuple[str, Statement]] = []
        self.grouped = False
        self.tracking_weight = False
        self.tracks = TrackLines()
        self.notify = NotifyLines()


class Context:
    """Everything that is known so far."""

    def __init__(self, table: Table, read: Callable[[str], str | None]) -> None:
        self.table = table
        self.read = read
        """The text of a file that a setting names, None when there is none."""
        self.sayings = Sayings()
        self.check = Checker(self.sayings, table)
        self.say = self.sayings.say
        self.globals: dict[str, Any] = {}
        """By field of `model.Globals`, and what only the building needs (keys with a blank in front)."""
        self.garp: dict[str, int] = {}
        """Global announcement settings that were given, by field of `model.Announce`."""
        self.fifos: dict[str, Fifo] = {}
        self.fifo_scripts: dict[str, Command] = {}
        self.instances: list[InstanceDraft] = []
        self.names: set[str] = set()
        """Of these instances."""
        self.groups: list[GroupDraft] = []
        self.scripts: dict[str, Script] = {}
        self.script_places: dict[str, Statement] = {}
        self.processes: dict[str, TrackedProcess] = {}
        self.files: dict[str, TrackedFile] = {}
        self.bfd: dict[str, BfdSession] = {}
        """All that can be tracked."""
        self.bfd_sessions: list[BfdSession] = []
        """Those that run."""
        """Weight and reverse by name."""
        self.tracked: set[str] = set()
        """Names of scripts that something tracks."""
        self.static_addresses: list[Address] = []
        self.static_routes: list[Route] = []
        self.static_rules: list[Rule] = []
        self.track_groups: dict[str, list[str]] = {}
        self.next_preference = 16384
        self.garp_interfaces: set[str] = set()
        """Interfaces that a garp_group has."""

    def needs_track_group(self, statement: Statement, word: Token) -> None:
        """A track_group must stand above the line that names it. Source: keepalived.conf(5) track_group."""
        if word.value not in self.track_groups:
            self.say("C-UNDEFINED", statement, word, keyword="track_group", name=word.value, nearest="")

    def each(
        self,
        block: Statement,
        path: Path,
        handle: Callable[[Statement, Values], None],
        blocks: dict[str, Callable[[Statement], None]] | None = None,
    ) -> None:
        """Check every statement of a block; hand on those that are right. Blocks inside go to `blocks`,
        and where there is none for them they are only checked."""
        for statement in block.children or ():
            row = self.table.get(path, statement.keyword)
            if row is None:
                continue
            values = self.check.values(statement, row)
            special = (blocks or {}).get(statement.keyword)
            if special is not None:
                special(statement)
            elif row.opens == "block":
                self.each(statement, (*path, row.name), _nothing)
            elif values is not None:
                handle(statement, values)


def _nothing(statement: Statement, values: Values) -> None:
    """Checked, and nothing more."""
