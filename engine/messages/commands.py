"""Wishes of the operator, as they stand on the control socket. Each gets exactly one Reply."""

from __future__ import annotations

from engine.messages.drills import AbortDrill, Check, GetDrillPackets, GetDrills, ProbeSeen, ReserveDrill, RunDrill
from engine.messages.words import Message


class Failover(Message, frozen=True):
    """Move an address on purpose. step-down on a master: hand over, then hold priority 1.
    take-over on a backup: boost to priority 254. Both until released, or `hold_s` has passed."""

    instance: str
    method: str = "step-down"
    hold_s: float = 0
    """Seconds; 0 means until released."""
    dry_run: bool = False
    override: str = ""
    """Why it is done although its preflight failed; the codes and this are written down."""
    checks: tuple[Check, ...] = ()
    """What a client with a link to other nodes has found there."""


class Release(Message, frozen=True):
    """End a hold: the instance runs with its own priority again."""

    instance: str


class AnnounceNow(Message, frozen=True):
    """Send gratuitous ARP / NA for all addresses of a master now. Empty instance: all masters."""

    instance: str = ""


class Reload(Message, frozen=True):
    """Read the configuration file again; refused with its diagnostics when it is broken."""


class GetConfig(Message, frozen=True):
    """The running configuration's files as text (secrets included: operators only)."""

    reveal: bool = False
    """Their secrets are shown to a person: that leaves an audit row, which reading alone does not."""


class IncludedText(Message, frozen=True):
    """A file that the main file includes, as it shall be."""

    path: str
    text: str
    base: str
    """Digest of the text that was edited; refused when the file has changed since."""


class ApplyConfig(Message, frozen=True):
    """Check `text`, write it as the main file (owner and mode kept, atomically), reload."""

    text: str
    base: str = ""
    """Digest (see ConfigText.digest) of the text that was edited; refused when the file has changed since."""
    comment: str = ""
    dry_run: bool = False
    confirm_s: float = 0
    """Seconds, 1..604800, within which ConfirmConfig must follow, else the engine puts the old text back; 0 is for
    good."""
    files: tuple[IncludedText, ...] = ()
    """Included files that change with it: all are written and used, or none. Only engines with the capability
    "includes" know this."""


class JudgeConfig(Message, frozen=True):
    """What would be said of `text` as the main file, by what this host is and what other routers were heard to say:
    in Reply.judged; refused (E-CONFIG-BROKEN) where ApplyConfig would be. Nothing is written or changed."""

    text: str
    files: tuple[IncludedText, ...] = ()
    """As in ApplyConfig."""


class EditConfig(Message, frozen=True):
    """Say that somebody edits the configuration here, or no longer: other consoles see it. It locks nothing, and ends
    by itself 90 s after it was last said."""

    editing: bool = True
    take_over: bool = False
    """From somebody else who edits."""


class ConfirmConfig(Message, frozen=True):
    """Keep the change that waits for its confirmation."""

    revision: int = 0
    """The one that is meant; refused when another one waits. 0: whichever waits."""
    comment: str = ""


class RollbackConfig(Message, frozen=True):
    """Put the files of an earlier revision back and reload. While a change waits for its confirmation only the
    revision before it can be asked for: that undoes it at once."""

    revision: int
    """0, while a change waits: the revision before it."""
    base: str = ""
    """Digest of the main file that is known to be overwritten; empty: refuse to overwrite what was never in use."""
    comment: str = ""
    dry_run: bool = False
    confirm_s: float = 0
    """As in ApplyConfig."""


class GetRevisions(Message, frozen=True):
    """The kept revisions, newest first, in Reply.revisions; with `revision` also its files in Reply.files."""

    limit: int = 50
    revision: int = 0


class GetEvents(Message, frozen=True):
    """The last events of the history, oldest first, as event lines."""

    limit: int = 200
    instance: str = ""
    kinds: tuple[str, ...] = ()
    """Wire names such as state-changed; empty: all."""
    since_wall_ns: int = 0
    """Only those at or after this time of the wall clock."""
    until_wall_ns: int = 0
    """Only those at or before this time; 0: up to now."""


class Maintenance(Message, frozen=True):
    """Handicap this node, or one instance and its sync group, to priority 1: it hands over, and serves on only where
    nobody else does. It lasts over a restart of the engine, with `persist` over one of the machine."""

    instance: str = ""
    """Empty: the whole node."""
    on: bool = True
    for_s: float = 0
    """Seconds; 0 means until it is switched off."""
    persist: bool = False
    dry_run: bool = False


class GetJournal(Message, frozen=True):
    """What all statuses were in a span of the wall clock, oldest first, in Reply.snapshots; the last one before the
    span leads them. Ask again from the last one's time for more."""

    since_wall_ns: int
    until_wall_ns: int
    limit: int = 20


class GetHeard(Message, frozen=True):
    """What other routers said last of the virtual routers on our interfaces, in Reply.heard."""


class Diagnose(Message, frozen=True):
    """Listen to the wire for a while, then say what is wrong, in Reply.findings."""

    listen_s: float = 4.0
    """Seconds, 0..60."""


class GetTrackerRuns(Message, frozen=True):
    """The last runs of track scripts, in Reply.runs, the newest last."""

    names: tuple[str, ...] = ()
    """Empty: of all, or of all that `instance` tracks."""
    instance: str = ""


class RunTracker(Message, frozen=True):
    """Run a track script now, besides its interval; the result counts like any other."""

    name: str


class Subscribe(Message, frozen=True):
    """Replace this client's subscription. Topics: status, events, packets."""

    topics: tuple[str, ...]
    rate_hz: float = 4.0
    """At most so many status updates per second, 0.1..20."""
    since: int = 0
    """Resume events after this sequence number; 0 means from now on."""


class StopEngine(Message, frozen=True):
    """Stop the engine with a hand-over, as SIGTERM does."""


Command = (
    Failover
    | Release
    | AnnounceNow
    | Maintenance
    | RunDrill
    | AbortDrill
    | GetDrills
    | GetDrillPackets
    | ReserveDrill
    | ProbeSeen
    | Reload
    | GetConfig
    | ApplyConfig
    | JudgeConfig
    | ConfirmConfig
    | EditConfig
    | RollbackConfig
    | GetRevisions
    | GetEvents
    | GetTrackerRuns
    | RunTracker
    | GetJournal
    | GetHeard
    | Diagnose
    | Subscribe
    | StopEngine
)
VIEWER_COMMANDS = (GetEvents, GetTrackerRuns, GetJournal, GetHeard, Diagnose, Subscribe, GetDrills, GetDrillPackets)
"""What the role viewer may say; everything else needs operator."""
