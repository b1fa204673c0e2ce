"""Virtual routes and rules in a real kernel, with `ip` as the judge."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from engine.config.model import NextHop, Route, Rule
from engine.messages import EffectFailed, Input, RouteChanged
from engine.vrrp.kernel import Kernel
from engine.vrrp.routes import Routes
from hatui.lab import Host, Lab
from tests.net.entering import inside

pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into the network of another process"),
]


@pytest.fixture
def host() -> Iterator[Host]:
    with Lab() as lab:
        one = lab.add_host("vrrpR", "10.211.55.22/24")
        one.ip("addr add fd00:55::22/64 dev eth0 nodad")
        yield one


@pytest.fixture
def kernel(host: Host) -> Iterator[Kernel]:
    with inside(host.pid):
        one = Kernel()
    one.start()
    one.watch_routes(on=True)
    yield one
    one.close()


def route(destination: str, family: int = 4, **words: Any) -> Route:
    return Route(destination=destination, family=family, text=destination, **words)


def shown(host: Host, *what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(host.run(["ip", "-j", "-d", *what]).stdout or "[]")
    return found


def heard(kernel: Kernel, timeout_s: float = 0.5) -> list[Input]:
    told: list[Input] = []
    end = time.monotonic() + timeout_s
    while not told and time.monotonic() < end:
        told += kernel.read()
        time.sleep(0.005)
    return told


def test_routes_are_what_ip_route_would_have_made(kernel: Kernel, host: Host) -> None:
    routes = Routes(kernel)
    wanted = [
        route("192.0.2.0/24", via="10.211.55.1", interface="eth0", source="10.211.55.22", metric=50, mtu=1400),
        route("198.51.100.0/24", interface="eth0", table=300),
        route("203.0.113.0/24", kind="blackhole"),
        route("203.0.113.9/32", nexthops=(NextHop("10.211.55.1", "eth0", 3), NextHop("10.211.55.2", "eth0"))),
        route("2001:db8:1::/48", 6, via="fd00:55::1", interface="eth0", metrics=(("advmss", 1300),)),
        route("203.0.113.77/32", via="fd00:55::1", interface="eth0"),
    ]
    assert routes.add("VI_1", wanted, ()) == []
    by_name = {
        one["dst"]: one for one in shown(host, "route", "show", "table", "all") if one.get("protocol") == "keepalived"
    }
    by_name |= {one["dst"]: one for one in shown(host, "-6", "route", "show") if one.get("protocol") == "keepalived"}
    first = by_name["192.0.2.0/24"]
    assert (first["gateway"], first["dev"], first["prefsrc"], first["metric"]) == (
        "10.211.55.1",
        "eth0",
        "10.211.55.22",
        50,
    )
    assert first["metrics"] == [{"mtu": 1400}]
    assert (by_name["198.51.100.0/24"]["table"], by_name["198.51.100.0/24"]["scope"]) == ("300", "link")
    assert by_name["203.0.113.0/24"]["type"] == "blackhole"
    assert [hop["weight"] for hop in by_name["203.0.113.9"]["nexthops"]] == [3, 1]
    assert by_name["2001:db8:1::/48"]["metrics"] == [{"advmss": 1300}]
    assert by_name["203.0.113.77"]["via"] == {"family": "inet6", "host": "fd00:55::1"}

    assert routes.remove("VI_1", wanted, ()) == []
    left = shown(host, "route", "show", "table", "all") + shown(host, "-6", "route", "show")
    assert [one["dst"] for one in left if one.get("protocol") == "keepalived"] == []
    assert heard(kernel) == [], "nothing of it was done by somebody else"


def test_rules_are_what_ip_rule_would_have_made(kernel: Kernel, host: Host) -> None:
    routes = Routes(kernel)
    wanted = [
        Rule(family=4, preference=100, source="192.0.2.0/24", table=300, iif="eth0"),
        Rule(family=4, preference=101, destination="198.51.100.7/32", action="prohibit", invert=True),
        Rule(family=6, preference=102, source="2001:db8::/32", table=301, fwmark=7, fwmask=0xFF),
        Rule(family=4, preference=103, table=302, ipproto=6, dport=(80, 90), uidrange=(1000, 2000)),
        Rule(family=4, preference=104, action="goto", goto=200),
        Rule(family=4, preference=105, table=254, suppress_prefixlength=0),
    ]
    assert routes.add("VI_1", (), wanted) == []
    found = {one["priority"]: one for one in shown(host, "rule") + shown(host, "-6", "rule")}
    assert (found[100]["src"], found[100]["srclen"], found[100]["table"], found[100]["iif"]) == (
        "192.0.2.0",
        24,
        "300",
        "eth0",
    )
    assert (found[101]["dst"], found[101]["action"], found[101]["not"]) == ("198.51.100.7", "prohibit", None)
    assert (found[102]["fwmark"], found[102]["fwmask"], found[102]["table"]) == ("0x7", "0xff", "301")
    assert (found[103]["ipproto"], found[103]["dport_start"], found[103]["dport_end"]) == ("tcp", 80, 90)
    assert (found[103]["uid_start"], found[103]["uid_end"]) == (1000, 2000)
    assert found[104]["goto"] == 200
    assert found[105]["suppress_prefixlen"] == 0
    assert {found[number]["protocol"] for number in range(100, 106)} == {"keepalived"}

    assert routes.remove("VI_1", (), wanted) == []
    assert not {one["priority"] for one in shown(host, "rule") + shown(host, "-6", "rule")} & set(range(100, 106))
    assert heard(kernel) == []


def test_a_foreign_hand_is_told_with_the_configured_text(kernel: Kernel, host: Host) -> None:
    routes = Routes(kernel)
    rule = Rule(family=4, preference=100, source="192.0.2.0/24", table=300, text="from 192.0.2.0/24 table 300")
    routes.add("VI_1", [route("192.0.2.0/24", via="10.211.55.1", metric=7)], [rule])
    host.ip("route del 192.0.2.0/24 metric 7")
    assert heard(kernel) == [RouteChanged("VI_1", "192.0.2.0/24", present=False)]
    host.ip("rule del preference 100")
    assert heard(kernel) == [RouteChanged("VI_1", "from 192.0.2.0/24 table 300", present=False)]
    host.ip("route add 198.51.100.0/24 via 10.211.55.1", "route del 198.51.100.0/24")
    assert heard(kernel) == []


def test_a_foreign_hand_is_told_though_its_notification_was_lost(kernel: Kernel, host: Host) -> None:
    """After an overrun of the monitor: only what is gone is told, and what is there stays."""
    routes = Routes(kernel)
    gone, stays = route("192.0.2.0/24", interface="eth0"), route("198.51.100.0/24", interface="eth0")
    rule = Rule(text="from 192.0.2.0/24 table 7", family=4, source="192.0.2.0/24", table=7, preference=700)
    assert routes.add("VI_1", [gone, stays], [rule]) == []
    heard(kernel)
    kernel._monitor.setsockopt(1, 33, 1)  # the smallest buffer there is
    host.ip("route del 192.0.2.0/24 dev eth0", "rule del preference 700")
    host.ip(*(f"addr add 203.0.113.{number}/32 dev eth0" for number in range(1, 100)))
    told = heard(kernel)
    assert kernel.overruns >= 1
    assert [one for one in told if isinstance(one, RouteChanged)] == [
        RouteChanged("VI_1", gone.text, present=False),
        RouteChanged("VI_1", rule.text, present=False),
    ]
    left = [one["dst"] for one in shown(host, "route", "show", "proto", "18")]
    assert left == ["198.51.100.0/24"]
    assert "700:" not in host.run(["ip", "rule"]).stdout


def test_doing_it_twice_is_no_failure_and_leftovers_of_ours_are_put_anew(kernel: Kernel, host: Host) -> None:
    old, new = route("192.0.2.0/24", via="10.211.55.1"), route("192.0.2.0/24", via="10.211.55.2")
    assert Routes(kernel).add("VI_1", [old], ()) == []
    routes = Routes(kernel)
    assert routes.add("VI_1", [new], ()) == []
    (found,) = shown(host, "route", "show", "192.0.2.0/24")
    assert found["gateway"] == "10.211.55.2"
    assert routes.remove("VI_1", [new], ()) == []
    assert routes.remove("VI_1", [new], ()) == []


def test_the_route_of_another_origin_is_neither_replaced_nor_removed(kernel: Kernel, host: Host) -> None:
    host.ip("route add 192.0.2.0/24 via 10.211.55.9")
    routes = Routes(kernel)
    ours = route("192.0.2.0/24", via="10.211.55.1")
    assert routes.add("VI_1", [ours], ()) == [
        EffectFailed(
            "VI_1",
            "add-routes",
            "cannot add the route 192.0.2.0/24: another one like it is there already, and it is not ours",
        )
    ]
    assert routes.remove("VI_1", [ours], ()) == []
    (found,) = shown(host, "route", "show", "192.0.2.0/24")
    assert found["gateway"] == "10.211.55.9"


def test_refusals_are_sentences(kernel: Kernel) -> None:
    routes = Routes(kernel)
    (refused,) = routes.add("VI_1", [route("192.0.2.0/24", interface="eth9"), route("192.0.3.0/24", kind="odd")], ())
    assert isinstance(refused, EffectFailed)
    assert refused.reason == "cannot add the route 192.0.2.0/24: there is no interface eth9 (and 1 more)"
    (refused,) = routes.add("VI_1", [route("192.0.2.0/24", via="172.16.0.1")], ())
    assert isinstance(refused, EffectFailed)
    assert "Network is unreachable, Nexthop has invalid gateway" in refused.reason


def test_what_is_put_anew_after_a_crash_is_not_taken_for_somebody_elses_removal(kernel: Kernel, host: Host) -> None:
    """It was put back for ever then, a thousand times a second."""
    wanted = [
        route("192.0.2.0/24", via="10.211.55.1", interface="eth0"),
        route("203.0.113.9/32", nexthops=(NextHop("10.211.55.1", "eth0", 3), NextHop("10.211.55.2", "eth0"))),
        route("2001:db8:1::/48", 6, via="fd00:55::1", interface="eth0"),
        route("2001:db8:2::/48", 6, nexthops=(NextHop("fd00:55::1", "eth0"), NextHop("fd00:55::2", "eth0"))),
    ]
    rules = (Rule(family=4, source="10.211.55.50/32", table=77, preference=100, text="from 10.211.55.50"),)
    Routes(kernel).add("VI_1", wanted, rules)
    routes = Routes(kernel)
    assert routes.add("VI_1", wanted, rules) == []
    assert heard(kernel, 0.2) == []
    routes.remove("VI_1", wanted, rules)  # and back at once, as with a role that is lost for a moment
    assert routes.add("VI_1", wanted, rules) == []
    assert heard(kernel, 0.2) == []
    for destination in ("192.0.2.0/24", "2001:db8:1::/48"):
        host.ip(f"route del {destination}")
        assert heard(kernel) == [RouteChanged("VI_1", destination, present=False)]
    host.ip("rule del preference 100")
    assert heard(kernel) == [RouteChanged("VI_1", "from 10.211.55.50", present=False)]
