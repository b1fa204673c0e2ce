"""The fixed words: state, cause, verdict, outcome; and the base of all messages."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

PROTOCOL_VERSION = 1


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=_kebab, gc=False):
    """Base of all messages: frozen, tagged with its name in kebab case under "type"."""


class State(StrEnum):
    """State of an instance. RFC 9568 says Initialize, Backup and Active; MASTER is its Active, and
    Active_Down_Interval our master-down interval. FAULT is keepalived's, numbers as in its JSON."""

    INIT = "INIT"
    BACKUP = "BACKUP"
    MASTER = "MASTER"
    FAULT = "FAULT"

    @property
    def number(self) -> int:
        """keepalived's number: INIT 0, BACKUP 1, MASTER 2, FAULT 3."""
        return ("INIT", "BACKUP", "MASTER", "FAULT").index(self.value)


class Cause(StrEnum):
    """Why an instance changed its state: exactly one per transition."""

    MASTER_NO_RESPONSE = "master-no-response"
    MASTER_RESIGNED = "master-resigned"
    PEER_HIGHER = "peer-higher"
    PEER_EQUAL_HIGHER_ADDRESS = "peer-equal-higher-address"
    WE_PREEMPTED = "we-preempted"
    PRIORITY_LOWERED = "priority-lowered"
    TRACKER_FAULT = "tracker-fault"
    INTERFACE_DOWN = "interface-down"
    ADDRESS_LOST = "address-lost"
    FAULT_CLEARED = "fault-cleared"
    SYNC_GROUP = "sync-group"
    OPERATOR = "operator"
    MAINTENANCE = "maintenance"
    CONFIG = "config"
    STARTUP = "startup"
    SHUTDOWN = "shutdown"
    ENGINE_STALL = "engine-stall"
    REJECTED_ADVERTS = "rejected-adverts"
    DRILL = "drill"


class Verdict(StrEnum):
    """The engine's decision on one packet: ok, or the first test that it failed, in test order."""

    OK = "ok"
    SENT = "sent"
    UNSEEN = "unseen"
    """On the wire, but it never reached the engine's socket: a firewall or filter of this host."""
    LENGTH = "length"
    VRID = "vrid"
    NOT_RUNNING = "not-running"
    """The instance is in INIT or FAULT."""
    AH = "ah"
    TTL = "ttl"
    VERSION = "version"
    AUTH_HMAC = "auth-hmac"
    AUTH_TYPE_UNKNOWN = "auth-type-unknown"
    AUTH_TYPE = "auth-type"
    AUTH_DATA = "auth-data"
    INTERVAL = "interval"
    TYPE = "type"
    TOTAL_LENGTH = "total-length"
    COUNT_ZERO = "count-zero"
    INTERVAL_ZERO = "interval-zero"
    CHECKSUM = "checksum"
    DESTINATION = "destination"
    """Multicast received by a unicast instance, or the reverse."""
    OWNER = "owner"
    ADDRESS_LIST = "address-list"
    SOURCE = "source"
    OWN = "own"
    """From our own address: looped back or a duplicate address; logged, never answered."""
    NONE = "-"
    """Not an advertisement: gratuitous ARP, NA."""


class Outcome(StrEnum):
    """How a command ended."""

    DONE = "done"
    REFUSED = "refused"
    UNDONE = "undone"
    """Begun, not verified, and put back."""
