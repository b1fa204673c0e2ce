"""The configuration as the engine uses it: resolved, typed, frozen.

`build.py` makes it from the expanded tree; protocol, vrrp, check and core read it. Every default and
inheritance rule has been applied: nobody asks twice what an absent keyword means. All durations are
integer nanoseconds. Addresses are canonical text as `ipaddress` prints them.
"""

from __future__ import annotations

import msgspec

NS_PER_S = 1_000_000_000


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all configuration values: immutable and comparable by content."""


class Address(Model, frozen=True):
    """One line of virtual_ipaddress, virtual_ipaddress_excluded or static_ipaddress."""

    address: str
    """Canonical text, without prefix."""
    prefix: int
    """0..32 or 0..128; a missing prefix means the full length. Source: keepalived.conf(5)."""
    interface: str = ""
    """`dev`; empty means the interface of the instance."""
    scope: int = 0
    """rtnetlink scope 0..255; 0 is global."""
    label: str = ""
    broadcast: str = ""
    """Empty for none; otherwise an IPv4 address ("+" and "-" are already resolved)."""
    peer: str = ""
    home: bool = False
    nodad: bool = True
    """IPv6: added without duplicate address detection."""
    mngtmpaddr: bool = False
    noprefixroute: bool = False
    autojoin: bool = False
    preferred_lifetime_s: int | None = None
    """Seconds; None is forever."""
    track: bool = True
    """False with `no_track`: its loss or its device's loss is nobody's business."""
    use_vmac: bool = False
    track_group: str = ""

    @property
    def family(self) -> int:
        """4 or 6."""
        return 6 if ":" in self.address else 4

    def __str__(self) -> str:
        return f"{self.address}/{self.prefix}"


class NextHop(Model, frozen=True):
    """One `nexthop` of a multipath route."""

    via: str = ""
    interface: str = ""
    weight: int = 1
    """1..256"""
    onlink: bool = False
    unapplied: tuple[tuple[str, str], ...] = ()
    """As in Route."""


class Route(Model, frozen=True):
    """One line of virtual_routes or static_routes."""

    destination: str
    """Prefix text such as 192.0.2.0/24, or "default"."""
    family: int
    kind: str = "unicast"
    """unicast, blackhole, unreachable, prohibit, throw, local, broadcast, multicast."""
    via: str = ""
    interface: str = ""
    source: str = ""
    """Preferred source (`src`)."""
    table: int = 254
    metric: int = 0
    scope: int | None = None
    """None: by type and gateway, as ip-route(8) does."""
    protocol: int = 18
    tos: int = 0
    onlink: bool = False
    mtu: int = 0
    mtu_lock: bool = False
    metrics: tuple[tuple[str, int], ...] = ()
    """Other metrics by iproute2 name, such as ("advmss", 1400)."""
    nexthops: tuple[NextHop, ...] = ()
    unapplied: tuple[tuple[str, str], ...] = ()
    """Words that hatui reads and does not carry out, with their values, such as ("encap", "ip dst 192.0.2.1")."""
    track: bool = True
    track_group: str = ""
    text: str = ""
    """The line as written, for messages."""

    def may_lead_over(self, interface: str) -> bool:
        """Whether it leads over an interface, or may do so: the kernel chooses one where none is named."""
        ways: tuple[Route | NextHop, ...] = self.nexthops or (self,)
        return any(way.interface == interface if way.interface else bool(way.via) for way in ways)


class Rule(Model, frozen=True):
    """One line of virtual_rules or static_rules."""

    family: int
    preference: int
    source: str = ""
    destination: str = ""
    table: int = 0
    action: str = "lookup"
    """lookup, goto, nop, blackhole, unreachable, prohibit."""
    goto: int = 0
    invert: bool = False
    tos: int = 0
    fwmark: int = 0
    fwmask: int = 0xFFFFFFFF
    iif: str = ""
    oif: str = ""
    suppress_prefixlength: int | None = None
    ipproto: int = 0
    sport: tuple[int, int] | None = None
    dport: tuple[int, int] | None = None
    uidrange: tuple[int, int] | None = None
    l3mdev: bool = False
    protocol: int = 18
    track: bool = True
    track_group: str = ""
    text: str = ""


class Command(Model, frozen=True):
    """A program to run: notify scripts, track scripts, fifo scripts."""

    argv: tuple[str, ...]
    user: str = ""
    """Empty: script_user, else keepalived_script if it exists, else our own."""
    group: str = ""


class Script(Model, frozen=True):
    """One vrrp_script block."""

    name: str
    command: Command
    interval: int = NS_PER_S
    """ns between starts."""
    timeout: int = NS_PER_S
    """ns; SIGTERM at it, SIGKILL two seconds later. Default: the interval."""
    weight: int = 0
    """-253..253; 0 means that failure is FAULT."""
    reverse: bool = False
    rise: int = 1
    fall: int = 1
    init_fail: bool = False


class TrackedProcess(Model, frozen=True):
    """One vrrp_track_process block."""

    name: str
    argv: tuple[str, ...]
    param_match: str = ""
    """"" (exact), "initial" or "partial"."""
    full_command: bool = False
    weight: int = 0
    reverse: bool = False
    quorum: int = 1
    quorum_max: int | None = None
    fork_delay: int = 0
    terminate_delay: int = 0


class TrackedFile(Model, frozen=True):
    """One track_file (or vrrp_track_file) block."""

    name: str
    path: str
    weight: int = 1
    reverse: bool = False
    init_value: int | None = None
    init_overwrite: bool = False


class BfdSession(Model, frozen=True):
    """One bfd_instance block. Source: keepalived.conf(5) bfd_instance; RFC 5880 6.8.1."""

    name: str
    neighbour: str
    source: str = ""
    min_rx: int = 10_000_000
    """ns between packets that it can take."""
    min_tx: int = 10_000_000
    """ns between packets that it wants to send."""
    idle_tx: int = NS_PER_S
    """ns between packets while the session is down."""
    multiplier: int = 5
    """1..255 packets that may be lost."""
    passive: bool = False
    ttl: int = 255
    """1..255; 64 for IPv6 unless given."""
    max_hops: int = 0
    """0..ttl; that of the TTL does not look."""
    weight: int = 0
    """-253..253; 0 means that failure is FAULT."""
    reverse: bool = False
    tells_vrrp: bool = True
    tells_checkers: bool = True


class Track(Model, frozen=True):
    """One line of a track_* block: what an instance or group watches, its weight already resolved."""

    name: str
    """Script, process, file or BFD name; interface name for track_interface."""
    weight: int = 0
    """-254..254; 0 means that failure is FAULT."""
    reverse: bool = False


class Tracking(Model, frozen=True):
    """All that an instance (its sync group's tracks merged in by build.py) watches."""

    scripts: tuple[Track, ...] = ()
    interfaces: tuple[Track, ...] = ()
    processes: tuple[Track, ...] = ()
    files: tuple[Track, ...] = ()
    bfd: tuple[Track, ...] = ()


class Authentication(Model, frozen=True):
    """The authentication block. Source: RFC 2338 5.3.6; keepalived.conf(5) authentication."""

    kind: str = "none"
    """none, pass or ah."""
    key: bytes = b""
    """Exactly 8 octets, zero padded, or empty for none."""

    def __repr__(self) -> str:  # a password never reaches a log or a traceback
        return f"Authentication(kind={self.kind!r}, key=<secret>)"


class HmacKey(Model, frozen=True):
    """One key of auth_hmac."""

    key_id: int
    """1..255"""
    key: bytes
    """32..64 octets."""

    def __repr__(self) -> str:
        return f"HmacKey(key_id={self.key_id}, key=<secret>)"


class AuthHmac(Model, frozen=True):
    """The auth_hmac block (newer keepalived)."""

    keys: tuple[HmacKey, ...] = ()
    active_key: int = 0
    mode: str = "enforce"
    """receive-only, permissive or enforce."""
    time_window: int = 0
    """ns; 0 means max(3 x interval, 5 s)."""

    def window(self, advert_interval: int) -> int:
        """ns that a time stamp may be apart from our clock."""
        return self.time_window or max(3 * advert_interval, 5 * NS_PER_S)


class Vmac(Model, frozen=True):
    """use_vmac and its words."""

    name: str = ""
    """Interface name; empty means vrrp.VRID (vrrp6.VRID where IPv4 holds that name)."""
    mac: str = ""
    """Empty means 00:00:5e:00:01:VRID, 02 for IPv6."""
    xmit_base: bool = False


class UnicastPeer(Model, frozen=True):
    """One line of unicast_peer."""

    address: str
    min_ttl: int | None = None
    max_ttl: int | None = None


class Announce(Model, frozen=True):
    """Timing of gratuitous ARP and unsolicited NA; all resolved from global and instance keywords."""

    master_delay: int = 5 * NS_PER_S
    """ns until the second burst; 0 disables it."""
    master_repeat: int = 5
    master_refresh: int = 0
    """ns between refreshes while master; 0 is off."""
    master_refresh_repeat: int = 1
    lower_prio_delay: int = 5 * NS_PER_S
    lower_prio_repeat: int = 5
    arp_interval: int = 0
    """ns between two gratuitous ARPs on one interface."""
    na_interval: int = 0


class Notify(Model, frozen=True):
    """Programs to run on a change of state."""

    master: Command | None = None
    backup: Command | None = None
    fault: Command | None = None
    stop: Command | None = None
    deleted: Command | None = None
    any: Command | None = None
    """`notify`: gets INSTANCE|GROUP, name, state, priority as further arguments."""
    master_rx_lower_pri: Command | None = None
    deleted_reported: bool = False
    """`notify_deleted` without a script: report DELETED instead of running the fault scripts."""
    smtp_alert: bool = False
    priority_changes: bool = False


class Instance(Model, frozen=True):
    """One vrrp_instance: a virtual router on one interface and family."""

    name: str
    interface: str
    vrid: int
    """1..255"""
    family: int = 4
    """4 or 6, fixed by VIP, source, peer or group address in that order."""
    version: int = 2
    """2 or 3"""
    initial_state: str = "BACKUP"
    """MASTER or BACKUP as written; MASTER gives no head start below priority 255."""
    priority: int = 100
    """1..255; 255 is the address owner."""
    advert_interval: int = NS_PER_S
    """ns; v2 whole seconds 1..255, v3 centiseconds 1..4095."""
    preempt: bool = True
    preempt_delay: int = 0
    down_timer_adverts: int = 3
    addresses: tuple[Address, ...] = ()
    """Advertised, in configured order."""
    excluded_addresses: tuple[Address, ...] = ()
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    source: str = ""
    """mcast_src_ip or unicast_src_ip; empty means the interface's first address."""
    track_source: bool = False
    group_address: str = "224.0.0.18"
    """Multicast destination (ff02::12 for IPv6)."""
    unicast: bool = False
    """True when peers are configured (or unicast_fault_no_peer without peers: then FAULT)."""
    unicast_peers: tuple[UnicastPeer, ...] = ()
    unicast_fault_no_peer: bool = False
    unicast_ttl: int = 255
    check_unicast_source: bool = False
    old_unicast_checksum: str = ""
    """"" (automatic), "force" or "never"."""
    v3_checksum_as_v2: bool = False
    authentication: Authentication = Authentication()
    auth_hmac: AuthHmac | None = None
    tracking: Tracking = Tracking()
    track_primary: bool = True
    """False with dont_track_primary."""
    announce: Announce = Announce()
    notify: Notify = Notify()
    vmac: Vmac | None = None
    accept: bool = True
    """False: packets to the VIPs are dropped unless owner. Source: RFC 9568 6.1 Accept_Mode."""
    strict: bool = False
    skip_check_adv_addr: bool = False
    lower_prio_no_advert: bool = False
    higher_prio_send_advert: bool = False
    owner_ignore_adverts: bool = False
    promote_secondaries: bool = False
    sync_group: str = ""
    file: str = ""
    """File and line of the block, for messages."""
    line: int = 0

    @property
    def owner(self) -> bool:
        """The address owner: priority 255, ignores weights, preempts always."""
        return self.priority == 255

    @property
    def key(self) -> tuple[str, int, int]:
        """What makes it the same virtual router over a reload: interface, family, VRID (never its name)."""
        return (self.interface, self.family, self.vrid)


class SyncGroup(Model, frozen=True):
    """One vrrp_sync_group."""

    name: str
    members: tuple[str, ...]
    tracking_weight: bool = False
    """sync_group_tracking_weight: keep weighted tracking inside the group."""
    notify: Notify = Notify()


class Fifo(Model, frozen=True):
    """notify_fifo and its script."""

    path: str
    user: str = ""
    group: str = ""
    script: Command | None = None


class Globals(Model, frozen=True):
    """global_defs as far as hatui gives it an effect."""

    router_id: str = ""
    """Empty means the host name; core fills it in."""
    notification_email: tuple[str, ...] = ()
    notification_email_from: str = ""
    smtp_server: str = ""
    smtp_port: int = 25
    smtp_helo_name: str = ""
    smtp_connect_timeout: int = 30 * NS_PER_S
    enable_traps: bool = False
    skip_check_adv_addr: bool = False
    strict: bool = False
    garp_interval: int = 0
    gna_interval: int = 0
    startup_delay: int = 0
    delay_after_boot: int = 0
    rt_priority: int = 0
    """0 is off; 1..99 SCHED_RR."""
    vrrp_priority: int = 0
    """Nice value -20..19."""
    no_swap: bool = False
    rx_buffer_bytes: int = 0
    script_user: str = ""
    script_group: str = ""
    script_security: bool = False
    fifo: Fifo | None = None
    vrrp_fifo: Fifo | None = None
    fifo_write_states_on_reload: bool = False
    dynamic_interfaces: bool = False
    allow_if_changes: bool = False
    log_unknown_vrids: bool = False
    use_nftables: str = "keepalived"
    """Table name for no_accept."""
    state_dump_file: str = ""
    """Where SIGUSR1 writes; empty: keepalived's name in the temporary directory."""
    stats_dump_file: str = ""
    json_dump_file: str = ""
    json_version: int = 1
    """1: an array of instances; 2: an object of arrays."""
    reload_check_config: bool = True
    """Always true in effect: hatui never loads what it has not checked."""


class Config(Model, frozen=True):
    """A whole configuration, checked and resolved."""

    globals: Globals = Globals()
    instances: tuple[Instance, ...] = ()
    groups: tuple[SyncGroup, ...] = ()
    scripts: tuple[Script, ...] = ()
    processes: tuple[TrackedProcess, ...] = ()
    files: tuple[TrackedFile, ...] = ()
    bfd: tuple[BfdSession, ...] = ()
    static_addresses: tuple[Address, ...] = ()
    static_routes: tuple[Route, ...] = ()
    static_rules: tuple[Rule, ...] = ()
    track_groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(track group, instance names)"""
    without_effect: tuple[tuple[str, str], ...] = ()
    """(what is read and does nothing in hatui, such as "virtual_server 10.0.0.1 80", digest of its text)"""
    sources: tuple[str, ...] = ()
    """Absolute paths of every file that was read, the main file first; core watches them."""
    fingerprint: str = ""
    """Hex digest of the resolved content without names of files: equal on two nodes means equal meaning."""

    def effective(self) -> Config:
        """The same without what is only kept to say that it changed: for the process that runs it."""
        return msgspec.structs.replace(self, without_effect=())

    def instance(self, name: str) -> Instance | None:
        """The instance of that name, or None."""
        return next((one for one in self.instances if one.name == name), None)
