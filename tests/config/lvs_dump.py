"""The model of virtual servers as keepalived writes it into keepalived_check.data, and that file in parts.

Invariant: `written` and `parts` have the same shape, so that equal values make equal parts: {title: lines}.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.config.model import NS_PER_S, Command
from engine.config.model_lvs import (
    BfdDetail,
    Check,
    Connection,
    DnsDetail,
    FileDetail,
    Forwarding,
    HttpDetail,
    LoadBalancing,
    MiscDetail,
    Page,
    RealServer,
    ServerGroup,
    SmtpDetail,
    UdpDetail,
    VirtualServer,
)

Parts = dict[str, list[str]]
IGNORED = re.compile(
    r"Regex ref count|Reloaded = |System is compiled|"
    r"(Delay loop|Warmup|Retries|Delay before retry) = (4294967295|18446744073709551615 us)$"
)
_IDS = {"root": "0", "daemon": "1", "": "0"}


def parts(text: str) -> Parts:
    """A dump as its parts: groups, services, servers, checkers, each under a title of its own."""
    found: Parts = {}
    lines: list[str] = []
    service = checked = ""
    for line in text.splitlines():
        word = line.strip()
        if word.startswith("------<"):
            checked = word
            continue
        if checked.startswith("------< Checker track"):
            continue
        if line.startswith((" VS ", " Virtual Server Group = ")):
            service = word
            lines = _new(found, word)
        elif line.startswith("   RIP = "):
            lines = _new(found, f"{service} | {word.partition(',')[0]}")
            lines.append(word)
        elif checked == "------< Health checkers >------" and line.startswith(" ") and line[1] != " ":
            lines = _new(found, f"check {word}")
        elif not IGNORED.match(word):
            lines.append(word)
    numbered: Parts = {}
    for title, one in found.items():
        kind = next((line.split()[3].rstrip(",") for line in one if line.startswith("Keepalive method")), "")
        _new(numbered, f"{title.partition(' #')[0]} {kind}".strip()).extend(_plain(one, kind))
    return numbered


def _plain(lines: list[str], kind: str) -> Iterator[str]:
    """Lines without what the dump tells otherwise than it is, or tells in two ways."""
    delay = next((line.split()[3] for line in lines if line.startswith("Delay loop")), "")
    for line in lines:
        if kind == "BFD_CHECK" and line.startswith("Alpha = "):
            continue  # its own Alpha comes below
        if kind == "MISC_CHECK" and line.startswith("timeout = ") and f"{line.split()[2]}000000" == delay:
            yield "timeout = 0"  # until the next check
        elif line.startswith("Regex options:"):
            yield "Regex options" if len(line.split()) > 2 else "No regex options"  # it lists all when there is one
        else:
            # "default" is left out for some tunnels; 0x7: none of its own, as each server has one
            yield line.removeprefix("default ").replace("method =  0x7", "method = NAT")


def _new(into: Parts, title: str) -> list[str]:
    number = sum(1 for one in into if one.partition(" #")[0] == title)
    lines: list[str] = []
    into[f"{title} #{number}"] = lines
    return lines


def _seconds(ns: int) -> str:
    return f"{ns / NS_PER_S:.6f}"


def _us(ns: int) -> str:
    return f"{ns // 1000} us"


def _switch(*, on: bool) -> str:
    return "ON" if on else "OFF"


def _script(title: str, command: Command | None) -> Iterator[str]:
    if command is not None:
        argv = " ".join(f"'{word}'" for word in command.argv).replace("'/bin/", "'/usr/bin/")
        group = command.group or command.user
        yield f"{title} notify script = {argv}, uid:gid {_IDS[command.user]}:{_IDS[group]}"


def _forwarding(one: Forwarding) -> str:
    if one.method != "TUN":
        return one.method
    port = f", port = {one.port}" if one.tunnel == "gue" else ""
    checksum = {"csum": ", checksum", "remcsum": ", remote checksum", "": ", no checksum"}[one.checksum]
    return f"TUN, type = {one.tunnel.upper()}{port}{checksum if one.tunnel != 'ipip' else ''}"


def _group(one: ServerGroup) -> Iterator[str]:
    for entry in one.entries:
        family = {4: " IPv4", 6: " IPv6", None: ""}[entry.family]
        if not entry.first:
            yield f"FWMARK = {entry.mark}{family}"
        elif entry.first == entry.last:
            yield f"VIP = {entry.first}, VPORT = {entry.port}"
        else:
            yield f"VIP Range = {entry.first}-{entry.last}, VPORT = {entry.port}"


def _inherited(retry: int | None, pause: int | None, warmup: int | None) -> Iterator[str]:
    if retry is not None:
        yield f"Retry count = {retry}"
    if pause is not None:
        yield f"Retry delay = {_seconds(pause)}"
    if warmup is not None:
        yield f"Warmup = {_seconds(warmup)}"


def _service(one: VirtualServer) -> Iterator[str]:
    yield f"Address family = {'inet' if one.family == 4 else 'inet6'}"
    yield f"connection timeout = {_seconds(one.connect_timeout)}"
    yield f"delay_loop = {_seconds(one.delay_loop)}"
    yield f"lvs_sched = {one.scheduler}"
    kind = one.scheduler if one.scheduler in ("sh", "mh") else ""
    named = (f"{kind}-port", f"{kind}-fallback") if kind else ("flag-1", "flag-2", "flag-3")
    for title, word in (("Hashed", "hashed"), ("One packet scheduling", "ops"), *((word, word) for word in named)):
        yield f"{title} = {'enabled' if word in one.flags else 'disabled'}"
    if one.persistence_timeout:
        yield f"persistence timeout = {one.persistence_timeout // NS_PER_S}"
    if one.persistence_granularity:
        yield f"persistence granularity = {one.persistence_granularity}"
    yield f"protocol = {one.protocol or 'none'}"
    yield f"alpha is {_switch(on=one.alpha)}"
    yield f"omega is {_switch(on=one.omega)}"
    yield f"Inhibit on failure is {_switch(on=one.inhibit_on_failure)}"
    yield f"quorum = {one.quorum}, hysteresis = {one.hysteresis}"
    yield f"Using smtp notification = {'yes' if one.smtp_alert else 'no'}"
    yield f"forwarding method = {_forwarding(one.forwarding)}"
    yield from _inherited(one.retry, one.delay_before_retry, one.warmup)
    if one.virtual_host:
        yield f"VirtualHost = {one.virtual_host}"
    if one.snmp_name:
        yield f"SNMP name = '{one.snmp_name}'"
    if one.ha_suspend:
        yield "Using HA suspend"
    yield from _script("Quorum up", one.quorum_up)
    yield from _script("Quorum down", one.quorum_down)
    sorry = one.sorry_server
    if sorry is not None:
        yield f"sorry server = [{sorry.address}]:{one.protocol.lower() or 'none'}:{sorry.port}"
        yield f"forwarding method = {_forwarding(sorry.forwarding)}"
        yield f"Inhibit on failure is {_switch(on=sorry.inhibit_on_failure)}"


def _server(one: RealServer) -> Iterator[str]:
    yield f"RIP = {one.address}, RPORT = {one.port}, WEIGHT = {one.weight} EFF WEIGHT = {one.weight}"
    yield f"forwarding method = {_forwarding(one.forwarding)}"
    yield f"Alpha is {_switch(on=one.alpha)}"
    yield f"connection timeout = {_seconds(one.connect_timeout)}"
    yield f"connection limit range = {one.lower_threshold} -> {one.upper_threshold}"
    yield f"Delay loop = {_seconds(one.delay_loop)}"
    yield f"Inhibit on failure is {_switch(on=one.inhibit_on_failure)}"
    yield f"Using smtp notification = {'yes' if one.smtp_alert else 'no'}"
    yield f"initial weight = {one.weight}"
    yield from _inherited(one.retry, one.delay_before_retry, one.warmup)
    if one.virtual_host:
        yield f"VirtualHost = '{one.virtual_host}'"
    if one.snmp_name:
        yield f"SNMP name = {one.snmp_name}"
    yield from _script("RS up", one.notify_up)
    yield from _script("RS down", one.notify_down)
    files = [check.detail for check in one.checks if isinstance(check.detail, FileDetail)]
    if files:
        yield "Tracked Files"
    for file in files:
        yield f"{file.file}, weight {file.weight}{' reverse' if file.reverse else ''}"
    sessions = [check.detail for check in one.checks if isinstance(check.detail, BfdDetail)]
    if sessions:
        yield "Tracked BFDs"
    yield from (session.session for session in sessions)


def _connection(one: Connection) -> Iterator[str]:
    yield "Connection"
    yield f"Dest = [{one.address}]:{one.port}"
    if one.bind_address:
        yield f"Bind to = [{one.bind_address}]:{one.bind_port}"
    if one.bind_interface:
        yield f"Bind i/f = {one.bind_interface}"
    if one.mark:
        yield f"Mark = {one.mark}"
    yield f"Timeout = {_seconds(one.timeout)}"


def _page(one: Page) -> Iterator[str]:
    yield f"Checked url = {one.path}"
    if one.digest:
        yield f"digest = {one.digest}"
    yield "HTTP Status Code(s)"
    yield from (str(first) if first == last else f"{first}-{last}" for first, last in one.status_codes)
    if one.virtual_host:
        yield f"Virtual host = {one.virtual_host}"
    if one.regex:
        yield f'Regex = "{one.regex}"'
        if one.regex_no_match:
            yield "Regex no match"
        if one.regex_min_offset or one.regex_max_offset is not None:
            last = f", max_offset = {one.regex_max_offset}" if one.regex_max_offset is not None else ""
            yield f"Regex min offset = {one.regex_min_offset}{last}"
        yield "Regex options" if one.regex_options else "No regex options"
        if one.regex_stack:
            yield f"Regex stack start {one.regex_stack[0]}, max {one.regex_stack[1]}"


def _detail(one: Check) -> Iterator[str]:
    kind, detail = one.kind, one.detail
    protocol = f", http protocol {detail.protocol}" if isinstance(detail, HttpDetail) else ""
    yield f"Keepalive method = {kind}{protocol}"
    match detail:
        case HttpDetail():
            if detail.virtual_host:
                yield f"Virtualhost = {detail.virtual_host}"
            yield f"Enable SNI {'set' if detail.enable_sni else 'unset'}"
            yield f"Fast recovery {'set' if detail.fast_recovery else 'unset'}"
            for page in detail.pages:
                yield from _page(page)
        case SmtpDetail():
            yield f"helo = {detail.helo_name}"
        case DnsDetail():
            yield f"Type = {detail.record_type}"
            yield f"Name = {detail.name.rstrip('.')}".rstrip()
        case UdpDetail():
            size = f"len = {len(detail.payload)}" if detail.payload is not None else "specified = no"
            yield f"Payload {size}"
            yield f"Require reply = {'yes' if detail.require_reply else 'no'}"
            if detail.require_reply:
                yield f"Min reply length = {detail.min_reply_length}"
                yield f"Max reply length = {detail.max_reply_length}"
                yield f"Reply data len = {len(detail.reply)}"
                if detail.reply:
                    yield f"Reply data mask = {'yes' if detail.reply_mask else 'no'}"
        case MiscDetail():
            yield "script = " + " ".join(f"'{word}'" for word in detail.command.argv).replace("'/bin/", "'/usr/bin/")
            whole = one.timing is not None and detail.timeout == one.timing.delay_loop
            yield f"timeout = {0 if whole else detail.timeout // NS_PER_S}"
            yield f"dynamic = {'YES' if detail.dynamic else 'NO'}"
            group = detail.command.group or detail.command.user
            yield f"uid:gid = {_IDS[detail.command.user]}:{_IDS[group]}"
        case BfdDetail():
            yield f"Name = {detail.session}"
            yield f"Alpha is {_switch(on=one.alpha)}"
        case FileDetail():
            yield f"Tracked file = {detail.file}"


def _check(one: Check) -> Iterator[str]:
    if one.timing is not None:
        yield f"Alpha = {'yes' if one.alpha else 'no'}"
        yield f"Delay loop = {_us(one.timing.delay_loop)}"
        yield f"Warmup = {_us(one.timing.warmup)}"
        yield f"Retries = {one.timing.retry}"
        if one.timing.retry:
            yield f"Delay before retry = {_us(one.timing.delay_before_retry)}"
    yield f"Log all failures = {'yes' if one.log_all_failures else 'no'}"
    if one.connection is not None:
        yield from _connection(one.connection)
    yield from _detail(one)


def written(model: LoadBalancing) -> Parts:
    """The model in keepalived's words."""
    found: Parts = {}
    for group in model.groups:
        families = ", ".join(f"IPv{one} = {'yes' if group.has_family(one) else 'no'}" for one in (4, 6))
        _new(found, f"Virtual Server Group = {group.name}, {families}").extend(_group(group))
    uses: dict[str, int] = {}
    for service in model.services:
        title = f"VS VIP = {service.address}, VPORT = {service.port}"
        where = f"[{service.address}]:{service.protocol.lower()}:{service.port}"
        if service.mark:
            title, where = f"VS FWMARK = {service.mark}", f"FWM {service.mark}"
        if service.group:
            number = uses.get(service.group, 0)
            uses[service.group] = number + 1
            where = f"[{service.group}]:{number}"
            title = f"VS GROUP = {where}"
        _new(found, title).extend(_service(service))
        for server in service.servers:
            _new(found, f"{title} | RIP = {server.address}").extend(_server(server))
            there = f"[{server.address}]:{service.protocol.lower() or 'none'}:{server.port}"
            for check in server.checks:
                _new(found, f"check {where} -> {there} {check.kind}").extend(_check(check))
    return found
