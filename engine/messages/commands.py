"""Wishes of the operator, as they stand on the control socket. Each gets exactly one Reply."""

from __future__ import annotations

from engine.messages.words import Message


class Failover(Message, frozen=True):
    """Move an address on purpose. step-down on a master: hand over, then hold priority 1.
    take-over on a backup: boost to priority 254. Both until released, or `hold_s` has passed."""

    instance: str
    method: str = "step-down"
    hold_s: float = 0
    """Seconds; 0 means until released."""
    dry_run: bool = False


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


class ApplyConfig(Message, frozen=True):
    """Check `text`, write it as the main file (owner and mode kept, atomically), reload."""

    text: str
    base: str = ""
    """Digest (see ConfigText.digest) of the text that was edited; refused when the file has changed since."""
    comment: str = ""
    dry_run: bool = False


class GetEvents(Message, frozen=True):
    """The last events of the history, oldest first, as event lines."""

    limit: int = 200
    instance: str = ""


class Subscribe(Message, frozen=True):
    """Replace this client's subscription. Topics: status, events, packets."""

    topics: tuple[str, ...]
    rate_hz: float = 4.0
    """At most so many status updates per second, 0.1..20."""
    since: int = 0
    """Resume events after this sequence number; 0 means from now on."""


class StopEngine(Message, frozen=True):
    """Stop the engine with a hand-over, as SIGTERM does."""


Command = Failover | Release | AnnounceNow | Reload | GetConfig | ApplyConfig | GetEvents | Subscribe | StopEngine
VIEWER_COMMANDS = (GetEvents, Subscribe)
"""What the role viewer may say; everything else needs operator."""
