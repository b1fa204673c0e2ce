"""The values of the model beside keepalived's own dump (SIGUSR1), for hundreds of instances at once."""

from __future__ import annotations

import ipaddress
import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config.build import load
from engine.config.model import NS_PER_S, Address, Instance, Route, Rule, Track
from tests.config import corpus, corpus_lines
from tests.config.reading import config, disk, reading

pytestmark = [pytest.mark.net, pytest.mark.timeout(600)]
NAMESPACE = f"cfg-dump-{os.getpid()}"
BEFORE = (
    corpus.SECURE + corpus.SCRIPT + "track_file tf {\n file /tmp/hatui-no-such-file\n}\n"
    "vrrp_track_process tp {\n process hatui-no-such-process\n}\n"
)
SCOPES = {0: "global", 253: "link", 254: "host", 255: "nowhere", 200: "site"}
TRACKED = (
    ("track_script", "chk", "chk weight 5", "chk weight -5 reverse", "chk weight 254"),
    ("track_interface", "eth1", "eth1 weight 7 reverse", "eth0 weight 5", "eth1 weight 254"),
    ("track_file", "tf", "tf weight -3", "tf weight 3 reverse"),
    ("track_process", "tp", "tp weight 5", "tp weight -5 reverse"),
)


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    if shutil.which("keepalived") is None or os.geteuid() != 0:
        pytest.skip("needs root and keepalived")

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, capture_output=True)

    ip("netns", "add", NAMESPACE)
    try:
        ip("-n", NAMESPACE, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
        for name, address in (("eth0", "10.211.55.22/24"), ("eth1", "10.9.0.2/24")):
            ip("-n", NAMESPACE, "link", "set", name, "up")
            ip("-n", NAMESPACE, "addr", "add", address, "dev", name)
        yield NAMESPACE
    finally:
        ip("netns", "del", NAMESPACE)


def wait_for(what: str, done: object, deadline_s: float = 30.0) -> None:
    end = time.monotonic() + deadline_s
    while not done():  # type: ignore[operator]
        assert time.monotonic() < end, f"no {what} within {deadline_s} s"
        time.sleep(0.05)


def dump(namespace: str, folder: Path, text: str, role: str = "vrrp") -> str:
    """The data dump of keepalived, of its parent, vrrp or bfd process, for a configuration."""
    (folder / "k.conf").write_text(text)
    pids = [
        f"-{flag}{folder}/{name}.pid" for flag, name in zip("prcb", ("parent", "vrrp", "check", "bfd"), strict=True)
    ]
    command = [
        "ip",
        "netns",
        "exec",
        namespace,
        "keepalived",
        "-n",
        "-l",
        "-G",
        "-D",
        "-P",
        "-f",
        str(folder / "k.conf"),
    ]
    log = folder / "log"
    data = folder / ("keepalived.data" if role == "vrrp" else f"keepalived_{role}.data")
    end = {"vrrp": "------< Interfaces >------", "bfd": " BFD Instance = ", "parent": " umask = "}[role]
    with log.open("w") as out:
        process = subprocess.Popen(
            [*command, *pids], stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(folder)}
        )
    try:
        wait_for("start of keepalived", lambda: "Startup complete" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()[-2000:]
        os.kill(int((folder / f"{role}.pid").read_text()), signal.SIGUSR1)
        seen: list[str] = []

        def stable() -> bool:
            seen.append(data.read_text() if data.exists() else "")
            return len(seen) > 2 and end in seen[-1] and seen[-1] == seen[-3]

        wait_for("dump", stable)
        return seen[-1]
    finally:
        process.terminate()
        process.wait(timeout=60)


def instances_of(text: str) -> dict[str, list[str]]:
    """The lines of each instance of a dump, by its name."""
    topology = text.split("------< VRRP Topology >------")[1].split("------<")[0]
    blocks = re.split(r"^ VRRP Instance = ", topology, flags=re.MULTILINE)[1:]
    return {block.splitlines()[0].strip(): block.splitlines()[1:] for block in blocks}


def fields(lines: list[str]) -> dict[str, object]:
    """The lines of one instance as fields and lists."""
    found: dict[str, object] = {}
    title = ""
    for line in lines:
        if line.startswith("     ") and title:
            entries = found[title]
            assert isinstance(entries, list)
            entries.append(line.strip())
            continue
        title = ""
        name, equals, value = line.strip().partition(" = ")
        if equals:
            found[name] = value
        elif line.rstrip().endswith(":"):
            title = re.sub(r" \(\d+\)", "", line.strip().rstrip(": "))
            found[title] = []
        else:
            found[line.strip()] = True
    return found


def address(one: Address, device: str) -> tuple[object, ...]:
    words = {
        "home": one.home,
        "mngtmpaddr": one.mngtmpaddr,
        "noprefixroute": one.noprefixroute,
        "autojoin": one.autojoin,
        "no_track": not one.track,
        "-nodad": not one.nodad,
        "deprecated": one.family == 6 and one.preferred_lifetime_s == 0,
    }
    full = 32 if one.family == 4 else 128
    shown = one.address if one.prefix == full or one.peer else f"{one.address}/{one.prefix}"
    scope = SCOPES.get(one.scope, str(one.scope))
    flags = frozenset(word for word, given in words.items() if given)
    return (shown, one.interface or device, scope, one.label, one.broadcast, one.peer, flags)


def dumped_address(line: str) -> tuple[object, ...]:
    first, *words = line.split()
    valued = {"dev", "scope", "label", "brd", "peer", "preferred_lft"}
    values = {word: words[at + 1] for at, word in enumerate(words) if word in valued}
    taken = set(values) | set(values.values()) | {"set"}
    if values.get("preferred_lft") == "0":
        taken.add("deprecated")
    flags = frozenset(word for word in words if word not in taken)
    device = values.get("dev", "").split("@")[-1]
    peer = values.get("peer", "").removesuffix("/32").removesuffix("/128")
    name, slash, length = first.partition("/")
    first = str(ipaddress.ip_address(name)) + slash + length
    return (first, device, values.get("scope", ""), values.get("label", ""), values.get("brd", ""), peer, flags)


def tracks(found: object) -> list[tuple[str, int, bool]]:
    """Dumped track lines as name, weight, reverse."""
    assert isinstance(found, list)
    parsed = [re.match(r"(\S+?),?(?: weight (-?\d+))?( reverse)?(?: .*)?$", line) for line in found]
    return [(match[1], int(match[2] or 0), bool(match[3])) for match in parsed if match]


def modelled(found: tuple[Track, ...]) -> list[tuple[str, int, bool]]:
    return [(track.name, track.weight, track.reverse) for track in found]


def differences(ours: Instance, theirs: dict[str, object]) -> list[str]:
    """What the dump says otherwise than the model."""
    announce = ours.announce
    whole = ours.advert_interval // NS_PER_S
    expected: dict[str, object] = {
        "VRRP Version": str(ours.version),
        "Gratuitous ARP delay": str(announce.master_delay // NS_PER_S),
        "Gratuitous ARP repeat": str(announce.master_repeat),
        "Gratuitous ARP refresh": str(announce.master_refresh // NS_PER_S),
        "Gratuitous ARP refresh repeat": str(announce.master_refresh_repeat),
        "Gratuitous ARP lower priority delay": str(announce.lower_prio_delay // NS_PER_S),
        "Gratuitous ARP lower priority repeat": str(announce.lower_prio_repeat),
        "Down timer adverts": str(ours.down_timer_adverts),
        "Send advert after receive lower priority advert": str(not ours.lower_prio_no_advert).lower(),
        "Send advert after receive higher priority advert": str(ours.higher_prio_send_advert).lower(),
        "Virtual Router ID": str(ours.vrid),
        "Priority": str(ours.priority),
        "Advert interval": f"{whole} sec" if ours.version == 2 else f"{ours.advert_interval // 10**6} milli-sec",
        "Preempt": "enabled" if ours.preempt else "disabled",
        "Using smtp notification": "yes" if ours.notify.smtp_alert else "no",
    }
    if not ours.owner:  # an owner accepts whatever the keyword says: RFC 9568 6.1
        expected["Accept"] = "enabled" if ours.accept else "disabled"
    if ours.preempt_delay:
        expected["Preempt delay"] = f"{ours.preempt_delay / NS_PER_S:g} secs"
    if ours.source:
        expected["Using src_ip"] = f"{ours.source} (from configuration)"
    if ours.authentication.kind != "none":
        expected["Authentication type"] = {"pass": "SIMPLE_PASSWORD", "ah": "IPSEC_AH"}[ours.authentication.kind]
        if ours.authentication.kind == "pass":
            expected["Password"] = ours.authentication.key.rstrip(b"\0").decode()
    elif ours.version == 2:
        expected["Authentication type"] = "none"
    wrong = [
        f"{name}: {theirs.get(name)!r}, model {value!r}"
        for name, value in expected.items()
        if theirs.get(name) != value
    ]

    def same(name: str, mine: object, other: object) -> None:
        if mine != other:
            wrong.append(f"{name}: {other!r}, model {mine!r}")

    same("strict", ours.strict, "Enforcing strict VRRP compliance" in theirs)
    same("skip_check_adv_addr", ours.skip_check_adv_addr, "Skip checking advert IP addresses" in theirs)
    same("track_primary", ours.track_primary, "VRRP interface tracking disabled" not in theirs)
    same("preempt delay", bool(ours.preempt_delay), "Preempt delay" in theirs)
    for title, mine in (("Virtual IP", ours.addresses), ("Virtual IP Excluded", ours.excluded_addresses)):
        listed = theirs.get(title, [])
        assert isinstance(listed, list)
        same(title, [address(one, ours.interface) for one in mine], [dumped_address(line) for line in listed])
    for title, followed in (
        ("Tracked interfaces", ours.tracking.interfaces),
        ("Tracked scripts", ours.tracking.scripts),
        ("Tracked files", ours.tracking.files),
        ("Tracked processes", ours.tracking.processes),
    ):
        same(title, modelled(followed), tracks(theirs.get(title, [])))
    no_peer = "If unicast go to fault state if no peers" in [*theirs, *listed_flags(theirs)]
    same("unicast", ours.unicast, "Unicast Peer" in theirs or no_peer)
    peers = theirs.get("Unicast Peer", [])
    assert isinstance(peers, list)
    limits = [f"{one.address} min_ttl {one.min_ttl or 0} max_ttl {255 if one.max_ttl is None else one.max_ttl}"
              for one in ours.unicast_peers]  # fmt: skip
    plain = [one.address for one in ours.unicast_peers]
    same("peers", limits if any("min_ttl" in str(one) for one in peers) else plain, peers)
    if not ours.unicast:
        same("group", ours.group_address, str(theirs.get("Multicast address", "")) or multicast(theirs))
    return wrong


def listed_flags(theirs: dict[str, object]) -> list[str]:
    flags = theirs.get("Flags", [])
    return flags if isinstance(flags, list) else []


def multicast(theirs: dict[str, object]) -> str:
    return next((line.split()[2].rstrip(",") for line in theirs if line.startswith("Multicast address")), "")


def bodies(kind: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Further lines of an instance, and which of its ordinary lines to leave out."""
    if kind in ("plain", "strict", "version 3"):
        first = {"plain": (), "strict": ("strict_mode",), "version 3": ("version 3",)}[kind]
        for line in corpus.INSTANCES:
            yield (*first, line), ()
        return
    if kind == "words":
        others = ("%junk", "virtual_routes", "virtual_rules", "track_bfd")  # no such device; compared below
        for body, without in corpus_lines.bodies():
            if not any(word in body for word in others):
                yield (body,), without
        return
    for line in corpus.ADDRESSES:
        yield (f"virtual_ipaddress {{\n{line}\n}}",), ("virtual_ipaddress",)
    for line in corpus.PEERS:
        yield (f"unicast_peer {{\n{line}\n}}",), ()
    for line in corpus.AUTHENTICATIONS:
        yield (f"authentication {{\n{line}\n}}",), ()
    for block, *lines in TRACKED:
        for line in lines:
            yield (f"{block} {{\n{line}\n}}",), ()


def usable(text: str) -> bool:
    """keepalived would start with it, and no brace goes astray."""
    loaded = reading(BEFORE + text)
    lost = {"C-BRACE", "C-BRACE-OPEN", "C-UNCLOSED", "C-QUOTE"}
    return loaded.config is not None and not any(one.code in lost or one.exit_code == 2 for one in loaded.diagnostics)


@pytest.mark.parametrize("kind", ["plain", "strict", "version 3", "blocks", "words"])
def test_model_holds_what_keepalived_dumps(namespace: str, tmp_path: Path, kind: str) -> None:
    text = BEFORE
    number = 0
    for lines, without in bodies(kind):
        if not usable(corpus.instance(*lines, without=without)) or any(
            word in " ".join(lines) for word in ("virtual_router_id", "use_vmac", "use_ipvlan", "vrf")
        ):
            continue  # two of one number would clash; devices of their own would be made
        number += 1
        text += corpus.instance(*lines, without=without, name=f"I{number}", vrid=number)
    assert number > 60
    said = instances_of(dump(namespace, tmp_path, text))
    ours = config(load(str(tmp_path / "k.conf"), *disk()))
    assert len(ours.instances) == number
    wrong = []
    for one in ours.instances:
        for line in differences(one, fields(said[one.name])):
            source = text.splitlines()[one.line - 1 : one.line + 12]
            wrong.append(f"{one.name}: {line}\n    {' ; '.join(source)[:300]}")
    assert not wrong, "\n".join(wrong)


def clean(text: str) -> bool:
    """Nothing in it is wrong."""
    return not any(one.severity == "error" for one in reading(BEFORE + text).diagnostics)


def route_words(line: str) -> dict[str, str]:
    """A dumped route as its words; first the destination."""
    words = line.split()
    kinds = {"blackhole", "unreachable", "prohibit", "throw", "unicast", "local", "broadcast", "multicast", "nat"}
    found: dict[str, str] = {"kind": "unicast"}
    flags = {"onlink", "no_track", "inet", "inet6", "prepend", "append", "add", "nexthop"}
    while words:
        word = words.pop(0)
        if word in kinds:
            found["kind"] = word
        elif word in flags:
            found.setdefault(word, "")
        elif "to" not in found:
            found["to"] = word
        elif words:
            value = words.pop(0)
            if value in ("inet", "inet6", "lock") and words:
                value = words.pop(0)
            found.setdefault(word, value)
    return found


def route_differences(ours: Route, line: str) -> list[str]:
    """What a dumped route says otherwise than the model. Not the protocol: keepalived marks what it tracks
    with its own number whatever the line says, and leaves the mark out where it does not."""
    theirs = route_words(line)
    expected = {
        "to": ours.destination,
        "kind": ours.kind,
        "via": ours.via or None,
        "src": ours.source or None,
        "metric": str(ours.metric) if ours.metric else None,
        "table": str(ours.table) if ours.table != 254 else None,
        "mtu": str(ours.mtu) if ours.mtu else None,
    }
    if ours.interface:
        expected["dev"] = ours.interface
    found = {name: theirs.get(name) for name in expected}
    if theirs.get("table") == "main":
        found["table"] = None
    found["to"] = str(found["to"]).removeprefix("0.0.0.0/0").removeprefix("::/0") or "default"
    hops = theirs.get("nexthop") is not None
    if hops:
        expected["via"] = found["via"]
        expected["dev"] = found["dev"] = None
    return [
        f"{line}: {name} {found[name]!r}, model {value!r}" for name, value in expected.items() if found[name] != value
    ]


def rule_agrees(ours: Rule, line: str) -> bool:
    """Whether a dumped rule says what the model does."""
    words = line.split()
    values = dict(itertools.pairwise(words))
    everything = {"0.0.0.0/0", "::/0", "all", None}
    ends = all(
        values.get(word) in ({mine} if mine else everything)
        for word, mine in (("from", ours.source), ("to", ours.destination))
    )
    does = ours.l3mdev or values.get("lookup") in (str(ours.table), {254: "main"}.get(ours.table))
    if ours.action != "lookup":
        does = ours.action in words
    return ends and does and values.get("priority") == str(ours.preference) and ("not" in words) == ours.invert


def test_routes_and_rules_are_those_of_keepalived(namespace: str, tmp_path: Path) -> None:
    text = BEFORE
    kept = [line for line in corpus.ROUTES if line and clean(corpus.instance(f"virtual_routes {{\n{line}\n}}"))]
    chosen = [line for line in corpus.RULES if line and clean(corpus.instance(f"virtual_rules {{\n{line}\n}}"))]
    assert len(kept) > 20
    assert len(chosen) > 15
    text += corpus.instance("virtual_routes {\n" + "\n".join(kept) + "\n}", name="I1", vrid=1)
    text += corpus.instance("virtual_rules {\n" + "\n".join(chosen) + "\n}", name="I2", vrid=2)
    assert usable(text.removeprefix(BEFORE))
    said = instances_of(dump(namespace, tmp_path, text))
    routes, rules = config(load(str(tmp_path / "k.conf"), *disk())).instances
    dumped = fields(said["I1"])["Virtual Routes"]
    assert isinstance(dumped, list)
    assert len(dumped) == len(routes.routes), "\n".join(
        [*map(str, dumped), "---", *(one.text for one in routes.routes)]
    )
    wrong = [line for one, shown in zip(routes.routes, dumped, strict=True) for line in route_differences(one, shown)]
    assert not wrong, "\n".join(wrong)
    shown_rules = fields(said["I2"])["Virtual Rules"]
    assert isinstance(shown_rules, list)
    assert len(shown_rules) == len(rules.rules), "\n".join([*shown_rules, "---", *(one.text for one in rules.rules)])
    for one, shown in zip(rules.rules, shown_rules, strict=True):
        assert rule_agrees(one, shown), shown


def test_groups_are_those_of_keepalived(namespace: str, tmp_path: Path) -> None:
    group = (
        "vrrp_sync_group G {\n group {\n V\n W\n }\n track_script {\n chk weight 7\n }\n track_interface {\n eth1\n }\n"
        ' notify_master "/bin/true a"\n smtp_alert\n}\n'
    )
    text = BEFORE + corpus.two("track_script {\nchk weight 3\n}", "track_file {\ntf\n}") + group
    said = dump(namespace, tmp_path, text)
    ours = config(load(str(tmp_path / "k.conf"), *disk()))
    shown = said.split("VRRP Sync Group = G")[1].split("VRRP Sync Group")[0].splitlines()[1:]
    found = fields(shown)
    assert found["VRRP member instances"] == list(ours.groups[0].members) == ["V", "W"]
    assert found["Using smtp notification"] == "yes"
    assert ours.groups[0].notify.smtp_alert
    members = instances_of(said)
    assert tracks(fields(members["V"]).get("Tracked files", [])) == modelled(ours.instances[0].tracking.files)
    assert "Tracked scripts" not in fields(members["V"]), "its weight was dropped"
    assert modelled(ours.instances[0].tracking.scripts) == tracks(found["Tracked scripts"])
    assert modelled(ours.instances[1].tracking.interfaces) == tracks(found["Tracked interfaces"])


OTHER_SCRIPTS = {
    "s6": "a fraction of a second is of newer versions, and used here",
    "s21": "the same",
    "s9": "the weight is cut where it would leave no priority; keepalived keeps the number and cuts the priority",
}
"""Differences by number of the case, each with its reason."""


def test_scripts_are_those_of_keepalived(namespace: str, tmp_path: Path) -> None:
    text = corpus.SECURE
    names = []
    for number, body in enumerate((*corpus.SCRIPTS, "interval 3\nrise 2\nfall 3\nweight -4 reverse\ninit_fail")):
        lines = body if body.startswith("script") else f'script "/bin/true"\n{body}'
        block = f"vrrp_script s{number} {{\n{lines}\n}}\n"
        loaded = reading(corpus.SECURE + block + corpus.instance())
        if (
            loaded.config is not None
            and loaded.config.scripts
            and not any(one.exit_code == 2 for one in loaded.diagnostics)
        ):
            text += block
            names.append(f"s{number}")
    assert len(names) > 20
    said = dump(namespace, tmp_path, text + corpus.instance("track_script {\n" + "\n".join(names) + "\n}"))
    blocks = re.split(
        r"^ VRRP Script = ", said.split("------< VRRP Scripts >------")[1].split("------<")[0], flags=re.M
    )
    theirs = {one.splitlines()[0].strip(): fields(one.splitlines()[1:]) for one in blocks[1:]}
    ours = {one.name: one for one in config(load(str(tmp_path / "k.conf"), *disk())).scripts}
    assert set(theirs) == set(ours)
    wrong = []
    for name, one in ours.items():
        found = theirs[name]
        timeout = 0 if one.timeout == one.interval and found.get("Timeout") == "0 sec" else one.timeout
        expected = {
            "Interval": f"{one.interval / NS_PER_S:g} sec",
            "Timeout": f"{timeout / NS_PER_S:g} sec",
            "Weight": f"{one.weight}{' reverse' if one.reverse else ''}",
            "Rise": str(one.rise),
            "Fall": str(one.fall),
        }
        wrong += [f"{name}: {key} {found.get(key)!r}, model {value!r}" for key, value in expected.items()
                  if str(found.get(key, "")).replace(".000000", "") != value]  # fmt: skip
    assert {line.partition(":")[0] for line in wrong} == set(OTHER_SCRIPTS), "\n".join(wrong)


def test_globals_are_those_of_keepalived(namespace: str, tmp_path: Path) -> None:
    lines = (
        *("router_id here", "notification_email {", "a@b.c", "d@e.f", "}", "notification_email_from x@y.z"),
        *("smtp_server 10.211.55.1 2525", "smtp_connect_timeout 7", "smtp_helo_name helo", "vrrp_garp_interval 0.25"),
        *("vrrp_gna_interval 1.5", "vrrp_garp_master_delay 9", "vrrp_garp_master_refresh 60", "vrrp_version 3"),
        *(
            "vrrp_mcast_group4 224.0.0.99",
            "vrrp_mcast_group6 ff02::99",
            "vrrp_down_timer_adverts 5",
            "vrrp_priority -5",
        ),
        *("vrrp_skip_check_adv_addr", "vrrp_lower_prio_no_advert", "vrrp_startup_delay 0.5", "dynamic_interfaces"),
    )
    said = dump(namespace, tmp_path, corpus.SECURE + corpus.settings(*lines))
    whole = config(load(str(tmp_path / "k.conf"), *disk()))
    ours, announce = whole.globals, whole.instances[0].announce
    found = fields(said.split("------< Global definitions >------")[1].split("------<")[0].splitlines())
    smtp = f"{ours.smtp_server} port = {ours.smtp_port}"
    expected = {
        "Router ID": ours.router_id,
        "Email notification from": ours.notification_email_from,
        "Smtp server connection timeout": str(ours.smtp_connect_timeout // NS_PER_S),
        "Gratuitous ARP interval": f"{ours.garp_interval / NS_PER_S:.6f}",
        "Gratuitous NA interval": f"{ours.gna_interval / NS_PER_S:.6f}",
        "Gratuitous ARP delay": str(announce.master_delay // NS_PER_S),
        "Gratuitous ARP refresh timer": str(announce.master_refresh // NS_PER_S),
        "Gratuitous ARP lower priority delay": str(announce.lower_prio_delay // NS_PER_S),
        "VRRP default protocol version": str(whole.instances[0].version),
        "VRRP IPv4 mcast group": whole.instances[0].group_address,
        "Num adverts before down": str(whole.instances[0].down_timer_adverts),
        "VRRP process priority": str(ours.vrrp_priority),
        "VRRP skip check advert addresses": str(ours.skip_check_adv_addr).lower(),
        "VRRP strict mode": str(ours.strict).lower(),
        "Dynamic interfaces": str(ours.dynamic_interfaces).lower(),
        "Send advert after receive lower priority advert": str(not whole.instances[0].lower_prio_no_advert).lower(),
    }
    wrong = [
        f"{name}: {found.get(name)!r}, model {value!r}" for name, value in expected.items() if found.get(name) != value
    ]
    assert not wrong, "\n".join([*wrong, *map(str, found.items())])
    assert smtp.split()[0] in said
    assert all(address in said for address in ours.notification_email)
