"""virtual_server, virtual_server_group, garp_group: checked; `lvs.py` makes a model of the first two when asked.

Invariant: what keepalived 2.2.7 reports about these blocks as a whole is reported; single keywords are
`check.py`'s. Source: keepalived.conf(5) virtual_server.
"""

from __future__ import annotations

import ipaddress
import re

from engine.config import values
from engine.config.context import Context, Values
from engine.config.expand import Statement
from engine.config.syntax import Token

_NEEDED = {
    "MISC_CHECK": "misc_path",
    "BFD_CHECK": "name",
    "FILE_CHECK": "track_file",
    "HTTP_GET": "url",
    "SSL_GET": "url",
    "url": "path",
}
_SCHEDULER_FLAGS = {"hashed", "sh-port", "sh-fallback", "mh-port", "mh-fallback"}
_CONNECTING = {"TCP_CHECK", "UDP_CHECK", "PING_CHECK", "DNS_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK", "host"}
_DEFINED = {("BFD_CHECK", "name"): "bfd_instance", ("FILE_CHECK", "track_file"): "track_file"}


def wrong(context: Context, at: Statement, what: str, consequence: str, todo: str) -> None:
    """A block or line that keepalived reports; a warning where it only takes its default."""
    severity = "warning" if consequence.startswith("keepalived uses") else ""
    context.say("C-MEANING", at, severity=severity, what=what, consequence=consequence, todo=todo)


def group_of_servers(context: Context, block: Statement) -> None:
    """virtual_server_group NAME."""
    if len(block.words) > 2:
        context.say(
            "C-MEANING",
            block,
            block.words[2],
            exit_code=2,
            what="a virtual_server_group has one name",
            consequence="keepalived ends here.",
            todo="Put the name in double quotes, or remove a word.",
        )
    if not block.children:
        wrong(context, block, f"{block.name} has no entries", "keepalived removes the group.", "Add an address.")
    for line in block.children or ():
        words = line.words
        if line.keyword == "fwmark":
            row = context.table.get(("virtual_server_group",), "fwmark")
            if row is not None:
                context.check.values(line, row)
            continue
        first, _, last = line.keyword.partition("-")
        if values.address(first) is None or (last and not re.match(r"[0-9a-fA-F.:]+\Z", last)):
            wrong(context, line, f"{line.keyword} is no address or range", "keepalived leaves it out.", "Correct it.")
        elif len(words) > 1 and not 1 <= (values.integer(words[1].value) or 0) <= 65535:
            context.say("C-RANGE", line, words[1], keyword="port", value=words[1].value, low="1", high="65535",
                        consequence="keepalived leaves the line out.")  # fmt: skip


def garp_group(context: Context, block: Statement) -> None:
    """garp_group."""
    given: set[str] = set()

    def handle(statement: Statement, _given: Values) -> None:
        given.add(statement.keyword)
        if statement.keyword == "interface":
            taken(statement, statement.words[1])

    def taken(statement: Statement, word: Token) -> None:
        if word.value in context.garp_interfaces:
            context.say("C-REPEATED", statement, word, exit_code=5, keyword=f"a garp_group of {word.value}",
                        consequence="the first one counts")  # fmt: skip
        context.garp_interfaces.add(word.value)

    def interfaces(statement: Statement) -> None:
        for line in statement.children or ():
            for word in line.words:
                taken(line, word)
        if not statement.children:
            wrong(context, statement, "interfaces is empty", "The group slows nothing down.", "Name an interface.")

    context.each(block, ("garp_group",), handle, {"interfaces": interfaces})
    if not given & {"garp_interval", "gna_interval"}:
        wrong(
            context, block, "garp_group sets no interval", "keepalived removes the group.", "Add garp_interval SECONDS."
        )


def virtual_server(context: Context, block: Statement) -> None:
    """virtual_server ADDRESS PORT, fwmark N or group NAME."""
    _Service(context, block).read()


class _Service:
    def __init__(self, context: Context, block: Statement) -> None:
        self.context, self.block = context, block
        self.given: dict[str, str] = {}
        self.servers = 0
        self.sorry: Statement | None = None
        self.without_method = False
        """A server, or the sorry server, takes the forwarding method of the service."""
        self.weight = 0
        self.address = values.address(values.without_tail(block.name))
        self.places: set[tuple[str, str]] = set()
        """Address and port of each server."""

    def wrong(self, at: Statement, what: str, consequence: str, todo: str) -> None:
        wrong(self.context, at, what, consequence, todo)

    def read(self) -> None:
        block = self.block
        if block.name not in ("fwmark", "group") and self.address is None:
            self.wrong(
                block,
                f"{block.name} is no address",
                "keepalived leaves the service out.",
                "Write an address and a port.",
            )
        self.context.each(block, ("virtual_server",), self.setting, {"real_server": self.server})
        method = self.given.get("lb_kind", self.given.get("lvs_method", ""))
        if self.sorry is not None:
            address = values.address(values.without_tail(self.sorry.name))
            self.member(self.sorry, address, "sorry server", self.given.get("sorry_server_lvs_method", method))
        self.without_method |= "sorry_server" in self.given and "sorry_server_lvs_method" not in self.given
        for keyword, word, used in (("lb_algo", "scheduler", "wlc"), ("lb_kind", "forwarding method", "NAT")):
            twin = {"lb_algo": "lvs_sched", "lb_kind": "lvs_method"}[keyword]
            if keyword == "lb_kind" and self.servers and not self.without_method:
                continue  # nobody takes it
            if not self.given.keys() & {keyword, twin}:
                self.wrong(block, f"the service has no {word}", f"keepalived uses {used}.", f"Add {keyword}.")
        if not self.given.get("protocol") and block.name not in ("fwmark", "group"):
            self.wrong(block, "the service has no protocol", "keepalived uses UDP.", "Add protocol TCP.")
        if "ops" in self.given and self.given.get("protocol") != "UDP":
            self.wrong(block, "ops is for UDP", "keepalived drops it.", "Remove it.")
        if not self.servers:
            self.wrong(block, "the service has no real_server", "It serves nothing.", "Add a real_server.")
        elif int(self.given.get("hysteresis", "0")) >= int(self.given.get("quorum", "1")):
            self.wrong(block, "the hysteresis is not below the quorum", "keepalived uses 0.", "Lower it.")
        elif int(self.given.get("quorum", "1")) > self.weight:
            self.wrong(
                block,
                "the quorum is above the weight of all servers",
                "keepalived lowers it.",
                "Lower it, or add weight.",
            )

    def setting(self, statement: Statement, given: Values) -> None:
        keyword = statement.keyword
        first = given[0] if given else ""
        scheduler = self.given.get("lb_algo", self.given.get("lvs_sched", ""))
        if keyword in _SCHEDULER_FLAGS and scheduler not in ("sh", "mh"):
            self.wrong(
                statement,
                f"{keyword} does not fit the scheduler",
                "keepalived leaves it out.",
                "Put lb_algo sh above it.",
            )
        elif keyword in ("sorry_server_inhibit", "sorry_server_lvs_method") and "sorry_server" not in self.given:
            self.wrong(statement, f"{keyword} above sorry_server", "keepalived leaves it out.", "Put it below.")
        if keyword in ("lb_kind", "lvs_method", "sorry_server_lvs_method"):
            self.tunnel(statement)
        if keyword == "ip_family" and self.other_family("fe80::" if first == "inet6" else "0.0.0.0"):
            self.wrong(statement, "ip_family is not that of the address", "keepalived leaves it out.", "Remove it.")
            return
        self.given[keyword] = str(first)
        if keyword == "sorry_server":
            self.sorry = statement

    def other_family(self, address: str) -> bool:
        """Whether an address is of the family that the service is not of."""
        return _apart(address, self.address)

    def member(self, at: Statement, address: str | None, what: str, method: str) -> bool:
        """Whether a server can be of the service. A tunnel may lead to the other family."""
        if address is None or not self.other_family(address) or method == "TUN":
            return True
        self.wrong(
            at,
            f"the {what} {address} is not of the family of the service",
            "keepalived leaves it out.",
            "Use one family in a service, or lvs_method TUN.",
        )
        return False

    def tunnel(self, statement: Statement) -> None:
        """The words behind TUN. Source: keepalived.conf(5) lvs_method."""
        given = [word.value for word in statement.arguments]
        kind = given[given.index("type") + 1] if "type" in given[:-1] else "ipip"
        last = next((word for word in reversed(given) if word in ("csum", "remcsum", "nocsum")), "nocsum")
        checks = {last} - {"nocsum"}
        if statement.words[-1].value in ("type", "port") and len(given) > 1:
            return  # said by the check of its arguments
        if ("port" in given) != (kind == "gue"):
            self.wrong(statement, f"a {kind} tunnel {'needs a' if kind == 'gue' else 'has no'} port",
                       "keepalived leaves the line out.", "Write TUN type gue port PORT, or no port.")  # fmt: skip
        elif checks and (kind == "ipip" or (kind == "gre" and "remcsum" in checks)):
            self.wrong(statement, f"{' and '.join(sorted(checks))} does not fit a {kind} tunnel",
                       "keepalived leaves the line out.", "Remove it.")  # fmt: skip

    def server(self, block: Statement) -> None:
        weight = [1]

        def setting(statement: Statement, given: Values) -> None:
            if statement.keyword == "weight":
                weight[0] = given[0]
            elif statement.keyword == "lvs_method":
                self.tunnel(statement)
                method.append(statement)

        method: list[Statement] = []
        path = ("virtual_server", "real_server")
        self.context.each(block, path, setting)
        address = values.address(values.without_tail(block.name))
        for check in block.children or ():
            self.complete(check)
            self.ends(check, address)
        words = method[-1] if method else None
        of_service = self.given.get("lb_kind", self.given.get("lvs_method", ""))
        if not self.member(block, address, "server", words.name if words else of_service):
            return
        place = (address or block.name, block.words[2].value if len(block.words) > 2 else "")
        if place in self.places:
            self.wrong(block, f"the server {place[0]} is there already", "keepalived removes the second.", "Remove it.")
            return
        self.places.add(place)
        self.servers += 1
        self.without_method |= not method
        self.weight += weight[0]

    def ends(self, check: Statement, address: str | None) -> None:
        """The two ends of a checker's connection: of one family, and a link-local one with its interface."""
        for inner in check.children or ():
            if inner.keyword == "host":
                self.ends(inner, address)
        if check.keyword not in _CONNECTING:
            return
        bound = False
        for line in check.children or ():
            given = values.address(values.without_tail(line.name))
            bound |= line.keyword == "bind_if"
            if line.keyword == "connect_ip":
                address = given or address
            elif line.keyword == "bindto" and check.keyword != "SMTP_CHECK" and _apart(given, address):
                self.wrong(
                    line,
                    f"bindto {given} is not of the family of {address}, to which the check connects",
                    "keepalived leaves the line out.",
                    "Bind to an address of that family, and put connect_ip above bindto.",
                )
        if address and not bound and ipaddress.ip_address(address).is_link_local and values.family(address) == 6:
            self.wrong(
                check,
                f"the link-local address {address} needs an interface",
                "keepalived cannot connect to it.",
                "Add bind_if INTERFACE.",
            )

    def complete(self, check: Statement) -> None:
        """What a checker cannot do without."""
        if check.keyword == "UDP_CHECK":
            self.replies(check)
        needed = _NEEDED.get(check.keyword)
        if needed is None or check.children is None:
            return
        found = check.child(needed)
        if found is None or (len(found.words) < 2 and found.children is None):
            self.wrong(check, f"{check.keyword} has no {needed}", "keepalived leaves it out.", f"Add {needed}.")
            return
        defined = _DEFINED.get((check.keyword, needed))
        known = self.context.bfd if defined == "bfd_instance" else self.context.files
        if defined and found.name not in known:
            self.context.say("C-UNDEFINED", found, keyword=defined, name=found.name, nearest="")
        for inner in check.children:
            self.complete(inner)

    def replies(self, check: Statement) -> None:
        """The bounds of a reply to UDP_CHECK."""
        bounds = {"min_reply_length": 0, "max_reply_length": 255}
        for line in check.children or ():
            number = values.integer(line.name) if line.keyword in bounds else None
            if number is not None and 0 <= number <= 65535:
                bounds[line.keyword] = number
        if bounds["min_reply_length"] > bounds["max_reply_length"]:
            self.wrong(check, "min_reply_length is above max_reply_length", "The check always fails.", "Lower it.")


def _apart(one: str | None, other: str | None) -> bool:
    """Whether two addresses are of different families."""
    return one is not None and other is not None and values.family(one) != values.family(other)
