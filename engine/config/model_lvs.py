"""The virtual servers of a configuration and their global settings: resolved, typed, frozen, as in keepalived 2.2.7.

Invariant: `lvs.load_balancing` makes it on demand from the expanded tree; the engine's own `model.Config` does not
hold it, so no process pays for it that does not ask. Every default and inheritance has been applied, faulty lines
are left out. All durations are integer nanoseconds, addresses canonical text. Source: keepalived.conf(5).
"""

from __future__ import annotations

from engine.config.model import NS_PER_S, Command, Fifo, Model


class Forwarding(Model, frozen=True):
    """lvs_method: how packets reach a server."""

    method: str = "NAT"
    """NAT, DR or TUN."""
    tunnel: str = ""
    """ipip, gue or gre; empty when it is no tunnel."""
    port: int = 0
    """1..65535 of a gue tunnel; 0 for another."""
    checksum: str = ""
    """csum, remcsum, or empty for none."""


class Timing(Model, frozen=True):
    """When a checker runs, and how often it may fail."""

    delay_loop: int
    """ns between checks."""
    warmup: int
    """ns within which the first check comes."""
    retry: int
    """Further tries before it fails."""
    delay_before_retry: int
    """ns between tries."""


class Connection(Model, frozen=True):
    """To where, and from where, a checker connects."""

    address: str
    port: int
    """0..65535; 0 where neither the checker nor the server has one."""
    timeout: int
    """ns; 0 in a host of SMTP_CHECK without connect_timeout."""
    bind_address: str = ""
    bind_port: int = 0
    """1..65535, 0 for any; counts only beside an address."""
    bind_interface: str = ""
    mark: int = 0
    """0..4294967295"""


class Page(Model, frozen=True):
    """One url of HTTP_GET or SSL_GET."""

    path: str
    digest: str = ""
    """32 hexadecimal digits in lower case."""
    status_codes: tuple[tuple[int, int], ...] = ((200, 299),)
    """First and last of each range, 100..599."""
    virtual_host: str = ""
    """Empty: that of the check."""
    regex: str = ""
    regex_no_match: bool = False
    regex_options: tuple[str, ...] = ()
    regex_min_offset: int = 0
    regex_max_offset: int | None = None
    """Octets; None is to the end."""
    regex_stack: tuple[int, int] | None = None
    """First and largest size in octets."""


class HttpDetail(Model, frozen=True):
    """What only HTTP_GET and SSL_GET have."""

    pages: tuple[Page, ...]
    protocol: str = "1.0"
    """1.0, 1.0C or 1.1."""
    virtual_host: str = ""
    """Of this check; empty: of the server, else of the service."""
    enable_sni: bool = False
    fast_recovery: bool = False


class SmtpDetail(Model, frozen=True):
    """What only SMTP_CHECK has."""

    helo_name: str = "smtpchecker.keepalived.org"


class DnsDetail(Model, frozen=True):
    """What only DNS_CHECK has."""

    record_type: str = "SOA"
    name: str = "."


class UdpDetail(Model, frozen=True):
    """What only UDP_CHECK has."""

    payload: bytes | None = None
    """None: filler of keepalived's choice."""
    require_reply: bool = False
    reply: bytes = b""
    """Empty: any."""
    reply_mask: bytes = b""
    """Bits of the reply that count; empty: all."""
    min_reply_length: int = 0
    """0..65535"""
    max_reply_length: int = 255
    """0..65535"""


class MiscDetail(Model, frozen=True):
    """What only MISC_CHECK has."""

    command: Command
    """Its user is resolved; empty means the default account for scripts."""
    timeout: int
    """ns after which the program is ended."""
    dynamic: bool = False


class BfdDetail(Model, frozen=True):
    """What only BFD_CHECK has."""

    session: str


class FileDetail(Model, frozen=True):
    """What only FILE_CHECK has."""

    file: str
    weight: int
    """-2147483647..2147483647, factor of the number in the file."""
    reverse: bool = False


Detail = HttpDetail | SmtpDetail | DnsDetail | UdpDetail | MiscDetail | BfdDetail | FileDetail


class Check(Model, frozen=True):
    """One checker of a real server."""

    kind: str
    """Its keyword, such as TCP_CHECK."""
    alpha: bool = False
    """Begins as failed."""
    log_all_failures: bool = False
    timing: Timing | None = None
    """None for those that follow something else: BFD_CHECK, FILE_CHECK."""
    connection: Connection | None = None
    """None for those that connect to nothing: MISC_CHECK, BFD_CHECK, FILE_CHECK."""
    detail: Detail | None = None
    """None for TCP_CHECK and PING_CHECK."""


class RealServer(Model, frozen=True):
    """One real_server."""

    address: str
    port: int
    """0..65535; 0 is that of the packet."""
    weight: int
    """0..2147483647"""
    forwarding: Forwarding
    alpha: bool
    inhibit_on_failure: bool
    smtp_alert: bool
    connect_timeout: int
    """ns"""
    delay_loop: int
    """ns"""
    retry: int | None = None
    """None: by checker. The same for the next two."""
    delay_before_retry: int | None = None
    """ns"""
    warmup: int | None = None
    """ns"""
    upper_threshold: int = 0
    """Connections above which it gets no new ones; 0 is no limit."""
    lower_threshold: int = 0
    """Connections below which it gets new ones again."""
    virtual_host: str = ""
    snmp_name: str = ""
    notify_up: Command | None = None
    notify_down: Command | None = None
    checks: tuple[Check, ...] = ()


class SorryServer(Model, frozen=True):
    """sorry_server."""

    address: str
    port: int
    """0..65535"""
    forwarding: Forwarding
    inhibit_on_failure: bool = False


class VirtualServer(Model, frozen=True):
    """One virtual_server."""

    address: str = ""
    """Empty when it is known by a mark or a group."""
    port: int = 0
    """0..65535; 0 is all."""
    mark: int = 0
    """fwmark 1..4294967295."""
    group: str = ""
    family: int = 4
    """4 or 6."""
    protocol: str = "UDP"
    """TCP, UDP, SCTP; empty where the packet mark alone decides."""
    scheduler: str = "wlc"
    flags: frozenset[str] = frozenset()
    """hashed, ops, flag-1, flag-2, flag-3, sh-port, sh-fallback, mh-port, mh-fallback."""
    forwarding: Forwarding = Forwarding()
    persistence_engine: str = ""
    persistence_timeout: int = 0
    """ns; 0 is none."""
    persistence_granularity: str = ""
    """Netmask (IPv4) or prefix (IPv6); empty is one client."""
    connect_timeout: int = 5 * NS_PER_S
    delay_loop: int = 60 * NS_PER_S
    retry: int | None = None
    """None: by checker. The same for the next two."""
    delay_before_retry: int | None = None
    warmup: int | None = None
    alpha: bool = False
    omega: bool = False
    inhibit_on_failure: bool = False
    ha_suspend: bool = False
    smtp_alert: bool = False
    quorum: int = 1
    """1.., at most the weight of all servers unless that is 0."""
    hysteresis: int = 0
    """0.., below the quorum."""
    quorum_up: Command | None = None
    quorum_down: Command | None = None
    virtual_host: str = ""
    snmp_name: str = ""
    sorry_server: SorryServer | None = None
    servers: tuple[RealServer, ...] = ()


class GroupEntry(Model, frozen=True):
    """One line of a virtual_server_group."""

    first: str = ""
    """First address; empty for a mark."""
    last: str = ""
    """Last address of a range; the first one where it is none."""
    port: int = 0
    """0..65535"""
    mark: int = 0
    """0..4294967295"""
    family: int | None = None
    """4 or 6 of a mark; None where the service tells."""


class ServerGroup(Model, frozen=True):
    """One virtual_server_group."""

    name: str
    entries: tuple[GroupEntry, ...] = ()

    def has_family(self, family: int) -> bool:
        """True when an entry is bound to that family."""
        return any(one.family == family for one in self.entries)


class TlsClient(Model, frozen=True):
    """SSL: what SSL_GET shows and trusts."""

    password: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""


class SyncDaemon(Model, frozen=True):
    """lvs_sync_daemon: connections of IPVS are copied to the peers."""

    interface: str
    instance: str = ""
    """VRRP instance whose state decides; empty for none."""
    id: int | None = None
    """0..255; None: the VRID of the instance."""
    max_length: int = 0
    """1..65507 octets of a packet; 0: the kernel decides."""
    port: int = 8848
    """1..65535"""
    ttl: int = 1
    """1..255"""
    group: str = "224.0.0.81"


class LvsGlobals(Model, frozen=True):
    """global_defs as far as it is about virtual servers and their checkers."""

    tcp_timeout: int = 0
    """ns; 0: the kernel's own. The same for the next two."""
    tcpfin_timeout: int = 0
    """ns"""
    udp_timeout: int = 0
    """ns"""
    flush: bool = False
    flush_on_stop: str = ""
    """all, VS (only virtual servers of this configuration), or empty for neither."""
    sync_daemon: SyncDaemon | None = None
    checker_process_name: str = ""
    """Empty: the name of the program."""
    checker_priority: int = 0
    """Nice value, -20..19."""
    checker_no_swap: bool = False
    checker_rt_priority: int = 0
    """1..99; 0 is off."""
    checker_cpu_affinity: tuple[int, ...] = ()
    """Numbers of processors, ascending; empty is all."""
    checker_rlimit_rttime: int = 10_000_000
    """ns at real-time priority without a pause."""
    smtp_alert_checker: bool | None = None
    """None: that of smtp_alert, else by kind."""
    no_checker_emails: bool = False
    checker_log_all_failures: bool = False
    fifo: Fifo | None = None
    """lvs_notify_fifo with its script; its account is resolved as that of the script."""
    netlink_cmd_rcv_bufs: int = 0
    """Octets; 0: the kernel's own. The same for the monitor."""
    netlink_cmd_rcv_bufs_force: bool = False
    netlink_monitor_rcv_bufs: int = 0
    """Octets"""
    netlink_monitor_rcv_bufs_force: bool = False
    enable_snmp_checker: bool = False


class LoadBalancing(Model, frozen=True):
    """Everything about virtual servers."""

    globals: LvsGlobals = LvsGlobals()
    services: tuple[VirtualServer, ...] = ()
    groups: tuple[ServerGroup, ...] = ()
    tls: TlsClient | None = None
