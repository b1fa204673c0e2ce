"""Configurations for the differential test: each block, form and error, one thing at a time.

Invariant: every case is complete in itself, names only interfaces eth0 and eth1, runs /bin/true or
/bin/false as root with script security on (so no verdict depends on the host's accounts and files), and
has a name that says what is special about it. `generated` derives cases from every row of the table.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.config.keywords import Path, Term, table

SECURE = "global_defs {\n enable_script_security\n script_user root\n}\n"
SCRIPT = 'vrrp_script chk {\n script "/bin/true"\n}\n'
_GOOD = {
    "int": "5",
    "dec": "1.5",
    "extra": "5",
    "ifname": "eth1",
    "ip": "10.211.55.22",
    "ip4": "10.211.55.22",
    "ip6": "fe80::1",
    "mcast4": "224.0.0.19",
    "mcast6": "ff02::13",
    "port": "80",
    "path": "/tmp/hatui-corpus",
    "cmd": "/bin/true",
    "cmd1": "/bin/true",
    "user": "root",
    "bool": "on",
    "switch": "on",
    "bufs": "MTU",
    "umask": "022",
    "checks": "read",
    "cpus": "0",
    "codes": "200",
    "granularity": "255.255.255.0",
    "hex": "00112233445566778899aabbccddeeff",
}
_FREE = {"text", "word", "name", "path", "cmd", "cmd1", "user", "words", "ifname"}
_CHECKER = {
    "HTTP_GET": "url {\n path /\n status_code 200\n}\n",
    "SSL_GET": "url {\n path /\n status_code 200\n}\n",
    "MISC_CHECK": "misc_path /bin/true\n",
    "BFD_CHECK": "name b\n",
    "FILE_CHECK": "track_file f\n",
    "url": "path /\n",
}


def instance(
    *lines: str, without: tuple[str, ...] = (), name: str = "V", vrid: int = 5, vip: str = "10.211.55.50"
) -> str:
    """A good instance with further lines, and without some."""
    parts = {
        "interface": "interface eth0",
        "virtual_router_id": f"virtual_router_id {vrid}",
        "virtual_ipaddress": f"virtual_ipaddress {{\n {vip}\n}}",
    }
    body = [part for key, part in parts.items() if key not in without]
    return "\n".join((f"vrrp_instance {name} {{", *body, *lines, "}\n"))


def settings(*lines: str) -> str:
    """A global_defs block and an instance."""
    return "\n".join(("global_defs {", *lines, "}", instance()))


def two(*lines: str) -> str:
    """Instances V and W; the lines go into V."""
    return instance(*lines) + instance(name="W", vrid=6, vip="10.211.55.51")


def block(path: Path, line: str) -> str | None:
    """A configuration in which `line` stands in the block `path`."""
    match path:
        case ():
            return SECURE + instance() + line + "\n"
        case ("global_defs",):
            return SECURE + settings(line)
        case ("vrrp_instance", *inner):
            return SECURE + instance(_nested(tuple(inner), line))
        case ("vrrp_script",):
            return SECURE + f"vrrp_script chk {{\n script /bin/true\n{line}\n}}\n" + instance("track_script {\n chk\n}")
        case ("vrrp_sync_group", *inner):
            members = "" if inner == ["group"] else "group {\n V\n W\n}\n"
            return SECURE + two() + f"vrrp_sync_group G {{\n{members}{_nested(tuple(inner), line)}\n}}\n"
        case ("vrrp_track_process",):
            head = f"vrrp_track_process p {{\n process foo\n{line}\n}}\n"
            return SECURE + head + instance("track_process {\n p\n}")
        case ("track_file" | "vrrp_track_file",):
            return SECURE + f"{path[0]} f {{\n file /tmp/tf\n{line}\n}}\n" + instance("track_file {\n f\n}")
        case ("bfd_instance",):
            return SECURE + f"bfd_instance b {{\n neighbor_ip 10.211.55.23\n{line}\n}}\n" + instance()
        case ("SSL",):
            return SECURE + f"SSL {{\n{line}\n}}\n"
        case ("garp_group",):
            own = "" if line.startswith("interface") else "interface eth0\n"
            return SECURE + f"garp_group {{\n garp_interval 1\n{own}{line}\n}}\n" + instance()
        case ("virtual_server",):
            return _service("real_server 10.0.0.10 80 {\n weight 1\n}\n" + line)
        case ("virtual_server", "real_server", *inner):
            return _service("real_server 10.0.0.10 80 {\n" + _checker(tuple(inner), line) + "\n}")
        case _:
            return None


def _nested(inner: Path, line: str) -> str:
    for word in reversed(inner):
        line = f"{word} {{\n{line}\n}}"
    return line


def _service(body: str) -> str:
    before = "bfd_instance b {\n neighbor_ip 10.211.55.23\n}\ntrack_file f {\n file /tmp/tf\n}\n"
    head = "virtual_server 10.0.0.9 80 {\n protocol TCP\n lb_algo rr\n lb_kind NAT\n delay_loop 5\n"
    return SECURE + before + head + body + "\n}\n"


def _checker(inner: Path, line: str) -> str:
    for position in range(len(inner) - 1, -1, -1):
        word = inner[position]
        needed = _CHECKER.get(word, "")
        if position + 1 < len(inner) or line.split()[0] in needed.split():
            needed = "path /\n" if word == "url" and not line.startswith("path") else ""
        line = f"{word} {{\n{needed}{line}\n}}"
    return line


def good(term: Term) -> str:
    """A value that the term takes."""
    if term.kind == "oneof":
        return term.choices[0]
    if term.kind in ("int", "dec") and term.low and float(term.low) > 0:
        return term.low
    return _GOOD.get(term.kind, "abc")


def generated() -> Iterator[tuple[str, str]]:
    """For every keyword of the table: bare, right, one word too many, and values beside its range."""
    words = table()
    for path in words.paths:
        around = words.get(path[:-1], path[-1]) if path else None
        if words.head(path) or path == ("preprocessor",) or (around and not around.opens):
            continue  # free lines and words inside a line have cases of their own
        for row in words.block(path).values():
            tail = " {\n}" if row.opens else ""
            needed = [good(term) for term in row.arguments if not term.optional and term.kind != "words"]
            lines = {"bare": [], "good": needed}
            if row.arguments and row.arguments[0].kind not in _FREE:
                lines.update(_odd(row.arguments[0], needed[1:]))
            if row.counts:
                lines["twice"] = [*needed, *tail.split(), "\n", row.name, *needed]
            if not tail:
                optional = [good(term) for term in row.arguments if term.optional]
                lines["extra"] = [*needed, *optional, "zzz"]
            for kind, arguments in lines.items():
                text = block(path, " ".join([row.name, *arguments]) + tail)
                if text is not None:
                    yield f"{'.'.join(path)}|{row.name}|{kind}", text


def _odd(term: Term, others: list[str]) -> dict[str, list[str]]:
    values = {"junk": "junk", "negative": "-1"}
    if term.kind in ("int", "port"):
        values["fraction"] = "1.5"
        if term.low:
            values["below"] = str(int(term.low) - 1)
        if term.high:
            values |= {"above": str(int(term.high) + 1), "top": term.high}
    if term.kind == "dec":
        values |= {"zero": "0", "huge": "99999"}
    return {name: [value, *others] for name, value in values.items()}


def _within(blocks: tuple[str, ...], *lines: str) -> Iterator[tuple[str, str]]:
    """Each line alone in the nested blocks of an instance, with all kinds of trackers defined before."""
    before = SECURE + SCRIPT + "track_file tf {\n file /tmp/tf\n}\nvrrp_track_process tp {\n process nginx\n}\n"
    for line in lines:
        without = ("virtual_ipaddress",) if blocks == ("virtual_ipaddress",) else ()
        yield f"{'/'.join(blocks) or 'instance'}: {line!r}", before + instance(_nested(blocks, line), without=without)


def written() -> Iterator[tuple[str, str]]:
    """Cases that no single row tells."""
    lines: tuple[str, ...]
    for kind, name in (("script", "chk"), ("file", "tf"), ("process", "tp")):
        lines = (
            "",
            "weight 300",
            "weight 254",
            "weight -254",
            "weight abc",
            "weight",
            "weight 3 reverse",
            "weight 3 x",
        )
        lines += ("weight reverse", "weight -10 noreverse", "foo 3", "reverse")
        yield from _within((f"track_{kind}",), *(f"{name} {line}".strip() for line in lines), f"{name}\n{name}")
    yield from _within(("track_script",), "nochk", '"chk" weight "5"')
    yield from _within(("track_process",), "np")
    yield from _within(("track_bfd",), "nb")
    yield from _within(
        ("track_interface",),
        *("eth1", "eth0", "eth1 weight 254", "eth1 weight 300", "eth1 weight 20 reverse", "eth1 eth0"),
        *("eth1 weight 20 noreverse", "eth1\neth1", "eth0 weight 5"),
    )
    yield from _within(("virtual_ipaddress",), *ADDRESSES)
    yield from _within(("unicast_peer",), *PEERS)
    yield from _within(("authentication",), *AUTHENTICATIONS)
    yield from _within(("virtual_routes",), *ROUTES)
    yield from _within(("virtual_rules",), *RULES)
    yield from _within((), *INSTANCES)
    yield from _within((), *(f"strict_mode\n{line}" for line in INSTANCES))
    yield from _within((), *(f"version 3\n{line}" for line in INSTANCES))
    for line in SCRIPTS:
        text = SECURE + f"vrrp_script chk {{\n{line}\n}}\n" + instance("track_script {\n chk\n}")
        yield f"vrrp_script: {line!r}", text
    for line in GROUPS:
        yield f"vrrp_sync_group: {line!r}", SECURE + two() + f"vrrp_sync_group G {{\n{line}\n}}\n"
    for line in BESIDE:
        yield f"{line.split()[0]}: {line!r}", SECURE + line + "\n" + instance()
    yield from _whole()


BESIDE = (
    *(f"track_group g {{\n{lines}\n}}" for lines in ("", "group {\n}", "group {\nV\n}\ngroup {\nV\n}")),
    *(f"track_group g {{\ngroup {{\nV\n}}\n}}\ntrack_group {other} {{\ngroup {{\nV\n}}\n}}" for other in "gh"),
    *(
        f"track_file f {{\nfile /tmp/x\ninit_file {words}\n}}"
        for words in ("overwrite", "5", "+5", "overwrite 5", "5 6", "-5", '""', "2147483648")
    ),
    *(f"vrrp_script s {{\nscript /bin/true\ninterval {number}\n}}" for number in ("1.0000001", "1.0", "1.")),
    "track_file f {\nfile /tmp/x\nweight 3\nweight 4\n}",
    *(
        f"vrrp_track_process p {{\nprocess x\n{lines}\n}}"
        for lines in (
            *("weight 3\nweight 4", "quorum_max 0", "quorum 5\nquorum_max 3", "quorum_max 3\nquorum 5"),
            *("quorum_max 0\nquorum 2", "quorum 2\nquorum_max 0", "quorum 3\nquorum_max 3", "param_match"),
        )
    ),
    *(
        f"bfd_instance b {{\nneighbor_ip 10.9.0.9\n{lines}\n}}"
        for lines in (
            *("ttl 3\nmax_hops 20", "max_hops -1", "max_hops -1\nttl 9", "max_hops 255", "ttl 9\nmax_hops 9"),
            *("}\nbfd_instance b {\nneighbor_ip 10.9.0.8", "}\nbfd_instance c {\nneighbor_ip 10.9.0.9"),
            *("neighbor_ip 10.9.0.8", "source_ip 2001:db8::1", "vrrp\nchecker"),
        )
    ),
    *(f"bfd_instance b {{\nneighbor_ip 2001:db8::9\nmax_hops {hops}\n}}" for hops in (-1, 64, 65)),
)
ADDRESSES = (
    *("", "10.0.0.1/24", "10.0.0.1/33", "10.0.0.1/x", "10.0.0.1/", "10.0.0.1/0", "10.0.0.256", "fe80::1"),
    *("10.0.0.1\nfe80::1", "fe80::1\n2001:db8::1/64", "2001:db8::1", "10.0.0.1 dev eth1", "10.0.0.1 dev"),
    *("10.0.0.1 scope global", "10.0.0.1 scope foo", "10.0.0.1 scope 300", "10.0.0.1 scope 5", "10.0.0.1 scope"),
    *("10.0.0.1 label eth0:1", "10.0.0.1 label xx", "10.0.0.1 label eth0:123456789012345", "10.0.0.1/24 brd +"),
    *("10.0.0.1/24 brd -", "10.0.0.1/24 brd 10.0.0.255", "10.0.0.1/24 brd foo", "10.0.0.1/24 broadcast +"),
    *("10.0.0.1 brd +", "10.0.0.1/31 brd +", "10.0.0.1/30 brd +", "10.0.0.1 brd", "10.0.0.1 peer 10.0.0.2"),
    *("10.0.0.1 peer 10.0.0.2/24", "10.0.0.1/24 peer 10.0.0.2", "10.0.0.1 peer fe80::1", "10.0.0.1 peer"),
    *("10.0.0.1 home", "fe80::1 home", "fe80::1 -nodad", "10.0.0.1 -nodad", "fe80::1 mngtmpaddr"),
    *("10.0.0.1 noprefixroute", "10.0.0.1 autojoin", "10.0.0.1 no_track", "fe80::1 preferred_lft 0"),
    *("fe80::1 preferred_lft forever", "fe80::1 preferred_lft x", "10.0.0.1 preferred_lft 5", "10.0.0.1 use_vmac"),
    *("10.0.0.1 use_vmac vrrp.9", "10.0.0.1 track_group g", "10.0.0.1 foo", "10.0.0.1\n10.0.0.1", "fe80::1 label x"),
    *("fe80::1 scope link", "224.0.0.1", "0.0.0.0", "127.0.0.1", "10.0.0.01", "::ffff:10.0.0.1", "10.0.0.1;"),
    *("10.0.0.1 mtu 5", "10.0.0.1-5", "10.211.55.22", "fe80::1 brd +", "10.0.0.1 scope link dev eth1 label eth1:x"),
    *(
        "dev eth0 10.0.0.1",
        "10.0.0.1 # a comment",
        '"10.0.0.1"',
        "10.0.0.1 { dev eth1 }",
        "1.2.3",
        "::",
        "fe80::1%eth0",
    ),
    *(
        "10.0.0.1 10.0.0.2",
        "10.0.0.1 dev eth1 dev eth0",
        "10.0.0.1/24 brd 10.0.0.255 brd +",
        "1.2.3.4/-1",
        "fe80::1/129",
    ),
)
PEERS = (
    *("10.211.55.23/24", "10.211.55.23-5", "10.211.55.23-5/24"),
    *("", "10.211.55.23", "10.211.55.22", "fe80::2", "abc", "10.211.55.23 min_ttl 300", "10.211.55.23 min_ttl"),
    *("10.211.55.23 min_ttl 250 max_ttl 255", "10.211.55.23 min_ttl 255 max_ttl 250", "10.211.55.23 foo"),
    *("10.211.55.23 10.211.55.24", "10.211.55.23\n10.211.55.24", "10.211.55.23\n10.211.55.23", "224.0.0.18"),
    "10.211.55.23 foo 5",
)
AUTHENTICATIONS = (
    *("auth_type PASS\nauth_pass a\\#b", 'auth_type PASS\nauth_pass "a\\#b"', "auth_type PASS\nauth_pass \\!b"),
    *("", "auth_type PASS", "auth_type PASS\nauth_pass 1111", "auth_type PASS\nauth_pass 123456789", "auth_pass x"),
    *('auth_type PASS\nauth_pass ""', "auth_type PASS\nauth_pass", "auth_type", "auth_type FOO\nauth_pass x"),
    *("auth_type AH\nauth_pass x", "auth_type pass\nauth_pass x", "auth_type NONE", "auth_type PASS\nauth_pass a b"),
    *('auth_type PASS\nauth_pass "a b"', "auth_type PASS\nauth_pass a#b", "auth_type AH\nauth_pass 123456789"),
    *("auth_type PASS\nauth_pass 1\nauth_pass 2", "auth_type PASS\nauth_type AH\nauth_pass 2", "auth_key 5"),
)
ROUTES = (
    *("", "10.1.0.0/16 via 10.211.55.1", "default via 10.211.55.1", "10.1.0.0/16 dev eth1", "10.1.0.0/16"),
    *("blackhole 10.1.0.0/16", "unreachable 10.1.0.0/16", "to 10.1.0.0/16 via 10.211.55.1", "via 10.211.55.1"),
    *("10.1.0.0/33 via 10.211.55.1", "10.1.0.0/16 via abc", "10.1.0.0/16 via fe80::1", "10.1.0.0/16 via"),
    *("src 10.211.55.22 10.1.0.0/16 via 10.211.55.1", "10.1.0.0/16 via 10.211.55.1 src 10.211.55.22 metric 5"),
    *("10.1.0.0/16 via 10.211.55.1 table main", "10.1.0.0/16 via 10.211.55.1 table 300", "10.1.0.0/16 gw 10.211.55.1"),
    *("10.1.0.0/16 via 10.211.55.1 table nosuchtable", "10.1.0.0/16 via 10.211.55.1 metric x", "foo"),
    *("10.1.0.0/16 via 10.211.55.1 scope link", "10.1.0.0/16 via 10.211.55.1 scope foo", "10.1.0.0/16 foo 5"),
    *("10.1.0.0/16 via 10.211.55.1 mtu 1400", "10.1.0.0/16 via 10.211.55.1 mtu lock 1400 advmss 1200"),
    *("10.1.0.0/16 via 10.211.55.1 rtt 5ms", "10.1.0.0/16 via 10.211.55.1 rto_min 2s", "10.1.0.0/16 dev eth0 onlink"),
    *("10.1.0.0/16 nexthop via 10.211.55.1 weight 2 nexthop via 10.211.55.2", "10.1.0.0/16 nexthop foo"),
    *("10.1.0.0/16 nexthop via 10.211.55.1 weight 300", "10.1.0.0/16 nexthop dev eth0 weight 256", "default dev eth0"),
    *("2001:db8::/32 via fe80::1", "default6 via fe80::1", "10.1.0.0/16 via 10.211.55.1 no_track", "inet default"),
    *(
        "10.1.0.0/16 via 10.211.55.1 protocol static",
        "10.1.0.0/16 via 10.211.55.1 protocol 300",
        "type blackhole 10.1.0.0/16",
    ),
    *("10.1.0.0/16 via 10.211.55.1 tos 16", "10.1.0.0/16 via 10.211.55.1 tos 0x10", "10.1.0.0/16 via inet 10.211.55.1"),
    *("10.1.0.0/16 via 10.211.55.1 preference 5", "10.1.0.0/16 via 10.211.55.1 priority 5", "10.1.0.0/16 oif eth1"),
    *(
        "10.1.0.0/16 or 10.211.55.1",
        "all via 10.211.55.1",
        "any via 10.211.55.1",
        "10.1.0.0/16 via 10.211.55.1 hoplimit 300",
    ),
)
RULES = (
    *(
        "",
        "from 10.0.0.0/8 table 5 preference 100",
        "from 10.0.0.0/8 table 5",
        "from 10.0.0.0/8",
        "to 10.0.0.0/8 lookup main",
    ),
    *("from all table 5 priority 5", "from 10.0.0.0/8 to fe80::/10 table 5 order 5", "iif eth0 table 5 preference 6"),
    *(
        "iif eth0 blackhole preference 6",
        "from 10.0.0.0/8 goto 500 preference 6",
        "from 10.0.0.0/8 goto 5 preference 600",
    ),
    *(
        "fwmark 5/0xff table 5 preference 5",
        "fwmark x table 5 preference 5",
        "not from 10.0.0.0/8 table 5 preference 5",
    ),
    *("from 10.0.0.0/8 sport 80 table 5 preference 5", "from 10.0.0.0/8 sport 80-80 table 5 preference 5"),
    *(
        "from 10.0.0.0/8 ipproto tcp dport 80-90 table 5 preference 5",
        "from 10.0.0.0/8 uidrange 5-9 table 5 preference 5",
    ),
    *("from 10.0.0.0/8 table 5 preference x", "from 10.0.0.0/8 table 5 preference 5 suppress_prefixlength 0", "foo"),
    *("from 10.0.0.0/8 table 5 preference 5 no_track", "inet6 from fe80::/10 table 5 preference 5", "from abc table 5"),
    *(
        "from 10.0.0.0/8 unreachable preference 5",
        "from 10.0.0.0/8 prohibit preference 5",
        "from 10.0.0.0/8 nop preference 5",
    ),
    *("from 10.0.0.0/8 type prohibit preference 5", "dev eth0 table 5 preference 5", "oif eth0 table 5 preference 5"),
    *("from 10.0.0.0/8 table 5 preference 5 protocol static", "tos 16 table 5 preference 5", "l3mdev preference 5"),
)
INSTANCES = (
    *(
        f"{keyword} {number}"
        for keyword in ("garp_master_delay", "garp_lower_prio_repeat", "down_timer_adverts", "preempt_delay", "version")
        for number in ("3s", "s", "-3s", "2.5.5")
    ),
    *("mcast_src_ip 10.211.55.22\nmcast_src_ip fe80::1", "mcast_dst_ip 10.9.9.9", "mcast_dst_ip fe80::9"),
    *(
        "priority 500\nstate MASTER",
        "priority 10\npriority x\nstate MASTER",
        "priority 255\ntrack_process {\ntp weight 3\n}",
    ),
    *(f"priority 255\ntrack_file {{\ntf{weight}\n}}" for weight in ("", " weight 1", " weight 3", " weight 0")),
    *("priority 5 \\", "priority 5 \\ # 7", "priority 5\\# 7", "accept \\", "\\# eth1", 'priority "5 \\# 7"'),
    *('garp_master_delay ""', "garp_master_delay -0", 'preempt_delay ""', "preempt_delay -0", "priority -0"),
    *("preempt_delay 1.0000016", "preempt_delay 1.0000000", "advert_int 1.0000000", "native_ipv6"),
    *("mcast_src_ip 10.211.55.22/24", "mcast_src_ip 10.211.55.22-5", "mcast_src_ip 10.211.55.22/24-5"),
    *("priority 0", "priority 256", "priority 100x", "priority 255", "priority 10\npriority 20", "advert_int 0.5"),
    *("advert_int 1.4", "advert_int 300", "advert_int 1s", "advert_int 50", "advert_int 0.015", "advert_int 2.5"),
    *("state FOO", "state master", "state MASTER", "state MASTER\npriority 100", "state BACKUP\npriority 255"),
    *("state BACKUP\nstate MASTER", "state MASTER\nstate BACKUP", "state MASTER\nnopreempt", "nopreempt\npreempt"),
    *("state MASTER\npriority 100\nnopreempt", "state MASTER\npreempt_delay 5", "preempt\nnopreempt"),
    *("state MASTER\npriority 100\npreempt_delay 4", "priority 255\npreempt_delay 4", "nopreempt\npreempt_delay 5"),
    *("nopreempt\npriority 255", "nopreempt 1", "nopreempt off", "preempt_delay 5", "preempt_delay 0", "accept"),
    *("no_accept", "accept\npriority 255", "no_accept\npriority 255", "skip_check_adv_addr off", "unicast_ttl 5"),
    *("mcast_src_ip 10.211.55.22", "mcast_src_ip fe80::1", "unicast_src_ip 10.211.55.22", "mcast_dst_ip 10.1.1.1"),
    *("mcast_dst_ip 224.0.0.20", "use_vmac", "use_vmac foo", "use_vmac vrrp.55 aa:bb:cc:dd:ee:ff", "use_vmac a b"),
    *("use_vmac aa:bb:cc:dd:ee:ff", "use_vmac\nvmac_xmit_base", "vmac_xmit_base", "track_src_ip", "native_ipv6"),
    *("use_vmac\nunicast_peer {\n10.211.55.23\n}", "unicast_fault_no_peer", "check_unicast_src", "garp_extra_if 10"),
    *("unicast_fault_no_peer\nunicast_src_ip 10.211.55.22", "unicast_peer {\n10.211.55.23\n}\nunicast_ttl 5"),
    *("mcast_src_ip 10.211.55.22\nunicast_peer {\n10.211.55.23\n}", "unicast_peer {\n10.211.55.23\n}"),
    *("mcast_dst_ip 224.0.0.5\nunicast_peer {\n10.211.55.23\n}", "old_unicast_checksum", "old_unicast_checksum never"),
    *("old_unicast_checksum foo", "garp_extra_if all 10", "down_timer_adverts 4", "garp_lower_prio_repeat 2"),
    *("garp_lower_prio_delay 3", "garp_lower_prio_delay 0", "higher_prio_send_advert", "lower_prio_no_advert off"),
    *("lower_prio_no_advert on", "garp_master_repeat 0", "garp_master_repeat 1", "garp_master_refresh 5"),
    *("authentication {\nauth_type PASS\nauth_pass x\n}", "authentication {\nauth_type AH\nauth_pass x\n}"),
    *(
        'notify_master ""',
        "notify_master /bin/true\nnotify_master /bin/false",
        "notify \"/bin/true 'a b'\"",
        "notify_deleted",
    ),
    *("notify_deleted /bin/true", "notify_stop /bin/true root root", "notify_fault /bin/true root", "version 2"),
    *("virtual_ipaddress {\n10.211.55.51\n}", "virtual_ipaddress_excluded {\nfe80::5\n10.9.9.9\n}", "interface eth1"),
    *(
        "virtual_router_id 7",
        "track_script {\nchk\n}",
        "priority 255\ntrack_script {\nchk weight 5\n}",
        "bogus",
        "bogus 5",
    ),
    *("bogus {\n priority 5\n}", "priority 5 {\n}", "priority 5 extra", "priority 5 # comment", "priority 5 ! comment"),
    *('priority "5"', "priority\t5", "PRIORITY 5", "priority 5;", "debug 1", "smtp_alert", "dont_track_primary"),
    *(
        "promote_secondaries",
        "vrf foo",
        "linkbeat_use_polling",
        "use_ipvlan",
        "use_ipvlan 10.211.55.29",
        "preempt_delay 0.5",
    ),
)
SCRIPTS = (
    *(
        'script "/bin/true"',
        "script /bin/true -x",
        "script",
        'script ""',
        "interval 1",
        'script "/bin/true"\ninterval 0',
    ),
    *('script "/bin/true"\ninterval 0.0001', 'script "/bin/true"\ninterval 5000', 'script "/bin/true"\ntimeout 0'),
    *('script "/bin/true"\nweight 254', 'script "/bin/true"\nweight x', 'script "/bin/true"\nweight 5 reverse'),
    *(
        'script "/bin/true"\nweight 5 foo',
        'script "/bin/true"\nrise 0',
        'script "/bin/true"\nfall -1',
        "script '/bin/true x'",
    ),
    *('script "/bin/true"\nrise 99999999999', 'script "/bin/true"\nuser root', 'script "/bin/true"\nuser root root'),
    *('script "/bin/true"\nuser', 'script "/bin/true"\ninit_fail', 'script "/bin/true"\ninterval 0.5', "bogus"),
    *('script "/bin/true"\ninterval 2\ntimeout 5', 'script "/bin/true x"\nscript "/bin/false"'),
)
GROUPS = (
    *("group {\n V\n W\n}", "group {\n V W\n}", "group {\n V\n}", "group {\n}", "", "group {\n V\n X\n}"),
    *("group {\n V\n V\n}", "group {\n V\n W\n}\nglobal_tracking", "group {\n V\n W\n}\nsync_group_tracking_weight"),
    *(
        "group {\n V\n W\n}\nnotify_master /bin/true",
        "group {\n V\n W\n}\nnotify_deleted",
        "group {\n V\n W\n}\npriority 3",
    ),
    *("group {\n V\n W\n}\nsmtp_alert foo", "group {\n V\n W\n}\ntrack_interface {\n eth1 weight 10\n}"),
    *("group {\n V\n W\n}\ngroup {\n V\n W\n}", "group {\n V\n W\n}\nnotify /bin/true root root"),
    "group {\n V\n W\n}\nnotify_backup /bin/true\nnotify_backup /bin/false",
)


def _whole() -> Iterator[tuple[str, str]]:
    """Whole files: structure, expansion, order, clashes."""
    good_one = instance()
    group = "vrrp_sync_group G {\n group {\n V\n W\n }\n}\n"
    weighted = 'vrrp_script chk {\n script "/bin/true"\n weight 5\n}\n'
    yield "empty file", ""
    yield "name at the end of a line that ends in CR LF", ("$X=7\n" + instance("priority $X")).replace("\n", "\r\n")
    yield "vrf above interface", instance("vrf eth1", "interface eth0", without=("interface",))
    yield "group of servers with two names", good_one + "virtual_server_group a b {\n 10.0.0.1 80\n}\n"
    yield "static_routes without braces", good_one + "static_routes\n}\n"
    for track in (
        "process {\ntp",
        "process {\ntp weight 3",
        "file {\ntf",
        "file {\ntf weight 3",
        "interface {\neth1 weight 3",
    ):
        members = instance(f"track_{track}\n}}") + instance(name="W", vrid=6, vip="10.211.55.51")
        before = SECURE + "track_file tf {\n file /tmp/tf\n}\nvrrp_track_process tp {\n process nginx\n}\n"
        yield f"in a group: {track!r}", before + members + group
    yield "only globals", "global_defs {\n}\n"
    yield "same name twice", good_one + instance(vrid=6)
    yield "same VRID twice", good_one + instance(name="W")
    yield "same VRID, other interface", good_one + instance("interface eth1", name="W")
    yield "same VRID, other family", good_one + instance(name="W", vip="fe80::1")
    yield "same VRID, other group", good_one + instance("mcast_dst_ip 224.0.0.30", name="W")
    yield "no interface", instance(without=("interface",))
    yield "loopback interface", instance("interface lo", without=("interface",))
    for twice in ("id 7 id 8", "port 5 port 6", "inst V inst V"):
        yield f"lvs_sync_daemon, {twice}", f"global_defs {{\n lvs_sync_daemon eth0 {twice}\n}}\n" + good_one
    yield "no VRID", instance(without=("virtual_router_id",))
    yield "no address", instance(without=("virtual_ipaddress",))
    yield "no address, version 3", instance("version 3", without=("virtual_ipaddress",))
    yield "no address, strict", instance("strict_mode", without=("virtual_ipaddress",))
    yield (
        "no address but an excluded one",
        instance("virtual_ipaddress_excluded {\n10.0.0.1\n}", without=("virtual_ipaddress",)),
    )
    for lines in (("version 2",), ("version 3",), ("strict_mode",), ("strict_mode", "version 2"), ("native_ipv6",), ()):
        yield f"IPv6 link-local, {lines}", instance(*lines, vip="fe80::1")
        yield f"IPv6 global, {lines}", instance(*lines, vip="2001:db8::1")
    for name in ("vrrp_instance", "vrrp_script", "vrrp_sync_group", "track_file"):
        yield f"{name} without name", f"{name} {{\n}}\n" + good_one
        yield f"{name} with two names", SECURE + good_one + f"{name} a b {{\n}}\n"
    yield "group before its members", SECURE + group + two()
    yield "two groups with the same members", SECURE + two() + group + group.replace("G", "H")
    yield "weighted script in a group", SECURE + weighted + two("track_script {\nchk\n}") + group
    yield (
        "weighted script of a group",
        SECURE + weighted + two() + group.replace("}\n}", "}\ntrack_script {\nchk\n}\n}"),
    )
    yield "script defined after its use", SECURE + instance("track_script {\nchk\n}") + SCRIPT
    yield "script defined twice", SECURE + SCRIPT + SCRIPT + instance("track_script {\nchk\n}")
    yield "script never tracked", SECURE + SCRIPT + good_one
    yield "globals after the instance", good_one + "global_defs {\nvrrp_version 3\n}\n"
    yield "strict after the instance", instance("preempt_delay 5") + "global_defs {\nvrrp_strict\n}\n"
    yield "unknown block", good_one + "bogus {\n a\n}\n"
    yield (
        "unknown block in an instance, twice nested",
        good_one.replace("interface", "bogus {\n x {\n priority 5\n }\n}\ninterface", 1),
    )
    yield "block without brace", "vrrp_instance V\ninterface eth0\n"
    yield "brace on the next line", good_one.replace("V {", "V\n\n# comment\n{")
    yield "everything behind one brace", "global_defs { router_id x }\n" + good_one
    yield "two statements behind one brace", "global_defs { router_id x smtp_alert }\n" + good_one
    yield "never closed", good_one.rstrip("}\n") + "\n"
    yield "closed once too often", good_one + "}\n"
    yield "braces that balance wrongly", "}\n" + good_one.rstrip("}\n")
    yield (
        "lines block without brace",
        "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\nvirtual_ipaddress\n10.0.0.1\n}\n",
    )
    yield "lines block on one line", good_one.replace("{\n 10.211.55.50\n}", "{ 10.211.55.50 }")
    yield "two addresses on one line", good_one.replace("10.211.55.50", "10.211.55.50 10.211.55.51")
    yield "words before the brace of a block", instance("authentication zz {\nauth_type PASS\nauth_pass x\n}")
    yield "words before the brace of lines", instance("track_interface zz {\neth1\n}")
    yield "long line", "global_defs {\nrouter_id " + "a" * 1100 + "\n}\n" + good_one
    yield "long comment", "# " + "c" * 1100 + "\n" + good_one
    yield "long comment of blanks", "# " + "c" * 1021 + " " * 80 + "\n" + good_one
    yield "include behind a brace", "global_defs { include nothing-of-that-name*.conf\n}\n" + good_one
    yield "definition behind a brace", good_one.replace("V {", "V { $X=5").replace("router_id 5", "router_id $X")
    yield "same name twice, the second broken", good_one + good_one.replace("interface", "bogus {\n}\ninterfac")
    yield "no name, and broken inside", "vrrp_instance {\nbogus {\n}\n}\n" + good_one
    yield "interface name too long", good_one.replace("eth0", "eth0123456789012")
    yield "sequence in a word", good_one.replace("priority", "x") + "a~LST(x,1,2) b\n"
    yield "quote never closed", good_one + 'global_defs {\nrouter_id "x\n}\n'
    yield "comment in a word", "global_defs {\nrouter_id a#b\n}\n" + good_one
    yield "escaped comment", "global_defs {\nrouter_id a\\#b\n}\n" + good_one
    yield "carriage returns", good_one.replace("\n", "\r\n")
    yield "tabs and blanks", good_one.replace("\n", " \t\n\t ")
    yield "no final newline", good_one.rstrip("\n")
    yield "trailing backslash", good_one.replace("eth0", "eth0 \\")
    yield "definition", "$IF=eth0\n" + good_one.replace("eth0", "$IF")
    yield "definition in braces", "$N=5\n" + good_one.replace("50", "5${N}")
    yield "undefined name in braces", good_one.replace("eth0", "${NONE}")
    yield "undefined name", good_one.replace("router_id 5", "router_id $NONE")
    yield "blank before equals", "$IF =eth0\n" + good_one
    body = "interface eth0 \\\n virtual_router_id 5 \\\n priority 7"
    yield (
        "definition of several lines",
        f"$BODY={body}\nvrrp_instance V {{\n$BODY\nvirtual_ipaddress {{\n10.0.0.1\n}}\n}}\n",
    )
    yield (
        "definition of a block",
        "$VIPS=virtual_ipaddress { \\\n 10.0.0.1 \\\n }\n" + (instance("$VIPS", without=("virtual_ipaddress",))),
    )
    yield "sequence", instance("~SEQ(x,1,3) virtual_ipaddress_excluded {\n~SEQ(x,1,3) 10.0.0.$x\n}")
    yield "sequence of addresses", instance("virtual_ipaddress_excluded {\n~SEQ(x,1,9) 10.0.0.${x}/24 dev eth0\n}")
    yield "sequence downwards", instance("virtual_ipaddress_excluded {\n~SEQ(x,9,-2,1) 10.0.0.$x\n}")
    yield "sequence in hexadecimal", instance("virtual_ipaddress_excluded {\n~SEQx(x,9,12) fe80::$x\n}")
    yield "sequence that is none", instance("virtual_ipaddress_excluded {\n~SEQ(x) 10.0.0.$x\n}")
    yield "list", instance("virtual_ipaddress_excluded {\n~LST(x,10.0.0.1,10.0.0.2) $x\n}")
    yield "list of tuples", instance("virtual_ipaddress_excluded {\n~LST({a,b},{1,2},{3,4}) 10.0.${a}.$b\n}")
    yield "list that is none", instance("virtual_ipaddress_excluded {\n~LST(x) 10.0.0.$x\n}")
    yield "condition that holds", instance("@node priority 5")
    yield "condition that does not hold", instance("@other priority 500")
    yield "negated condition", instance("@^other priority 500")
    yield "condition before a block", good_one + "@other vrrp_instance W {\n interface eth0\n}\n"
    yield "include of nothing", "include nothing-of-that-name.conf\n" + good_one
    yield "include of nothing by wildcard", "include nothing-of-that-name*.conf\n" + good_one
    for word in ("includer", "includem", "includew", "includeb", "includea"):
        yield f"{word} of nothing", f"{word} nothing-of-that-name.conf\n" + good_one
        yield f"{word} of nothing by wildcard", f"{word} nothing-of-that-name*.conf\n" + good_one
    yield (
        "include_check and a missing file",
        "global_defs {\ninclude_check\n}\ninclude nothing-of-that-name.conf\n" + good_one,
    )
    yield "include without a name", "include\n" + good_one
