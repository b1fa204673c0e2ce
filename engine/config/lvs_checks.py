"""The checkers of a real server, with what they take over from it.

Invariant: each keyword falls back from the checker to the server (which has taken over from the service), then to
the default of its kind. Source: keepalived.conf(5) "Healthchecks", and the dump of keepalived 2.2.7.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from engine.config import values
from engine.config.context import Values
from engine.config.expand import Statement
from engine.config.lvs_lines import Lines
from engine.config.model import NS_PER_S, Command
from engine.config.model_lvs import (
    BfdDetail,
    Check,
    Connection,
    Detail,
    DnsDetail,
    FileDetail,
    HttpDetail,
    MiscDetail,
    Page,
    SmtpDetail,
    Timing,
    UdpDetail,
)

PATH = ("virtual_server", "real_server")
_RETRY = {"DNS_CHECK": 3, "MISC_CHECK": 0}
_PAUSE_S = {"HTTP_GET": 3, "SSL_GET": 3}
_CONNECTS = {"connect_ip", "connect_port", "bindto", "bind_port", "bind_if", "connect_timeout", "fwmark"}
_CODES = re.compile(r"([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?\Z")
Given = dict[str, Values]


class Server(NamedTuple):
    """What checkers take over from their server."""

    address: str
    port: int
    alpha: bool
    connect_timeout: int
    delay_loop: int
    retry: int | None
    delay_before_retry: int | None
    warmup: int | None


def account(command: Command, default: tuple[str, str]) -> Command:
    """The command with the account that runs it."""
    if command.user:
        return command
    return Command(argv=command.argv, user=default[0], group=default[1])


class Checks:
    """Reads the checker blocks of servers."""

    def __init__(
        self,
        lines: Lines,
        user: tuple[str, str],
        log_all_failures: bool,
        files: dict[str, tuple[int, bool]],
        sessions: set[str],
    ) -> None:
        self.lines, self.user, self.log_all_failures = lines, user, log_all_failures
        self.files, self.sessions = files, sessions
        self._details: dict[str, Callable[[Statement, Given, int], Detail | None]] = {
            "HTTP_GET": self._http,
            "SSL_GET": self._http,
            "SMTP_CHECK": self._smtp,
            "DNS_CHECK": self._dns,
            "UDP_CHECK": self._udp,
            "MISC_CHECK": self._misc,
        }

    def of(self, blocks: Iterable[tuple[Statement, int]], server: Server) -> tuple[Check, ...]:
        """All checkers of a server, each with the connect_timeout that stands above it."""
        found: list[Check] = []
        for block, above in blocks:
            if block.keyword == "BFD_CHECK":
                check = self._bfd(block, server)
                several = [check] if check and not any(one.detail == check.detail for one in found) else []
            elif block.keyword == "FILE_CHECK":
                several = self._file(block)
            else:
                several = list(self._probes(block, server, above))
            found += several
        return tuple(found)

    def _given(self, block: Statement, path: tuple[str, ...]) -> Given:
        found = {one.keyword: given for one, row, given in self.lines.of(block, path) if row.opens != "block"}
        for one, _row, given in self.lines.of(block, path):
            if one.keyword in ("retry", "nb_get_retry"):
                found["retry"] = given
        return found

    def _probes(self, block: Statement, server: Server, above: int) -> Iterable[Check]:
        kind = block.keyword
        given = self._given(block, (*PATH, kind))
        if kind != "SMTP_CHECK":
            yield from self._probe(block, kind, given, self._connection(given, server), server)
            return
        own = server._replace(connect_timeout=above)
        hosts = [self._given(one, (*PATH, kind, "host")) for one in block.children or () if one.keyword == "host"]
        several = [self._connection(one, server._replace(connect_timeout=0)) for one in hosts]
        if given.keys() & _CONNECTS or not any(several):
            several.insert(0, self._connection(given, own, any_family=True))
        whole = {name: value for one in (given, *hosts) for name, value in one.items()}
        for connection in several:
            if connection is not None:
                yield from self._probe(block, kind, whole, connection, server)

    def _probe(
        self, block: Statement, kind: str, given: Given, connection: Connection | None, server: Server
    ) -> Iterable[Check]:
        def first(keyword: str, default: Any) -> Any:
            return given[keyword][0] if keyword in given else default

        def either(keyword: str, of_server: int | None, default: int) -> int:
            found: int = first(keyword, default if of_server is None else of_server)
            return found

        delay_loop = either("delay_loop", server.delay_loop, server.delay_loop)
        pause = delay_loop if kind == "DNS_CHECK" else _PAUSE_S.get(kind, 1) * NS_PER_S
        timing = Timing(
            delay_loop=delay_loop,
            warmup=either("warmup", server.warmup, delay_loop),
            retry=either("retry", server.retry, _RETRY.get(kind, 1)),
            delay_before_retry=either("delay_before_retry", server.delay_before_retry, pause),
        )
        if kind == "MISC_CHECK":
            connection = None
        elif connection is None:
            return
        detail = None
        if kind in self._details:
            detail = self._details[kind](block, given, delay_loop)
            if detail is None:
                return
        yield Check(
            kind=kind,
            alpha=first("alpha", server.alpha) is not False,
            log_all_failures=self.log_all_failures or given.get("log_all_failures", (False,))[0] is not False,
            timing=timing,
            connection=connection,
            detail=detail,
        )

    def _connection(self, given: Given, server: Server, *, any_family: bool = False) -> Connection | None:
        def first(keyword: str, default: Any) -> Any:
            return given[keyword][0] if keyword in given else default

        address = first("connect_ip", server.address)
        if values.family(address) != values.family(server.address):
            return None
        own = first("bindto", "")
        if own and values.family(own) != values.family(address) and not any_family:
            own = ""
        return Connection(
            address=address,
            port=first("connect_port", server.port),
            timeout=first("connect_timeout", server.connect_timeout),
            bind_address=own,
            bind_port=first("bind_port", 0),
            bind_interface=first("bind_if", ""),
            mark=first("fwmark", 0),
        )

    def _http(self, block: Statement, given: Given, _delay_loop: int) -> HttpDetail | None:
        path = (*PATH, block.keyword)
        pages = [self._page(one, (*path, "url")) for one in block.children or () if one.keyword == "url"]
        kept = tuple(one for one in pages if one is not None)
        if not kept:
            return None
        return HttpDetail(
            pages=kept,
            protocol=given["http_protocol"][0].upper() if "http_protocol" in given else "1.0",
            virtual_host=given["virtualhost"][0] if "virtualhost" in given else "",
            enable_sni="enable_sni" in given and given["enable_sni"][0] is not False,
            fast_recovery="fast_recovery" in given and given["fast_recovery"][0] is not False,
        )

    def _page(self, block: Statement, path: tuple[str, ...]) -> Page | None:
        given = self._given(block, path)
        if "path" not in given:
            return None
        fields: dict[str, Any] = {"path": given["path"][0]}
        if "digest" in given:
            fields["digest"] = given["digest"][0].lower()
        if "virtualhost" in given:
            fields["virtual_host"] = given["virtualhost"][0]
        codes = [match for word in given.get("status_code", ((),))[0] if (match := _CODES.match(word))]
        ranges = tuple((int(one[1]), int(one[2] or one[1])) for one in codes if int(one[2] or one[1]) >= int(one[1]))
        if ranges:
            fields["status_codes"] = ranges
        if given.get("regex", (None,))[0]:
            fields["regex"] = given["regex"][0]
            fields["regex_no_match"] = "regex_no_match" in given
            known = self.lines.table.block((*path, "regex_options"))
            fields["regex_options"] = tuple(word for word in given.get("regex_options", ((),))[0] if word in known)
            fields["regex_min_offset"] = values.integer(given.get("regex_min_offset", ("",))[0] or "") or 0
            fields["regex_max_offset"] = values.integer(given.get("regex_max_offset", ("",))[0] or "")
            sizes = [values.integer(word) for word in given.get("regex_stack", ((),))[0]]
            if len(sizes) == 2 and sizes[0] and sizes[1] and sizes[0] <= sizes[1]:
                fields["regex_stack"] = (sizes[0], sizes[1])
        return Page(**fields)

    def _smtp(self, _block: Statement, given: Given, _delay_loop: int) -> SmtpDetail:
        return SmtpDetail(helo_name=given["helo_name"][0]) if "helo_name" in given else SmtpDetail()

    def _dns(self, _block: Statement, given: Given, _delay_loop: int) -> DnsDetail:
        fields = {field: given[word][0] for word, field in (("type", "record_type"), ("name", "name")) if word in given}
        return DnsDetail(**fields)

    def _udp(self, block: Statement, given: Given, _delay_loop: int) -> UdpDetail:
        replies = [found[0] for one, _row, found in self.lines.of(block, (*PATH, "UDP_CHECK"))
                   if one.keyword == "require_reply" and found[0]]  # fmt: skip
        reply, mask = replies[-1] if replies else (b"", b"")
        return UdpDetail(
            payload=given["payload"][0][0] if "payload" in given else None,
            require_reply=block.child("require_reply") is not None,
            reply=reply,
            reply_mask=mask,
            min_reply_length=given.get("min_reply_length", (0,))[0],
            max_reply_length=given.get("max_reply_length", (255,))[0],
        )

    def _misc(self, _block: Statement, given: Given, delay_loop: int) -> MiscDetail | None:
        command: Command | None = given["misc_path"][0] if "misc_path" in given else None
        if command is None:
            return None
        user = given["user"][0] if "user" in given else self.user
        timeout_s = given.get("misc_timeout", (0,))[0]
        return MiscDetail(
            command=account(command, user),
            timeout=timeout_s * NS_PER_S or delay_loop,
            dynamic="misc_dynamic" in given,
        )

    def _bfd(self, block: Statement, server: Server) -> Check | None:
        given = self._given(block, (*PATH, "BFD_CHECK"))
        name = given["name"][0] if "name" in given else ""
        if name not in self.sessions:
            return None
        alpha = given["alpha"][0] is not False if "alpha" in given else server.alpha
        return Check(kind="BFD_CHECK", alpha=alpha, detail=BfdDetail(session=name))

    def _file(self, block: Statement) -> list[Check]:
        given = self._given(block, (*PATH, "FILE_CHECK"))
        name = given["track_file"][0] if "track_file" in given else ""
        if name not in self.files:
            return []
        weight, reverse = self.files[name]
        if "weight" in given:
            weight, reverse = given["weight"][0], given["weight"][1] == "reverse"
        return [Check(kind="FILE_CHECK", detail=FileDetail(file=name, weight=weight, reverse=reverse))]
