"""The present, whole, replaced by key. Instants, never elapsed times."""

from __future__ import annotations

import hashlib

from engine.messages.drills import DrillProgress
from engine.messages.words import Cause, Message, State, Verdict


class AddressStatus(Message, frozen=True):
    """One virtual address and whether it is really on the interface, by the kernel's word."""

    address: str
    prefix: int
    interface: str
    present: bool
    advertised: bool = True


class LedgerLine(Message, frozen=True):
    """One contribution to the effective priority, or one cause of FAULT."""

    kind: str
    """base, script, interface, process, file, bfd, hold, clamp, owner, rival (another owner is heard)."""
    name: str
    good: bool | None
    """None: no result yet."""
    weight: int
    contribution: int
    fault: bool = False
    detail: str = ""
    since: int = 0


class Counters(Message, frozen=True):
    """keepalived's names, so that tools and habits carry over."""

    advert_rcvd: int = 0
    advert_sent: int = 0
    become_master: int = 0
    release_master: int = 0
    packet_len_err: int = 0
    advert_interval_err: int = 0
    ip_ttl_err: int = 0
    invalid_type_rcvd: int = 0
    addr_list_err: int = 0
    invalid_authtype: int = 0
    authtype_mismatch: int = 0
    auth_failure: int = 0
    pri_zero_rcvd: int = 0
    pri_zero_sent: int = 0
    vers_err: int = 0
    chk_err: int = 0
    dest_err: int = 0
    own_rcvd: int = 0
    chk_other_dialect: int = 0
    auth_ext_missing: int = 0
    auth_ext_malformed: int = 0
    auth_ext_unknown_key: int = 0
    auth_ext_invalid_hmac: int = 0
    auth_ext_stale: int = 0
    auth_ext_replay: int = 0


class HostCounters(Message, frozen=True):
    """Refused packets of this host, whichever router they were for: what no instance, or not one alone, is to blame
    for. Source: RFC 6527 vrrpv3Router...Errors, RFC 8347 vrrp/statistics."""

    vrid_err: int = 0
    """No instance of that interface and family has the VRID."""
    vers_err: int = 0
    chk_err: int = 0
    ip_ttl_err: int = 0
    packet_len_err: int = 0
    """Shorter than the VRRP header: it names no VRID."""
    last_fault: str = ""
    """The verdict of the last refusal, empty when there was none."""
    since: int = 0
    """When counting began."""


class InstanceStatus(Message, frozen=True):
    """Everything that a screen shows of one instance."""

    name: str
    interface: str
    vrid: int
    version: int
    family: int
    state: State
    since: int
    base_priority: int
    priority: int
    """In use (effective)."""
    ledger: tuple[LedgerLine, ...] = ()
    faults: tuple[str, ...] = ()
    """Sentences; empty unless FAULT."""
    source: str = ""
    """Our address in adverts; empty when there is none."""
    master: str = ""
    """Address of the master: ours when state is MASTER, empty when unknown."""
    master_priority: int = 0
    heard_at: int = 0
    """When the last advert of another router was accepted; 0 never."""
    peer: str = ""
    """The last other router heard, and its priority and time are peer_priority, heard_at."""
    peer_priority: int = 0
    timer: str = ""
    """"advert" (our next one), "master-down", "startup-delay", "hand-over" or empty."""
    deadline: int = 0
    advert_interval: int = 0
    master_advert_interval: int = 0
    skew: int = 0
    master_down_interval: int = 0
    missed: int = 0
    """Adverts of the master missed in a row just now."""
    near_misses: int = 0
    preempt: bool = True
    accept: bool = True
    unicast: bool = False
    vmac: str = ""
    authentication: str = "none"
    addresses: tuple[AddressStatus, ...] = ()
    hold_kind: str = ""
    hold_until: int = 0
    hold_by: str = ""
    hold_reason: str = ""
    sync_group: str = ""
    transitions: int = 0
    last_cause: Cause = Cause.STARTUP
    last_detail: str = ""
    announced_at: int = 0
    counters: Counters = Counters()
    counting_since: int = 0
    """When they began: at the start of the vrrp process, or of the instance."""
    sequence: int = 0
    """Authentication header: the highest number sent or accepted; a respawned process goes on from it."""
    problem: str = ""
    """MASTER whose addresses or routes the kernel refuses: what it said, and what is being done."""


class TrackerStatus(Message, frozen=True):
    """A track script (process, file, BFD session) and its last result."""

    kind: str
    name: str
    good: bool | None
    streak: int = 0
    rise: int = 1
    fall: int = 1
    last_run: int = 0
    duration: int = 0
    exit_status: int | None = None
    output: str = ""
    tracked_by: tuple[str, ...] = ()


class InterfaceStatus(Message, frozen=True):
    """An interface that some instance uses."""

    name: str
    exists: bool
    up: bool
    mac: str = ""
    mtu: int = 0
    addresses: tuple[str, ...] = ()


class MaintenanceInfo(Message, frozen=True):
    """Maintenance of the node, or of an instance."""

    instance: str
    """Empty: the whole node."""
    by: str
    reason: str
    since_wall: int
    """Wall clock, ns."""
    until: int = 0
    """The instant (engine's clock) at which it ends by itself; 0: when it is switched off."""
    until_wall: int = 0
    """The same by the wall clock, ns."""
    persist: bool = False
    """Also after the machine was started anew."""


class FindingStatus(Message, frozen=True):
    """Something that diagnosis has found; gone when it is no longer so."""

    name: str
    """Code and subject: what a newer one of the same replaces."""
    code: str
    """Known to `hatui explain`."""
    severity: str
    """error, warning or info."""
    instance: str
    """Empty for the whole host."""
    text: str
    evidence: tuple[str, ...] = ()
    fix: str = ""
    since: int = 0


class EngineStatus(Message, frozen=True):
    """The engine itself."""

    version: str
    host: str
    router_id: str
    pid: int
    vrrp_pid: int
    check_pid: int
    started: int
    observe: bool
    config_file: str
    config_fingerprint: str
    config_loaded: int
    config_problem: str = ""
    """Set while the file on disk is refused and the older configuration runs."""
    worst_late: int = 0
    """ns: the latest that the vrrp loop ever woke."""
    refused_packets: HostCounters = HostCounters()
    config_revision: int = 0
    """Number of the last kept revision, the one in use; 0 when none is kept."""
    config_by: str = ""
    """Who brought it in: startup, signal, file, operator NAME, engine."""
    confirm_revision: int = 0
    """The revision that waits for its confirmation; 0: none does."""
    confirm_deadline: int = 0
    """The instant (engine's clock) at which it is taken back."""
    confirm_previous: int = 0
    """The revision that comes back then."""
    confirm_by: str = ""
    """Who applied it."""
    confirm_comment: str = ""
    history_problem: str = ""
    """Why nothing is written into the history just now; drills and commits are refused then. Empty: all is well."""
    confirm_problem: str = ""
    """Why the last unconfirmed change could not be taken back; empty again with the next change."""
    edit_by: str = ""
    """Who edits the configuration in a console; empty: nobody says so."""
    edit_origin: str = ""
    """That console: pid, uid, terminal."""
    edit_since: int = 0
    edit_until: int = 0
    """The claim ends then unless it is renewed."""
    maintenance: tuple[MaintenanceInfo, ...] = ()
    drill: DrillProgress | None = None
    state_directory: str = ""
    """Where history, revisions and drills are kept; `none`: in memory only; empty: not told."""


class HeardAdvert(Message, frozen=True):
    """What another router last said of a virtual router, obeyed or refused. Never its password."""

    router: str
    """Its address."""
    interface: str
    vrid: int
    family: int
    priority: int
    """0..255, as it stood in the advert."""
    version: int = 0
    """2 or 3; 0: only the priority is known, and all that follows is not."""
    interval: int = 0
    """ns"""
    addresses: tuple[str, ...] = ()
    authentication: str = ""
    """none, pass or ah; empty where the version has none."""
    secret: str = ""
    """Four hex digits by which a password that was sent may be compared; for operators only."""
    destination: str = ""
    verdict: Verdict = Verdict.OK
    """vrid: no instance here has its VRID."""


def password_mark(password: bytes) -> str:
    """Of a version 2 password: its first 8 octets, padding aside, are what is sent."""
    return hashlib.sha256(password[:8].rstrip(b"\0")).hexdigest()[:4]


Status = InstanceStatus | TrackerStatus | InterfaceStatus | EngineStatus | FindingStatus
