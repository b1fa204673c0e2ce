"""More cases for the differential test: each word that stands inside a line, each free line, the preprocessor.

Invariant: the name of a case is BLOCK|WORD|KIND, as of `corpus.generated`; together they name every row of the
table, which `test_keywords` counts.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.config.keywords import Keyword, Path, table
from tests.config import corpus

WORDS = {
    "type": "blackhole",
    "to": "10.1.0.0/16",
    "from": "10.0.0.0/8",
    "scope": "link",
    "label": "eth0:1",
    "brd": "+",
    "broadcast": "10.1.1.255",
    "peer": "10.1.1.2",
    "preferred_lft": "0",
    "table": "5",
    "lookup": "5",
    "protocol": "static",
    "tos": "16",
    "dsfield": "16",
    "mtu": "1400",
    "advmss": "1200",
    "rtt": "5ms",
    "rttvar": "5ms",
    "reordering": "3",
    "cwnd": "10",
    "ssthresh": "10",
    "realms": "1/2",
    "rto_min": "2s",
    "features": "ecn",
    "congctl": "cubic",
    "pref": "low",
    "fwmark": "0x5/0xff",
    "suppress_ifgroup": "5",
    "sup_group": "5",
    "uidrange": "0-99",
    "ipproto": "tcp",
    "sport": "80-90",
    "dport": "80",
    "ip": "dst 10.0.0.9",
    "ip6": "dst fe80::9",
    "mpls": "100",
    "ila": "1:2:3:4",
    "track_group": "g",
    "vrf": "eth1",
    "encap": "mpls 100",
    "<name>": "vrrp.5",
    "<mac>": "vrrp.5 02:00:00:00:00:01",
    "weight": "5",
}
"""A good value of words whose term does not tell one."""
PREFIX: dict[str, str] = {
    "static_ipaddress": "10.1.1.1/24 ",
    "virtual_ipaddress": "10.1.1.1/24 ",
    "virtual_ipaddress_excluded": "10.1.1.1/24 ",
    "static_routes": "10.1.0.0/16 via 10.211.55.1 ",
    "virtual_routes": "10.1.0.0/16 via 10.211.55.1 ",
    "nexthop": "10.1.0.0/16 nexthop via 10.211.55.1 ",
    "encap": "10.1.0.0/16 dev eth0 encap ",
    "static_rules": "from 10.0.0.0/8 table 5 preference 100 ",
    "virtual_rules": "from 10.0.0.0/8 table 5 preference 100 ",
    "track_interface": "eth1 ",
    "track_script": "chk ",
    "track_file": "tf ",
    "track_process": "tp ",
    "track_bfd": "b ",
    "unicast_peer": "10.211.55.23 ",
    "use_vmac": "use_vmac ",
    "use_ipvlan": "use_ipvlan ",
    "lb_kind": "lb_kind TUN ",
    "lvs_method": "lvs_method TUN ",
    "sorry_server_lvs_method": "sorry_server 10.0.0.11 80\nsorry_server_lvs_method TUN ",
    "regex_options": "regex abc\nregex_options ",
    "lvs_sync_daemon": "lvs_sync_daemon eth0 V ",
    "lvs_timeouts": "lvs_timeouts ",
}
"""What stands before the words of a block, by its last name."""
INLINE = {"nexthop", "encap", "use_vmac", "use_ipvlan", "lb_kind", "lvs_method", "sorry_server_lvs_method"}
INLINE |= {"regex_options", "lvs_sync_daemon", "lvs_timeouts"}
"""Their words stand on the line of the keyword itself, so in the block around it."""
FREE = {
    "<address>": ("10.1.1.1", "10.1.1.1/24", "2001:db8::1/64", "nowhere", "10.1.1.1/40"),
    "<instance>": ("V", "V\nW", "X"),
    "<interface>": ("eth1", "eth0", "eth1 eth1"),
    "<script>": ("chk", "nochk"),
    "<file>": ("tf", "notf"),
    "<process>": ("tp", "notp"),
    "<bfd>": ("b", "nob"),
    "<peer>": ("10.211.55.23", "fe80::2", "nowhere"),
}
TRACKED = (
    "track_file tf {\n file /tmp/tf\n}\nvrrp_track_process tp {\n process nginx\n}\n"
    "bfd_instance b {\n neighbor_ip 10.211.55.23\n}\n" + corpus.SCRIPT
)


def inside() -> Iterator[tuple[str, str]]:
    """For every word of a line: bare, right, and what is no number where one is needed; every free line."""
    words = table()
    group = corpus.SECURE + corpus.two() + "track_group g {\n group {\n V\n }\n}\n"
    yield "track_group|group|good", group
    yield "track_group|group|used", group + "static_ipaddress {\n 10.8.8.8/24 dev eth0 track_group g\n}\n"
    for path in words.paths:
        if not path or path == ("preprocessor",):
            continue
        around = words.get(path[:-1], path[-1])
        if not words.head(path) and around is not None and around.opens and path[-1] not in PREFIX:
            continue  # keywords with lines of their own: corpus.generated
        for row in words.block(path).values():
            for kind, line in _lines(path, row):
                text = _around(path, line)
                if text is not None:
                    yield f"{'.'.join(path)}|{row.name}|{kind}", text


def bodies() -> Iterator[tuple[str, tuple[str, ...]]]:
    """The same for blocks of an instance alone: the lines, and which ordinary line of the instance to leave out."""
    words = table()
    for path in words.paths:
        if path[:1] != ("vrrp_instance",) or len(path) < 2 or path[-1] not in PREFIX:
            continue
        inner = path[1:]
        while inner and inner[-1] in INLINE:
            inner = inner[:-1]
        for row in words.block(path).values():
            for _, line in _lines(path, row):
                without = ("virtual_ipaddress",) if inner == ("virtual_ipaddress",) else ()
                yield _nested(inner, line), without


def _lines(path: Path, row: Keyword) -> Iterator[tuple[str, str]]:
    before = PREFIX.get(path[-1], "")
    if row.name in FREE or row.name == "<interface>":
        free = FREE[row.name]
        if path[-1] == "notification_email":
            free = ("a@b.example", "a", "a@b.example c@d.example")
        if path[-1] == "interface_up_down_delays":
            free = ("eth0 5", "eth0 5 7", "eth0", "eth0 x", "eth0 300")
        if path[-1] == "use_ipvlan":
            free = ("use_ipvlan ipv.5 10.1.1.1/24", "use_ipvlan ipv.5 nowhere")
        if path == ("virtual_server_group",):
            free = ("10.0.0.9 80", "10.0.0.9-20 80", "nowhere 80", "10.0.0.9 99999", "10.0.0.9")
        yield from ((f"line {number}", line) for number, line in enumerate(free))
        return
    name = "" if row.name.startswith("<") else row.name
    needed = [WORDS.get(row.name) or corpus.good(term) for term in row.arguments[:1]]
    if row.name == "encap":
        needed = [WORDS["encap"]]
    good = f"{before}{name} {' '.join(needed)}".rstrip()
    yield "good", good
    if needed and name:
        yield "bare", f"{before}{name}"
        yield "junk", f"{before}{name} %junk"
    yield "extra", f"{good} zzz"


def _around(path: Path, line: str) -> str | None:
    """The configuration with that line."""
    inner = path
    while inner and inner[-1] in INLINE:
        inner = inner[:-1]
    if inner == ("global_defs", "notification_email"):
        return corpus.SECURE + corpus.settings("notification_email {", line, "}")
    if inner[0] in ("static_routes", "static_rules", "static_ipaddress", "track_group", "linkbeat_interfaces"):
        return corpus.SECURE + corpus.two() + _nested(inner, line)
    if inner[0] in ("interface_up_down_delays", "virtual_server_group"):
        return corpus.SECURE + corpus.instance() + _nested(inner, line)
    if inner == ("garp_group", "interfaces"):
        return corpus.SECURE + corpus.instance() + f"garp_group {{\n garp_interval 1\n interfaces {{\n{line}\n}}\n}}\n"
    text = corpus.block(inner, line)
    if text is None:
        return None
    if inner[-1] in ("track_script", "track_file", "track_process", "track_bfd"):
        text = text.replace(corpus.SECURE, corpus.SECURE + TRACKED, 1)
    if inner == ("vrrp_instance", "virtual_ipaddress"):
        text = text.replace("virtual_ipaddress {\n 10.211.55.50\n}\n", "")
    return text


def _nested(path: Path, line: str) -> str:
    heads = [f"{word} g {{" if word in ("track_group", "virtual_server_group") else f"{word} {{" for word in path]
    return "\n".join((*heads, line, *("}" for _ in heads), ""))


GOOD = corpus.instance()
PREPROCESSOR: dict[str, tuple[str, ...]] = {
    "include": ("include no-such.conf\n" + GOOD, "include {dir}/part.conf\n" + GOOD),
    "includer": ("includer no-such.conf\n" + GOOD, "includer {dir}/part.conf\n" + GOOD),
    "includem": ("includem no-such.conf\n" + GOOD, "includem {dir}/part.conf\n" + GOOD),
    "includew": ("includew no-such*.conf\n" + GOOD, "includew {dir}/par*.conf\n" + GOOD),
    "includeb": ("includeb {no,such}.conf\n" + GOOD, "includeb {dir}/{part,part}.conf\n" + GOOD),
    "includea": ("includea no-such.conf\n" + GOOD, "includea {dir}/part.conf\n" + GOOD),
    "#": ("# bogus {\n" + GOOD, GOOD.replace("5\n", "5 # five\n", 1)),
    "!": ("! bogus {\n" + GOOD, GOOD.replace("5\n", "5 ! five\n", 1)),
    "$NAME=VALUE": ("$N=5\n" + GOOD.replace("router_id 5", "router_id $N"), "$N=\n" + GOOD),
    "$NAME=VALUE\\": ("$N=priority \\\n 7\n" + corpus.instance("$N"), "$N=priority 7 \\\n nopreempt \\\n\n" + GOOD),
    "$NAME": ("$N=V\n" + GOOD.replace(" V ", " $N "), GOOD.replace(" V ", " $N ")),
    "${NAME}": ("$N=0\n" + GOOD.replace("eth0", "eth${N}"), GOOD.replace("eth0", "eth${N}")),
    "${_PWD}": ("include ${_PWD}/part.conf\n" + GOOD, corpus.settings("router_id ${_PWD}")),
    "${_INSTANCE}": (corpus.settings("router_id ${_INSTANCE}x"), "instance abc\n" + corpus.settings("router_id x")),
    "${_RANDOM}": (corpus.instance("priority ${_RANDOM 5 9}"), corpus.instance("priority ${_RANDOM 9 5}")),
    "${_HASH}": (corpus.settings("router_id a${_HASH}b"),),
    "${_BANG}": (corpus.settings("router_id a${_BANG}b"),),
    "${_ENV NAME}": (corpus.settings("router_id ${_ENV HOME}x"),),
    "@ID": (corpus.instance("@node priority 7"), corpus.instance("@other bogus")),
    "@^ID": (corpus.instance("@^node bogus"), corpus.instance("@^other bogus")),
    "~SEQ": (corpus.instance("virtual_ipaddress_excluded {\n~SEQ(n,1,4,9) 10.0.9.$n\n}"), "~SEQ(n) a\n" + GOOD),
    "~SEQx": (corpus.instance("virtual_ipaddress_excluded {\n~SEQx(n,9,11) fe80::$n\n}"), "~SEQx(n) a\n" + GOOD),
    "~LST": (corpus.instance("virtual_ipaddress_excluded {\n~LST(n,1,4) 10.0.9.$n\n}"), "~LST(n) a\n" + GOOD),
    "{": (GOOD.replace("V {", "V\n{"), "{\n" + GOOD),
    "}": (GOOD, GOOD + "}\n"),
    "DQUOTE": (corpus.settings('router_id "a b"'), corpus.settings('router_id "a b')),
}
"""Word -> whole files; {dir}/part.conf is a file that is there, with nothing in it but a comment."""


def preprocessor(directory: str) -> Iterator[tuple[str, str]]:
    """For every word of the preprocessor."""
    for word, texts in PREPROCESSOR.items():
        for number, text in enumerate(texts):
            yield f"preprocessor|{word}|{number}", text.replace("{dir}", directory)
