"""Configurations of virtual servers for the comparison of values: each keyword, form, default and inheritance.

Invariant: keepalived 2.2.7 runs on every file; each virtual server has an address of its own, so that its part of
the dump is found by it. Lines that are wrong stand in some, where keepalived leaves them out and goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from engine.config.keywords import Keyword, Path, Term, table

BEFORE = (
    "track_file f {\n file /tmp/hatui-no-such-file\n weight 3\n}\n"
    "track_file r {\n file /tmp/hatui-no-such-file\n weight -2 reverse\n}\n"
    "bfd_instance b {\n neighbor_ip 10.211.55.23\n}\n"
)
GLOBALS = ("script_user root", "enable_script_security")
MINIMAL = {
    "TCP_CHECK": "",
    "HTTP_GET": "url {\n path /\n}",
    "SSL_GET": "url {\n path /\n}",
    "SMTP_CHECK": "",
    "DNS_CHECK": "",
    "UDP_CHECK": "",
    "PING_CHECK": "",
    "MISC_CHECK": "misc_path /bin/true",
    "BFD_CHECK": "name b",
    "FILE_CHECK": "track_file f",
}
"""Each checker with what it cannot do without."""
INHERITED: tuple[str, ...] = (
    "delay_loop",
    "retry",
    "delay_before_retry",
    "warmup",
    "connect_timeout",
    "smtp_alert",
    "virtualhost",
)
INHERITED += ("alpha", "inhibit_on_failure", "weight", "lb_kind", "lvs_method")
"""Settings of a virtual server that its servers and their checkers may take over."""
CHECKER = ("virtual_server", "real_server")
_ARGUMENTS: dict[str, tuple[str, ...]] = {
    "persistence_granularity": ("255.255.255.0", "64", "255.255.0.255"),
    "persistence_engine": ("sip",),
    "sorry_server": ("10.9.9.9 8080", "10.9.9.9", "fe80::9 80"),
    "protocol": ("TCP", "UDP", "SCTP"),
    "status_code": ("404", "200 301-302 404", "500-100", "200 junk 300", ""),
    "http_protocol": ("1.0", "1.1", "1.0C", "1.0c", "1.1C"),
    "digest": ("00112233445566778899AABBCCDDEEFF", "abc"),
    "regex": (
        *(
            "abc",
            '"a b"',
            r"\.x",
            "",
            r'"\.y"',
            r"a\\b",
            r'"a\\w"',
            "'a d'",
            "a e",
            r"\d+\#",
            r"'a\'f'",
            "a#b",
            '"a\'g"',
        ),
        *(r"a\ h", r"i\#j", '"k#l"', '"m" n', r"'o\.p'", "\"q 'r'\""),
    ),
    "regex_options": ("caseless", "caseless dotall utf", "junk", ""),
    "regex_stack": ("1000 2000", "1000", "2000 1000", "x y"),
    "regex_min_offset": ("5", "x", ""),
    "regex_max_offset": ("9", "0"),
    "payload": ("0a0B", "0a 0b", "0", "xx"),
    "require_reply": ("", "0aXb", "0a 0b", "xz"),
    "max_reply_length": ("9", "65535", "65536"),
    "min_reply_length": ("9", "256", "65535"),
    "misc_path": (
        *("/bin/true", '"/bin/true a b"', "'/bin/true' x", "/bin/true a b", r"/bin/true\#x", r'"/bin/true \#x a#b"'),
        *(r'''"/bin/true 'a\.b' c\.d 'e\'f'"''', r"""'/bin/true a\.b "c d" "e\.f"'""", r"/bin/tr\ue"),
        r"'/bin/true a\ b'",
    ),
    "misc_timeout": ("7", "0", "x"),
    "user": ("root", "root daemon"),
    "name": ("example.org", "b"),
    "track_file": ("f", "r", "nowhere"),
    "lb_kind": ("NAT", "DR", "TUN", "TUN type gue port 99", "TUN type gre csum", "TUN type gue port 9 remcsum"),
    "quorum_up": ("/bin/true", '"/bin/true a b"', "/bin/true root daemon"),
    "connect_ip": ("10.9.9.9", "fe80::9", "junk"),
    "bindto": ("10.9.9.9", "fe80::9", "junk"),
}
_ARGUMENTS["lvs_method"] = (*_ARGUMENTS["lb_kind"], "TUN type ipip port 5", "TUN type gre port 5", "TUN nocsum")
_ARGUMENTS["quorum_down"] = _ARGUMENTS["notify_up"] = _ARGUMENTS["notify_down"] = _ARGUMENTS["quorum_up"]


def _samples(term: Term) -> tuple[str, ...]:
    match term.kind:
        case "bool":
            return ("", "on", "off", "true", "junk")
        case "dec":
            return ("1.5", "7", "0.000001", "0", "-1", "x")
        case "int" | "port":
            beside = (str(int(term.low) - 1),) if term.low else ()
            return (term.low or "0", "5", *((term.high, str(int(term.high) + 1)) if term.high else ()), *beside)
        case "oneof":
            return (*term.choices, "junk")
        case "ifname":
            return ("eth1",)
        case _:
            return ("abc",)


def lines_of(row: Keyword) -> tuple[str, ...]:
    """The keyword with each of its arguments that is worth a case."""
    if not row.arguments:
        return (row.name,)
    given = _ARGUMENTS.get(row.name)
    if given is None or (row.name == "name" and row.path[-1] == "BFD_CHECK"):
        if row.path[-1] == "BFD_CHECK":
            given = ("b",) if row.name == "name" else ("", "off")
        else:
            given = _samples(row.arguments[0])
            if any(term.optional for term in row.arguments[:1]):
                given = ("", *(one for one in given if one))
    return tuple(f"{row.name} {one}".rstrip() for one in given)


class File:
    """A configuration that grows by services, each under its own address."""

    def __init__(self, *globals_: str, before: str = BEFORE) -> None:
        self.globals = globals_
        self.parts = ["\n".join(("global_defs {", *GLOBALS, *globals_, "}", before))]
        self.services = 0

    def service(self, *lines: str, head: str = "", protocol: str = "protocol TCP") -> None:
        """A virtual server; {n} in a line is where the addresses of its servers begin."""
        self.services += 1
        own = f"10.{100 + self.services // 200}.{self.services % 200 + 1}"
        text = "\n".join((f"virtual_server {head or own + '.1 80'} {{", protocol, *lines, "}\n"))
        self.parts.append(text.replace("{n}", own))

    @property
    def text(self) -> str:
        return "\n".join(self.parts)


def server(*lines: str, number: int = 2, port: str = "80") -> str:
    """A real server."""
    return "\n".join((f"real_server {{n}}.{number} {port} {{", *lines, "}"))


def checker(kind: str, *lines: str, needed: str | None = None) -> str:
    """A checker with what it needs, unless one of the lines is that."""
    least = MINIMAL[kind] if needed is None else needed
    given = {line.split()[0] for line in lines}
    if least and least.split()[0] in given:
        least = ""
    return "\n".join(part for part in (f"{kind} {{", *lines, least, "}") if part)


ALL = tuple(checker(kind) for kind in MINIMAL)


def _rows(path: Path) -> Iterator[Keyword]:
    for row in table().block(path).values():
        if row.since == "2.2.7" and not row.opens:
            yield row


def services() -> File:
    """Every keyword of a virtual server, alone; those that are inherited above and below the servers."""
    into = File()
    for row in _rows(("virtual_server",)):
        for line in lines_of(row):
            protocol = "" if row.name == "protocol" else "protocol UDP" if row.name == "ops" else "protocol TCP"
            before = {"sh": ("lb_algo sh",), "mh": ("lvs_sched mh",)}.get(row.name.split("-")[0], ())
            if row.name.startswith("sorry_server_"):
                before = ("sorry_server 10.9.9.9 80",)
            into.service(*before, line, server("weight 5"), protocol=protocol)
    into.service(server(), protocol="")
    into.service(server(), server(number=3), "quorum 7")
    into.service(server("weight 3"), server("weight 4", number=3), "quorum 7", "hysteresis 3", "omega")
    into.service(server("weight 3"), "quorum 3", "hysteresis 3")
    into.service("quorum 2", "hysteresis 5", server("weight 3"))
    into.service("weight 4", server(), server("weight 0", number=3), "weight 6", server(number=4))
    into.service("quorum 2147483647", server("weight 2147483647"), "quorum 2", "quorum 4294967295")
    into.service("lb_algo sh", "sh-port", "sh-fallback", server(), "hashed", "flag-1")
    into.service("lb_algo mh", "mh-port", "mh-fallback", "flag-3", server())
    into.service("sh-port", "lb_algo sh", "sh-fallback", server())
    into.service("ops", server())
    into.service("persistence_timeout 50", "persistence_timeout", "persistence_granularity 255.0.0.0", server())
    into.service("sorry_server 10.9.9.9 81", "sorry_server_inhibit", "sorry_server_lvs_method DR", server())
    into.service("inhibit_on_failure", "lb_kind TUN type gue port 7", "sorry_server 10.9.9.9 81", server())
    into.service("sorry_server_inhibit", "sorry_server 10.9.9.9 81", "lb_kind DR", server())
    into.service("sorry_server 10.9.9.8 81", "sorry_server 10.9.9.9 82", server())
    into.service("lb_kind DR", server("lvs_method NAT"), server(number=3, port="8080"), server(number=4, port=""))
    into.service(server(port=""), server(number=3, port="8080"))
    into.service(server(), server(), server(port="81"))
    into.service("snmp_name x", "snmp_name y", "virtualhost a.b", server("virtualhost c.d", "snmp_name z"))
    into.service("quorum_up /bin/true", "quorum_down /bin/false", "quorum_up /bin/false", server())
    return into


def heads() -> File:
    """Addresses, marks and groups."""
    groups = (
        "virtual_server_group g {\n 10.88.0.1 80\n 10.88.0.2-9 80\n 10.88.0.12-10.88.0.14 81\n"
        " fwmark 5\n fwmark 6 inet\n}\n"
        "virtual_server_group s {\n 10.88.1.1\n 10.88.1.2 443\n}\n"
        "virtual_server_group v {\n fd00:88::1 80\n fd00:88::2-9 80\n fd00:88::a-fd00:88::f 81\n fwmark 8 inet6\n}\n"
        "virtual_server_group w {\n 10.88.2.1 80\n junk 80\n 10.88.2.3 99999\n 10.88.2.4 0\n 10.88.2.9-5 80\n}\n"
        "virtual_server_group m {\n fwmark 9\n fwmark 10 junk\n}\n"
        "virtual_server_group x {\n 10.88.3.1 80\n fwmark 11 inet6\n}\n"
        "virtual_server_group d {\n 10.88.4.1 80\n 10.88.4.1 80\n 010.88.4.2 80\n 10.88.4.9-9 80\n}\n"
        "virtual_server_group n {\n 10.88.5.0/28 80\n}\n"
    )
    into = File(before=BEFORE + groups)
    into.service(server(), head="10.77.0.1 80")
    into.service(server(), head="10.77.0.2")
    into.service(server(port=""), head="10.77.0.3")
    into.service("real_server fd00::2 80 {\n}", head="fd00:77::0001 80")
    into.service("real_server fd00::2 80 {\n}", "persistence_timeout 9", head="fd00:77::2 80")
    into.service("real_server fd00::2 80 {\n}", "persistence_granularity 64", head="fd00:77::3 80")
    into.service("lb_kind TUN", "real_server fd00::2 80 {\n}", head="10.77.0.5 80")
    into.service("real_server fd00::2 80 {\n}", head="10.77.0.6 80")
    into.service(server(), head="fwmark 1")
    into.service("ip_family inet6", "real_server fd00::2 80 {\n}", head="fwmark 2")
    into.service("real_server fd00::2 80 {\n}", "ip_family inet6", head="fwmark 3", protocol="")
    into.service("ip_family inet", server(), head="fwmark 4", protocol="protocol UDP")
    into.service(server(*ALL, port=""), head="fwmark 12")
    for name in "gswmdn":
        into.service(server(), head=f"group {name}")
    into.service(server(*ALL, port=""), head="10.77.0.19 84")
    for head in ("fwmark 20", "group g", "10.77.0.9", "10.77.0.10 81"):
        into.service("lb_kind DR", "sorry_server 10.9.9.9 85", server(*ALL, port="82"), head=head)
    into.service("real_server fd00::2 80 {\n}", head="fwmark 21")
    into.service("ip_family inet6", server(), head="fwmark 22")
    into.service("persistence_timeout 0", server(), head="10.77.0.11")
    into.service("sorry_server 10.9.9.9 80", head="10.77.0.12 80")
    into.service("real_server fd00::2 80 {\n}", server(number=3), head="10.77.0.13 80")
    into.service(server(), "real_server fd00::2 80 {\n lvs_method TUN\n}", head="10.77.0.14 80")
    into.service(server(), "real_server junk 80 {\n}", head="10.77.0.15 80")
    into.service(server(), head="junk 80")
    into.service("lb_kind DR", server(*ALL, port=""), head="10.77.0.18 83")
    into.service(server(), head="10.77.0.16 99999")
    into.service(server(port="99999"), head="10.77.0.17 80")
    into.service("real_server fd00::2 80 {\n}", head="group v")
    into.service(server(), head="group x")
    into.service("quorum 2", server(), server(number=3), "ip_family inet", head="group m", protocol="protocol UDP")
    return into


def inherited() -> File:
    """What servers and checkers take from the service, wherever the line stands."""
    into = File()
    for row in _rows(("virtual_server",)):
        if row.name not in INHERITED:
            continue
        for line in lines_of(row)[:2]:
            into.service(line, server(*ALL))
            into.service(server(*ALL), line)
    for row in _rows(CHECKER):
        for line in lines_of(row):
            some = () if row.name not in INHERITED else ALL if line == "connect_timeout 7" else ALL[:2]
            into.service(server(line, *some), server(*some, line, number=3))
    into.service("delay_loop 9", server("delay_loop 8", *ALL))
    into.service("retry 9", "delay_before_retry 8", "warmup 7", "connect_timeout 6", server(*ALL))
    into.service("retry 9", "delay_before_retry 8", server("retry 4", "delay_before_retry 3", *ALL))
    into.service("warmup 9", "connect_timeout 8", server("warmup 4", "connect_timeout 3", *ALL))
    into.service("warmup 9", "delay_loop 20", server("delay_loop 4", *ALL))
    for lines in (("alpha",), ("alpha", "alpha off"), ("alpha off",), ()):
        for own in ("alpha", "alpha off", ""):
            checks = [checker("BFD_CHECK", *(line for line in (own,) if line)), checker("PING_CHECK", own or "retry 2")]
            into.service(*lines[:1], server(*lines[1:], *checks))
    into.service("alpha", server("alpha off", *ALL), server("alpha", *ALL, number=3))
    into.service("alpha", "inhibit_on_failure", server("inhibit_on_failure off"), "smtp_alert")
    into.service("smtp_alert", server("smtp_alert off"), server(number=3))
    into.service("smtp_alert off", server(), server("smtp_alert", number=3))
    into.service("virtualhost a", server("virtualhost b", *ALL), server(*ALL, number=3))
    into.service(server("lvs_method DR"), server(number=3))
    into.service("sorry_server 10.9.9.9 80", server("lvs_method DR"))
    into.service("lb_kind TUN type gue port 5 csum", server(), server("lvs_method TUN", number=3))
    for kind in MINIMAL:
        names = [row.name for row in _rows((*CHECKER, kind))]
        given = {"retry": "retry 2", "delay_loop": "delay_loop 11", "warmup": "warmup 12", "alpha": "alpha off"}
        given |= {"delay_before_retry": "delay_before_retry 13", "connect_timeout": "connect_timeout 14"}
        chosen = [line for name, line in given.items() if name in names]
        into.service("delay_loop 9", "alpha", "retry 6", server("delay_loop 8", "warmup 7", checker(kind, *chosen)))
    return into


def _checkers(kinds: Iterable[str], inner: Callable[[str], Iterator[str]]) -> File:
    into = File()
    for kind in kinds:
        blocks = list(inner(kind))
        for at in range(0, len(blocks), 20):
            into.service(server(*blocks[at : at + 20]))
    return into


def checkers() -> File:
    """Every keyword of every checker."""

    def blocks(kind: str) -> Iterator[str]:
        yield checker(kind)
        for row in _rows((*CHECKER, kind)):
            for line in lines_of(row):
                yield checker(kind, line)
        if kind == "MISC_CHECK":
            yield checker(kind, "misc_dynamic", "misc_timeout 4", "delay_loop 6", "user root")
            yield checker(kind, "misc_timeout 9", "delay_loop 6")
        if "bindto" in (row.name for row in _rows((*CHECKER, kind))):
            yield checker(kind, "bindto 10.9.9.9", "bind_port 5")
            yield checker(kind, "connect_port 7", "connect_ip 10.9.9.9", "retry 0", "delay_before_retry 5")
        if kind == "UDP_CHECK":
            yield checker(kind, "require_reply 0102", "min_reply_length 4", "max_reply_length 9", "payload 01")
            yield checker(kind, "max_reply_length 9", "require_reply 0102XX")
            yield checker(kind, "min_reply_length 256", "require_reply")
            yield checker(kind, "require_reply 0 1 abc", "payload 0 1 abc")
            yield checker(kind, "require_reply ff01", "payload 01ff")
            yield checker(kind, "require_reply fX", "payload fX")
            yield checker(kind, "require_reply Xf", "payload f1 2")
            yield checker(kind, "require_reply 01", "require_reply")
        if kind == "FILE_CHECK":
            for line in ("weight 5 reverse", "weight -5", "weight 0", "weight 300"):
                yield checker(kind, line)
            yield checker(kind, "track_file r", "weight 7")

    return _checkers(MINIMAL, blocks)


def pages() -> File:
    """HTTP_GET and SSL_GET: what stands in url, and several of them."""
    into = File()
    for kind in ("HTTP_GET", "SSL_GET"):
        bodies = [f"url {{\n path /\n {line}\n}}" for row in _rows((*CHECKER, kind, "url")) for line in lines_of(row)]
        bodies += [f"url {{\n path /\n regex x\n {line}\n}}" for row in _rows((*CHECKER, kind, "url"))
                   for line in lines_of(row) if row.name.startswith("regex_")]  # fmt: skip
        bodies += [
            "url {\n path /\\.a\\\\b\n virtualhost a\\.b\n}",
            "url {\n path /a\n}\nurl {\n path /b\n status_code 404\n virtualhost v\n}",
            "virtualhost w\nurl {\n path /a\n}\nurl {\n path /b\n virtualhost v\n}",
            "http_protocol 1.1\nvirtualhost w\nurl {\n path /a\n}",
            "enable_sni\nfast_recovery\nurl {\n path /a b\n}",
            "url {\n status_code 200\n}\nurl {\n path /x\n}",
        ]
        if kind == "HTTP_GET":
            bodies += ["nb_get_retry 4\nurl {\n path /\n}", "retry 3\nnb_get_retry 4\nurl {\n path /\n}"]
        else:
            bodies = bodies[:3] + bodies[-7:]
        for at in range(0, len(bodies), 15):
            some = [checker(kind, needed=body) for body in bodies[at : at + 15]]
            into.service(server(*some))
            if at == 0:
                into.service("virtualhost of.service", server("virtualhost of.server", *some[:3]))
    return into


def hosts() -> File:
    """SMTP_CHECK with host blocks, in either order."""
    into = File()
    bodies = []
    for row in _rows((*CHECKER, "SMTP_CHECK", "host")):
        bodies += [f"host {{\n {line}\n}}" for line in lines_of(row)[:2]]
    bodies += [
        "host {\n connect_ip 10.5.5.5\n}\nhost {\n connect_ip 10.5.5.6\n connect_port 26\n}",
        "connect_port 27\nhost {\n connect_ip 10.5.5.5\n}",
        "host {\n connect_ip 10.5.5.5\n}\nconnect_port 27",
        "helo_name a\nhelo_name b",
        "host {\n retry 0\n warmup 3\n}\nhost {\n connect_ip 10.5.5.5\n}",
        "host {\n connect_ip 10.5.5.5\n}\nhost {\n retry 0\n alpha\n}",
        "retry 4\nhelo_name c\nconnect_timeout 9\nhost {\n connect_ip 10.5.5.5\n retry 2\n}",
        "host {\n connect_ip 10.5.5.5\n}\nretry 4\nconnect_timeout 9\ndelay_loop 3",
        "connect_timeout 9\nhost {\n connect_ip 10.5.5.5\n connect_timeout 8\n}\nhost {\n}",
        "bindto 10.9.9.9\nhost {\n connect_port 28\n}",
        "fwmark 9\nhost {\n connect_port 28\n}",
        "bindto fe80::9\nconnect_port 29",
        "host {\n connect_ip fe80::9\n}\nhost {\n connect_port 30\n}",
        "host {\n}",
    ]
    for at in range(0, len(bodies), 10):
        into.service(server(*(checker("SMTP_CHECK", needed=body) for body in bodies[at : at + 10]), port="25"))
    return into


def _global(*lines: str) -> File:
    into = File(*lines)
    into.service(server(*ALL), "quorum_up /bin/true")
    into.service("smtp_alert off", server("smtp_alert"), server(number=3))
    into.service("smtp_alert", server("smtp_alert off"), server(number=3))
    into.service(server(checker("TCP_CHECK", "log_all_failures off"), checker("MISC_CHECK", "user root daemon")))
    return into


def files() -> dict[str, str]:
    """Name -> configuration."""
    tls = " password secret\n ca /tmp/ca.pem\n certificate /tmp/cert.pem\n key /tmp/key.pem\n"
    secure = File(before=BEFORE + f"SSL {{\n{tls}}}\n")
    secure.service(server(checker("HTTP_GET")))
    unknown = File()
    unknown.service(server())
    unknown.service(server(), head="group nowhere")
    unknown.service(server(), head="fwmark junk")
    found = {
        "unknown group": unknown,
        "services": services(),
        "heads": heads(),
        "inherited": inherited(),
        "checkers": checkers(),
        "pages": pages(),
        "hosts": hosts(),
        "tls": secure,
        "global smtp_alert on": _global("smtp_alert"),
        "global smtp_alert off": _global("smtp_alert off"),
        "global smtp_alert_checker": _global("smtp_alert", "smtp_alert_checker off"),
        "global smtp_alert_checker on": _global("smtp_alert off", "smtp_alert_checker on"),
        "global no_checker_emails": _global("no_checker_emails", "checker_log_all_failures"),
        "global log all, other user": _global("checker_log_all_failures on", "script_user daemon root"),
    }
    return {name: file.text for name, file in found.items()}


_VERDICTS: dict[str, tuple[str, ...]] = {
    "UDP_CHECK": (
        *("payload 0", "payload 0x", "payload xx", "payload abc", "payload 0a 0b", "payload 0a zz", 'payload "0a 0b"'),
        *("payload ff", "payload ff01", "payload 01ff", "payload f", "payload 0 0 c", "payload 0a:0b"),
        *("require_reply xz", "require_reply x", "require_reply 01 ff 02", "require_reply 01ff", "require_reply 01fX"),
        *(
            "min_reply_length 256",
            "max_reply_length 9\n min_reply_length 10",
            "min_reply_length 10\n max_reply_length 9",
        ),
        "require_reply 010203\n max_reply_length 2",
    ),
    "HTTP_GET": tuple(
        f"url {{\n path /\n regex {text}\n}}"
        for text in ("a e", "(a", "'a'", r"'a\'f'", '"a', "'a", "a\\", r"i\#j", 'a"b c"d', r"'\#'", '"k#l"')
    ),
    "MISC_CHECK": tuple(
        f"misc_path {text}"
        for text in (
            *(r"'/bin/tr\ue'", r'"/bin/true \#x"', r'"/bin/true \'a\'"', '"/bin/true \'a"', r"'/bin/true \#y'"),
            *(
                r'''"/bin/true 'a\'b'"''',
                r'''"/bin/true 'e\'f'"''',
                "/bin/true\n user nosuch",
                "/bin/true\n user root nosuch",
            ),
        )
    ),
}
"""Checker -> its lines."""
_METHODS = (
    server("lvs_method DR"),
    server("lvs_method DR") + "\nsorry_server 10.9.9.9 80",
    server("lvs_method DR") + "\nsorry_server 10.9.9.9 80\nsorry_server_lvs_method NAT",
    "sorry_server 10.9.9.9 80",
    server("lvs_method junk"),
    server("lvs_method TUN type gre port 7"),
    server("lvs_method DR") + server(number=3),
    "lb_kind junk\n" + server("lvs_method DR"),
    "lb_kind DR",
)


_OF_SERVICES = (
    *(
        "ip_family inet",
        "ip_family inet6",
        "sorry_server 10.0.0.8 0",
        'sorry_server 10.0.0.8 ""',
        "sorry_server fe80::1",
    ),
    *(
        "sorry_server fe80::1\nsorry_server_lvs_method TUN",
        "real_server fe80::1 80 {\n}",
        "real_server 10.0.0.8 0 {\n}",
    ),
    *("real_server 2001:db8::8 80 {\nlvs_method TUN\n}", "real_server 10.0.0.8/24 80 {\n}"),
    "real_server 10.0.0.8 80 {\n}\nreal_server 10.0.0.8 80 {\n}",
    *(
        f"real_server 10.0.0.8 80 {{\n{kind} {{\n{lines}\n}}\n}}"
        for kind in ("TCP_CHECK", "PING_CHECK", "SMTP_CHECK")
        for lines in ("connect_ip fe80::8", "connect_ip fe80::8\nbind_if eth0", "bindto 2001:db8::8")
    ),
    *(
        f"real_server 10.0.0.8 80 {{\nTCP_CHECK {{\n{lines}\n}}\n}}"
        for lines in ("connect_ip 2001:db8::8\nbindto 2001:db8::9", "bindto 2001:db8::9\nconnect_ip 2001:db8::8")
    ),
    "real_server 10.0.0.8 80 {\nSMTP_CHECK {\nhost {\nbindto 2001:db8::8\n}\n}\n}",
)
"""More lines of a service that has a server."""


def verdicts() -> Iterator[tuple[str, str]]:
    """(name, configuration) of which only the verdict is compared."""
    for kind, lines in _VERDICTS.items():
        for line in lines:
            one = File(before="")
            one.service("lb_algo rr", "lb_kind NAT", server(checker(kind, needed=line)))
            yield f"{kind} {line!r}", one.text
    for line in _OF_SERVICES:
        one = File(before="")
        one.service("lb_algo rr", "lb_kind NAT", server(""), line)
        yield f"service with {line!r}", one.text
    for body in _METHODS:
        one = File(before="")
        one.service("lb_algo rr", body)
        yield f"methods {body!r}", one.text
