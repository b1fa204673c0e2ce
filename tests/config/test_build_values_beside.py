"""The values beside the instances as keepalived's own dump has them: static items, what is tracked, BFD sessions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.config.build import load
from engine.config.model import NS_PER_S, BfdSession, Config
from tests.config import corpus
from tests.config.reading import config, disk, reading
from tests.config.test_build_values import (
    address,
    dump,
    dumped_address,
    fields,
    instances_of,
    modelled,
    namespace,
    route_differences,
    rule_agrees,
    tracks,
)

__all__ = ["namespace"]
pytestmark = [pytest.mark.net, pytest.mark.timeout(300)]
VIA = "via 10.9.0.9 dev eth1"
ENCAPSULATED = (
    f"10.21.0.0/16 encap ip id 5 dst 10.9.0.9 ttl 5 {VIA}",
    f"10.22.0.0/16 encap ip dst 10.9.0.9 src 10.9.0.2 tos 8 {VIA}",
    "2001:db8:21::/48 encap ip6 id 7 dst 2001:db8::9 hoplimit 4 via 2001:db8::9 dev eth1",
    "2001:db8:22::/48 encap ip6 dst 2001:db8::9 tc 9 via 2001:db8::9 dev eth1",
    f"10.23.0.0/16 {VIA} features ecn",
    f"10.24.0.0/16 {VIA} realms 1/2",
    "2001:db8:24::/48 via 2001:db8::9 dev eth1 pref high",
    f"10.25.0.0/16 {VIA} congctl cubic",
    f"10.26.0.0/16 nexthop {VIA} realms 2 nexthop via 10.9.0.8 dev eth1",
    f"10.27.0.0/16 nexthop {VIA} nexthop via 10.9.0.8 dev eth1 encap ip id 3 dst 10.9.0.8",
)
FILES = (
    "file /tmp/no-such-a",
    "file /tmp/no-such-b\nweight 7",
    "file /tmp/no-such-c\nweight -254 reverse",
    "weight 0\nfile /tmp/no-such-d",
    "file /tmp/no-such-e\nfile /tmp/no-such-f\nweight 3\nweight 4",
)
PROCESSES = (
    'process "no-such-a"',
    'process "no-such-l -x y"',
    "process 'no-such-m one' two",
    'process no-such-n "one two" three',
    "process no-such-b one two\nparam_match initial\nweight 4\nquorum 2\nquorum_max 5",
    'process "no-such-c" one\nparam_match partial\nweight -4 reverse\ndelay 3',
    "process no-such-d\nfork_delay 0.25\nterminate_delay 2\nfull_command",
    "process no-such-e\nquorum_max 0",
    "process no-such-h\nquorum 5\nquorum_max 3",
    "process no-such-i\nquorum_max 3\nquorum 5",
    "process no-such-j\nquorum_max 0\nquorum 2",
    "process no-such-k\nquorum 2\nquorum_max 0",
    "process no-such-g\nweight 3\nweight 4\nquorum 2\nquorum 3\nfork_delay 1\nfork_delay 2\nquorum_max 4\nquorum_max 5",
    "process no-such-f\nparam_match\nquorum 3\nquorum_max 3",
)
SESSIONS = (
    "neighbor_ip 10.9.0.9",
    "neighbour_ip 10.9.0.10\nsource_ip 10.9.0.2\nmin_rx 50\nmin_tx 60\nidle_tx 2000\nmultiplier 4\npassive",
    "neighbor_ip 10.9.0.11\nttl 3\nmax_hops 2\nweight 5 reverse",
    "neighbor_ip 10.9.0.12\nhoplimit 9\nmax_hops -1\nweight -253",
    "neighbor_ip 2001:db8::9",
    "neighbor_ip 2001:db8::10\nttl 7\nvrrp",
    "neighbor_ip 10.9.0.13\nchecker",
    "neighbor_ip 10.9.0.14\nvrrp\nchecker\nmin_rx 1.5",
    "min_rx 5",
    "neighbor_ip 10.9.0.9",
    "neighbor_ip 10.9.0.17\nsource_ip 2001:db8::1",
    "neighbor_ip 10.9.0.15\nneighbor_ip 10.9.0.16\nweight 3\nweight 4\nttl 5\nttl 6\nmin_rx 50\nmin_rx 60",
)
TRACKED_SESSIONS = ("b1", "b1 weight 3", "b3", "b4 weight 0", "b3 weight -7 noreverse", "b1 weight 5 reverse", "b1\nb2")


def section(text: str, title: str) -> list[str]:
    return text.split(f"------< {title} >------")[1].split("------<")[0].strip("\n").splitlines()


def blocks(text: str, title: str, head: str) -> dict[str, dict[str, object]]:
    """The items of a section, by name."""
    found = re.split(rf"^ {head} = ", "\n".join(section(text, title)), flags=re.MULTILINE)[1:]
    return {one.splitlines()[0].strip(): fields(one.splitlines()[1:]) for one in found}


def usable(text: str) -> bool:
    loaded = reading(corpus.SECURE + text + corpus.instance())
    return loaded.config is not None and not any(one.severity == "error" for one in loaded.diagnostics)


def model(folder: Path) -> Config:
    return config(load(str(folder / "k.conf"), *disk()))


def test_static_items_are_those_of_keepalived(namespace: str, tmp_path: Path) -> None:
    given = [line if " dev " in line else f"{line} dev eth1" for line in corpus.ADDRESSES if line]
    kept = [line for line in given if usable(f"static_ipaddress {{\n{line}\n}}\n")]
    ways = [line for line in (*corpus.ROUTES, *ENCAPSULATED) if line and usable(f"static_routes {{\n{line}\n}}\n")]
    chosen = [line for line in corpus.RULES if line and usable(f"static_rules {{\n{line}\n}}\n")]
    assert (len(kept) > 10, len(ways) > 25, len(chosen) > 15) == (True, True, True)
    assert set(ENCAPSULATED) <= set(ways)
    lists = (("static_ipaddress", kept), ("static_routes", ways), ("static_rules", chosen))
    text = "".join(f"{word} {{\n" + "\n".join(lines) + "\n}\n" for word, lines in lists)
    said = dump(namespace, tmp_path, corpus.SECURE + text + corpus.instance())
    ours = model(tmp_path)
    addresses = [dumped_address(line.strip()) for line in section(said, "Static Addresses")]
    assert [address(one, one.interface) for one in ours.static_addresses] == addresses
    routes = [line.strip() for line in section(said, "Static Routes")]
    assert len(routes) == len(ours.static_routes), "\n".join(routes)
    wrong = [
        line
        for one, shown in zip(ours.static_routes, routes, strict=True)
        for line in route_differences(one, re.sub(SHOWN["encap"], "", shown))
    ]
    assert not wrong, "\n".join(wrong)
    rules = [line.strip() for line in section(said, "Static Rules")]
    assert len(rules) == len(ours.static_rules), "\n".join(rules)
    for rule, shown in zip(ours.static_rules, rules, strict=True):
        assert rule_agrees(rule, shown), shown


SHOWN = {"encap": r"encap (ip6? (?:(?:id|dst|src|tos|tc|ttl|hoplimit|flags) \S+ ?)+)", "features": r"features (\S+)",
         "realms": r"realms? (\S+)", "pref": r"pref (\S+)", "congctl": r"congctl (\S+)"}  # fmt: skip


def pairs(text: str) -> frozenset[tuple[str, ...]]:
    """The words of an encapsulation, two by two, whatever their order; numbers as numbers."""
    first, *words = text.split()
    plain = [str(int(word, 0)) if re.fullmatch(r"0x[0-9a-f]+|\d+", word) else word for word in words]
    return frozenset({(first,), *zip(plain[::2], plain[1::2], strict=True)})


def test_words_of_routes_that_have_no_effect_have_keepalived_s_values(namespace: str, tmp_path: Path) -> None:
    body = "virtual_routes {\n" + "\n".join(ENCAPSULATED) + "\n}"
    said = dump(namespace, tmp_path, corpus.SECURE + corpus.instance(body))
    listed = fields(instances_of(said)["V"])["Virtual Routes"]
    assert isinstance(listed, list)
    for one, shown in zip(model(tmp_path).instances[0].routes, listed, strict=True):
        assert route_differences(one, re.sub(SHOWN["encap"], "", shown)) == []
        hops = [said for hop in one.nexthops for said in hop.unapplied]
        ((word, value),) = (*one.unapplied, *hops)
        match = re.search(SHOWN[word], shown)
        assert match is not None, shown
        assert pairs(match[1]) == pairs(value), shown


def test_tracked_files_and_processes_are_those_of_keepalived(namespace: str, tmp_path: Path) -> None:
    text = corpus.SECURE
    for kind, bodies in (("track_file", FILES), ("vrrp_track_process", PROCESSES)):
        text += "".join(f"{kind} {kind[-1]}{number} {{\n{body}\n}}\n" for number, body in enumerate(bodies))
    followed = (("track_file", "e", len(FILES)), ("track_process", "s", len(PROCESSES)))
    names = ["\n".join((f"{word} {{", *(f"{end}{n}" for n in range(count)), "}")) for word, end, count in followed]
    said = dump(namespace, tmp_path, text + corpus.instance(*names))
    ours = model(tmp_path)
    theirs = blocks(said, "VRRP Track files", "Track file")
    assert list(theirs) == [one.name for one in ours.files]
    for file in ours.files:
        found = theirs[file.name]
        assert (found["File"], found["Weight"]) == (file.path, weight(file.weight, reverse=file.reverse)), file
    theirs = blocks(said, "VRRP Track processes", "VRRP Track process")
    assert list(theirs) == [one.name for one in ours.processes]
    for one in ours.processes:
        found = theirs[one.name]
        expected = {
            "Process": one.argv[0],
            "Parameters": " ".join(one.argv[1:]) or None,
            "Param match": one.param_match or (True if "Param match" in found else None),
            "Min processes": str(one.quorum),
            "Max processes": None if one.quorum_max is None else str(one.quorum_max),
            "Weight": weight(one.weight, reverse=one.reverse),
            "Fork delay": f"{one.fork_delay / NS_PER_S:.6f}s",
            "Terminate delay": f"{one.terminate_delay / NS_PER_S:.6f}s",
            "Full command": str(one.full_command).lower(),
        }
        assert {name: found.get(name) for name in expected} == expected, one.name


def weight(number: int, *, reverse: bool) -> str:
    return f"{number}{' reverse' if reverse else ''}"


def expected_session(one: BfdSession) -> dict[str, object]:
    return {
        "Neighbor IP": one.neighbour,
        "Source IP": one.source or None,
        "Required min RX interval": f"{one.min_rx // 1000} us",
        "Desired min TX interval": f"{one.min_tx // 1000} us",
        "Desired idle TX interval": f"{one.idle_tx // 1000} us",
        "Detection multiplier": str(one.multiplier),
        "hoplimit" if ":" in one.neighbour else "TTL": str(one.ttl),
        "max_hops": str(one.max_hops),
        "passive": str(one.passive).lower(),
        "send event to VRRP process": "Yes" if one.tells_vrrp else "No",
        "send event to checker process": "Yes" if one.tells_checkers else "No",
    }


def test_bfd_sessions_are_those_of_keepalived(namespace: str, tmp_path: Path) -> None:
    text = corpus.SECURE
    text += "".join(f"bfd_instance b{number} {{\n{body}\n}}\n" for number, body in enumerate(SESSIONS, 1))
    for number, lines in enumerate(TRACKED_SESSIONS, 1):
        text += corpus.instance(f"track_bfd {{\n{lines}\n}}", name=f"I{number}", vrid=number)
    said = dump(namespace, tmp_path, text, "bfd")
    found = re.split(r"^ BFD Instance = ", said, flags=re.MULTILINE)[1:]
    theirs = {one.splitlines()[0].strip(): fields(one.splitlines()[1:]) for one in found}
    ours = model(tmp_path)
    assert list(theirs) == [one.name for one in ours.bfd]
    for one in ours.bfd:
        expected = expected_session(one)
        assert {name: theirs[one.name].get(name) for name in expected} == expected, one.name
    (tmp_path / "log").unlink()
    told = dump(namespace, tmp_path, text)
    weights = blocks(told, "VRRP Track BFDs", "VRRP Track BFD")
    for one in ours.bfd:
        if one.tells_vrrp:
            assert weights[one.name]["Weight"] == weight(one.weight, reverse=one.reverse)
    members = instances_of(told)
    for instance in ours.instances:
        listed = fields(members[instance.name]).get("Tracked BFDs", [])
        assert isinstance(listed, list)
        assert tracks([line.replace(":", ",") for line in listed]) == modelled(instance.tracking.bfd), instance.name
