"""The virtual servers of a configuration that was read: `load_balancing(loaded.statements)`.

Invariant: made anew from the expanded tree whenever somebody asks, never at `build.load`; reports nothing, since
`servers.py` has said what is wrong. Every default and inheritance is that of keepalived 2.2.7, whose dump it is
compared with. Source: keepalived.conf(5) virtual_server.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from typing import Any

from engine.config import values
from engine.config.context import Values
from engine.config.expand import Statement
from engine.config.lvs_checks import Checks, Server, account
from engine.config.lvs_globals import global_settings
from engine.config.lvs_lines import Lines
from engine.config.model import NS_PER_S, Command
from engine.config.model_lvs import (
    Forwarding,
    GroupEntry,
    LoadBalancing,
    RealServer,
    ServerGroup,
    SorryServer,
    TlsClient,
    VirtualServer,
)

SERVICE = ("virtual_server",)
SERVER = ("virtual_server", "real_server")
_FLAGS = {"hashed", "ops", "flag-1", "flag-2", "flag-3", "sh-port", "sh-fallback", "mh-port", "mh-fallback"}
_TWINS = {"lvs_sched": "lb_algo", "lvs_method": "lb_kind"}
_PERSISTENCE_S = 360
_CONNECT_TIMEOUT = 5 * NS_PER_S
_DELAY_LOOP = 60 * NS_PER_S


def load_balancing(statements: Iterable[Statement]) -> LoadBalancing:
    """Everything about virtual servers in an expanded tree (`Loaded.statements`)."""
    statements = list(statements)
    reader = _Reader(Lines(), statements)
    services = [reader.service(one) for one in statements if one.keyword == "virtual_server"]
    return LoadBalancing(
        globals=global_settings(reader.lines, statements),
        services=tuple(one for one in services if one is not None),
        groups=tuple(reader.groups.values()),
        tls=reader.tls(),
    )


def forwarding(statement: Statement, method: str) -> Forwarding:
    """lvs_method and what stands behind it."""
    if method != "TUN":
        return Forwarding(method=method)
    words = [word.value for word in statement.arguments[1:]]
    kind, port, checksum = "ipip", 0, ""
    for word, behind in zip(words, [*words[1:], ""], strict=False):
        if word == "type":
            kind = behind
        elif word == "port":
            port = values.integer(behind) or 0
        elif word in ("csum", "remcsum", "nocsum"):
            checksum = word.removeprefix("nocsum")
    fits = (
        (kind == "gue") == bool(port) and not (checksum and kind == "ipip") and (checksum, kind) != ("remcsum", "gre")
    )
    if kind not in ("ipip", "gue", "gre") or not fits:
        return Forwarding(method="TUN", tunnel="ipip")
    return Forwarding(method="TUN", tunnel=kind, port=port, checksum=checksum)


def _last(first: str, end: str) -> str | None:
    """The last address of FIRST-END, where END is an address or the last part of one."""
    whole = values.address(end)
    if whole is None:
        six = ":" in first
        number = re.fullmatch(r"[0-9a-fA-F]{1,4}" if six else r"[0-9]{1,3}", end)
        if number is None:
            return None
        mark = ":" if six else "."
        whole = values.address(ipaddress.ip_address(first).exploded.rpartition(mark)[0] + mark + end)
    if whole is None or values.family(whole) != values.family(first):
        return None
    return whole if int(ipaddress.ip_address(whole)) > int(ipaddress.ip_address(first)) else None


def _entry(line: Statement, lines: Lines) -> GroupEntry | None:
    """One line of a virtual_server_group; None where keepalived leaves it out."""
    if line.keyword == "fwmark":
        row = lines.table.get(("virtual_server_group",), "fwmark")
        given = lines.values(line, row) if row is not None else None
        if given is None:
            return None
        family = {"inet": 4, "inet6": 6, None: None}[given[1]]
        return GroupEntry(mark=given[0], family=family)
    text = line.words[0].value
    port = values.integer(line.words[1].value) if len(line.words) > 1 else 0
    if port is None or not 0 <= port <= 65535:
        return None
    name, dash, end = text.partition("-")
    plain, slash, _length = name.partition("/")
    first = values.address(plain)
    if first is None:
        return None
    last: str | None = first
    if slash:
        whole = values.network(name)
        if whole is None:
            return None
        block = ipaddress.ip_network(name, strict=False)
        first, last = str(block[0]), str(block[-1])
    elif dash:
        last = _last(first, end)
    if last is None:
        return None
    return GroupEntry(first=first, last=last, port=port, family=values.family(first))


class _Reader:
    """Reads the blocks with what is global for them."""

    def __init__(self, lines: Lines, statements: list[Statement]) -> None:
        self.lines, self.statements = lines, statements
        self.globals: dict[str, Any] = {}
        for block in statements:
            if block.keyword == "global_defs":
                for statement, _row, given in lines.of(block, ("global_defs",)):
                    self.globals[statement.keyword] = given[0] if given else True
        self.groups = {one.name: one for one in self._groups()}
        self.files = {name: (weight, reverse) for name, weight, reverse in self._files()}
        self.sessions = {one.name for one in statements if one.keyword == "bfd_instance"}
        self.checks = Checks(lines, self.user, self.switch("checker_log_all_failures"), self.files, self.sessions)

    @property
    def user(self) -> tuple[str, str]:
        """script_user."""
        found: tuple[str, str] = self.globals.get("script_user", ("", ""))
        return found

    def switch(self, keyword: str) -> bool:
        """A boolean that means on when it stands alone, off when it is not there."""
        return keyword in self.globals and self.globals[keyword] is not False

    def smtp_alert(self, given: dict[str, Values], *, default: bool) -> bool:
        """Its own setting, else smtp_alert_checker, else smtp_alert, else the default of its kind."""
        for found in (given, self.globals):
            for keyword in ("smtp_alert",) if found is given else ("smtp_alert_checker", "smtp_alert"):
                if keyword in found:
                    value = found[keyword]
                    return (value[0] if isinstance(value, tuple) else value) is not False
        return default

    def _groups(self) -> Iterator[ServerGroup]:
        for block in self.statements:
            if block.keyword == "virtual_server_group" and block.children:
                found = [_entry(line, self.lines) for line in block.children]
                yield ServerGroup(name=block.name, entries=tuple(one for one in found if one is not None))

    def _files(self) -> Iterator[tuple[str, int, bool]]:
        for block in self.statements:
            if block.keyword in ("track_file", "vrrp_track_file"):
                weight, reverse = 1, False
                for statement, _row, given in self.lines.of(block, (block.keyword,)):
                    if statement.keyword == "weight":
                        weight, reverse = given[0], given[1] == "reverse"
                yield block.name, weight, reverse

    def tls(self) -> TlsClient | None:
        """The SSL block."""
        blocks = [one for one in self.statements if one.keyword == "SSL"]
        given = {one.keyword: values_[0] for block in blocks for one, _row, values_ in self.lines.of(block, ("SSL",))}
        return TlsClient(**given) if blocks else None

    def command(self, given: dict[str, Values], keyword: str) -> Command | None:
        """A script with its account."""
        found: Command | None = given[keyword][0] if keyword in given else None
        return account(found, self.user) if found is not None else None

    def service(self, block: Statement) -> VirtualServer | None:
        """One virtual_server; None where keepalived leaves it out."""
        given: dict[str, Values] = {}
        flags: set[str] = set()
        kind = Forwarding()
        sorry: dict[str, Any] | None = None
        servers: list[tuple[Statement, int]] = []
        scheduler = "wlc"
        for statement, row, found in self.lines.of(block, SERVICE):
            keyword = _TWINS.get(row.name, row.name)
            if keyword == "real_server":
                servers.append((statement, given.get("connect_timeout", (_CONNECT_TIMEOUT,))[0]))
            elif keyword == "lb_algo":
                scheduler = found[0]
            elif keyword == "lb_kind":
                kind = forwarding(statement, found[0])
            elif keyword in _FLAGS:
                if keyword[:3] not in ("sh-", "mh-") or scheduler == keyword[:2]:
                    flags.add(keyword)
            elif keyword == "sorry_server":
                sorry = {"address": found[0], "port": found[1] or 0}
            elif keyword == "sorry_server_inhibit" and sorry is not None:
                sorry["inhibit_on_failure"] = True
            elif keyword == "sorry_server_lvs_method" and sorry is not None:
                sorry["forwarding"] = forwarding(statement, found[0])
            elif keyword.startswith("quorum_"):
                given.setdefault(keyword, found)
            else:
                given[keyword] = found
        return self._resolved(block, given, frozenset(flags), scheduler, kind, sorry, servers)

    def _resolved(
        self,
        block: Statement,
        given: dict[str, Values],
        flags: frozenset[str],
        scheduler: str,
        kind: Forwarding,
        sorry: dict[str, Any] | None,
        blocks: list[tuple[Statement, int]],
    ) -> VirtualServer | None:
        head = self._head(block, given, [one for one, _timeout in blocks])
        if head is None:
            return None

        def first(keyword: str, default: Any = None) -> Any:
            return given[keyword][0] if keyword in given else default

        fields: dict[str, Any] = {
            "connect_timeout": first("connect_timeout", _CONNECT_TIMEOUT),
            "delay_loop": first("delay_loop", _DELAY_LOOP),
            "retry": first("retry"),
            "delay_before_retry": first("delay_before_retry"),
            "warmup": first("warmup"),
            "alpha": "alpha" in given,
            "inhibit_on_failure": "inhibit_on_failure" in given,
        }
        port = None if head.get("group") else head.get("port", 0)
        servers: dict[tuple[str, int], RealServer] = {}
        for one, above in blocks:
            found = self.draft(one, fields, kind, first("weight", 1), port, above)
            if found is not None and (values.family(found.address) == head["family"] or found.forwarding.tunnel):
                servers.setdefault((found.address, found.port), found)
        if not servers:
            return None
        if sorry is not None:
            sorry.setdefault("forwarding", kind)
            if sorry["forwarding"].method != "NAT" and port is not None:
                sorry["port"] = port
            if values.family(sorry["address"]) != head["family"] and not sorry["forwarding"].tunnel:
                sorry = None
        weight = sum(one.weight for one in servers.values())
        quorum = min(first("quorum", 1), weight)
        hysteresis = first("hysteresis", 0)
        protocol = head.pop("protocol")
        if protocol != "UDP":
            flags -= {"ops"}
        persistence = given.get("persistence_timeout")
        granularity = first("persistence_granularity", "")
        if head["family"] == 4 and granularity.isdecimal():
            granularity = str(ipaddress.IPv4Address(int(granularity)))
        timeout_s = (persistence[0] or _PERSISTENCE_S) if persistence is not None else 0
        if not timeout_s and (granularity or head.pop("every_port")):
            timeout_s = _PERSISTENCE_S
        head.pop("every_port", None)
        return VirtualServer(
            **head,
            **fields,
            protocol=protocol,
            scheduler=scheduler,
            flags=flags,
            forwarding=kind,
            persistence_engine=first("persistence_engine", ""),
            persistence_timeout=timeout_s * NS_PER_S,
            persistence_granularity=granularity,
            omega="omega" in given,
            ha_suspend="ha_suspend" in given,
            smtp_alert=self.smtp_alert(given, default=False),
            quorum=quorum,
            hysteresis=hysteresis if hysteresis < quorum else max(quorum - 1, 0),
            quorum_up=self.command(given, "quorum_up"),
            quorum_down=self.command(given, "quorum_down"),
            virtual_host=first("virtualhost", ""),
            snmp_name=first("snmp_name", ""),
            sorry_server=SorryServer(**sorry) if sorry is not None else None,
            servers=tuple(servers.values()),
        )

    def _head(self, block: Statement, given: dict[str, Values], blocks: list[Statement]) -> dict[str, Any] | None:
        """What tells the service from others: address and port, mark, or group; its family and protocol."""
        asked = {"inet": 4, "inet6": 6}.get(given["ip_family"][0]) if "ip_family" in given else None
        protocol = given["protocol"][0] if "protocol" in given else "UDP"
        behind = block.arguments[1].value if len(block.arguments) > 1 else ""
        of_servers = next((values.family(found) for one in blocks if (found := _address(one))), 4)
        if block.name == "fwmark":
            mark = values.integer(behind)
            if mark is None or not 0 <= mark <= 0xFFFFFFFF:
                return None
            return {"mark": mark, "family": asked or of_servers, "protocol": "", "every_port": False}
        if block.name == "group":
            group = self.groups.get(behind)
            if group is None or (group.has_family(4) and group.has_family(6)):
                return None
            plain = [one for one in group.entries if one.first]
            bound = next((one.family for one in group.entries if one.family), None)
            return {
                "group": behind,
                "family": bound or asked or of_servers,
                "protocol": protocol if plain else "",
                "every_port": any(not one.port for one in plain),
            }
        address = _address(block)
        port = values.integer(behind or "0")
        if address is None or port is None or not 0 <= port <= 65535:
            return None
        return {
            "address": address,
            "port": port,
            "family": values.family(address),
            "protocol": protocol,
            "every_port": not port,
        }

    def draft(
        self, block: Statement, service: dict[str, Any], kind: Forwarding, weight: int, port: int | None, above: int
    ) -> RealServer | None:
        """One real_server of a service with that port, None for a group; `above` is the connect_timeout of the
        service as far as it stands above the server."""
        given: dict[str, Values] = {}
        checkers: list[tuple[Statement, int]] = []
        for statement, row, found in self.lines.of(block, SERVER):
            if row.opens:
                checkers.append((statement, given.get("connect_timeout", (above,))[0]))
            elif row.name == "lvs_method":
                kind = forwarding(statement, found[0])
            elif row.name.startswith("notify_"):
                given.setdefault(row.name, found)
            else:
                given[row.name] = found
        address = _address(block)
        if address is None:
            return None

        def first(keyword: str, default: Any = None) -> Any:
            return given[keyword][0] if keyword in given else default

        def switch(keyword: str) -> bool:
            return given[keyword][0] is not False if keyword in given else bool(service[keyword])

        own = (values.integer(block.arguments[1].value) if len(block.arguments) > 1 else None) or 0
        timing = {name: first(name, service[name]) for name in ("delay_loop", "retry", "delay_before_retry", "warmup")}
        place = Server(
            address=address,
            port=own,
            alpha=switch("alpha"),
            connect_timeout=first("connect_timeout", service["connect_timeout"]),
            **timing,
        )
        return RealServer(
            address=place.address,
            port=(own or port or 0) if kind.method == "NAT" or port is None else port,
            weight=first("weight", weight),
            forwarding=kind,
            alpha=place.alpha,
            inhibit_on_failure=switch("inhibit_on_failure"),
            smtp_alert=self.smtp_alert(given, default=True),
            connect_timeout=place.connect_timeout,
            **timing,
            upper_threshold=first("uthreshold", 0),
            lower_threshold=first("lthreshold", 0),
            virtual_host=first("virtualhost", ""),
            snmp_name=first("snmp_name", ""),
            notify_up=self.command(given, "notify_up"),
            notify_down=self.command(given, "notify_down"),
            checks=self.checks.of(checkers, place),
        )


def _address(block: Statement) -> str | None:
    """The address behind the keyword of a block."""
    return values.address(values.without_tail(block.name))
