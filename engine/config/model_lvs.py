"""The virtual servers of a configuration: resolved, typed, frozen, as keepalived 2.2.7 would run them.

Invariant: `lvs.load_balancing` makes it on demand from the expanded tree; the engine's own `model.Config` does not
hold it, so no process pays for it that does not ask. Every default and inheritance has been applied, faulty lines
are left out. All durations are integer nanoseconds, addresses canonical text. Source: keepalived.conf(5).
"""

from __future__ import annotations

from engine.config.model import NS_PER_S, Command, Model


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


class LoadBalancing(Model, frozen=True):
    """Everything about virtual servers."""

    services: tuple[VirtualServer, ...] = ()
    groups: tuple[ServerGroup, ...] = ()
    tls: TlsClient | None = None
