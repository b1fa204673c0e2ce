"""Every state with every input: properties that no history of one Router may break."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import messages as m
from engine.config.model import (
    NS_PER_S,
    Address,
    Authentication,
    AuthHmac,
    Config,
    Globals,
    HmacKey,
    Route,
    Track,
    TrackedFile,
    TrackedProcess,
    Tracking,
    UnicastPeer,
)
from engine.protocol.router import Router
from tests.scenarios.build import config, group, instance
from tests.scenarios.octets import advert, ip4, message
from tests.scenarios.rig import QUIET, Rig, interface, of

S = NS_PER_S
TIMERS = {
    m.State.INIT: ("",),
    m.State.FAULT: ("",),
    m.State.BACKUP: ("master-down", "startup-delay"),
    m.State.MASTER: ("advert", "hand-over"),
}


def v4(**more: Any) -> Config:
    return config(instance(**more))


def v6(**more: Any) -> Config:
    return config(instance(address="fe80::50/128 2001:db8::50/64", **more))


def synced() -> Config:
    return config(
        instance("VI_1", 100, sync_group="G"),
        instance("VI_2", 100, sync_group="G", vrid=51, address="10.0.0.51/24"),
        groups=(group("G", "VI_1", "VI_2"),),
    )


def families() -> Config:
    return config(instance("VI_1", 100, version=3), instance("VI_6", 100, address="fe80::50/128"))


CONFIGS: dict[str, Callable[[], Config]] = {
    "v2": v4,
    "v2 strict": lambda: v4(strict=True, lower_prio_no_advert=True),
    "v2 password": lambda: v4(authentication=Authentication(kind="pass", key=b"1111\0\0\0\0")),
    "v2 AH": lambda: v4(authentication=Authentication(kind="ah", key=b"hatuikey")),
    "v2 nopreempt": lambda: v4(preempt=False),
    "v2 preempt_delay": lambda: v4(preempt_delay=2 * S),
    "v2 owner": lambda: v4(priority=255),
    "v2 fault script": lambda: v4(scripts=(("s0", 0),)),
    "v2 weighted script": lambda: v4(scripts=(("s0", -60), ("s1", 200))),
    "v2 higher_prio_send_advert": lambda: v4(higher_prio_send_advert=True),
    "v3": lambda: v4(version=3),
    "v3 10 ms": lambda: v4(version=3, advert_interval=10_000_000),
    "v3 no addresses lost": lambda: v4(version=3, address="10.0.0.50/24 10.0.0.51/24 10.0.0.52/32"),
    "IPv6": v6,
    "sync group": synced,
    "both families": families,
    "v2 without addresses": lambda: v4(address=""),
    "v3 excluded addresses and a route": lambda: v4(
        version=3,
        excluded_addresses=(Address(address="10.0.0.60", prefix=32),),
        routes=(Route(destination="192.0.2.0/24", family=4, via="10.0.0.254", text="192.0.2.0/24 via 10.0.0.254"),),
    ),
    "v3 unicast": lambda: v4(version=3, unicast=True, unicast_peers=(UnicastPeer(address="10.0.0.9"),)),
    "v3 hmac": lambda: v4(
        version=3, auth_hmac=AuthHmac(keys=(HmacKey(key_id=1, key=bytes(range(32, 64))),), active_key=1)
    ),
    "all trackers": lambda: config(
        instance(
            tracking=Tracking(
                scripts=(Track(name="s0", weight=-10),),
                processes=(Track(name="p", weight=20),),
                files=(Track(name="f", weight=2),),
                bfd=(Track(name="b"),),
                interfaces=(Track(name="eth1", weight=-5),),
            )
        ),
        processes=(TrackedProcess(name="p", argv=("p",)),),
        files=(TrackedFile(name="f", path="/f"),),
    ),
    "three instances": lambda: config(
        instance("VI_1"),
        instance("VI_2", 200, vrid=51, address="10.0.0.51/24", version=3),
        instance("VI_3", 255, vrid=52, address="10.0.0.52/24"),
    ),
    "startup delay": lambda: config(instance(), globals=Globals(startup_delay=3 * S)),
}


@st.composite
def datagrams(draw: st.DrawFn) -> m.DatagramReceived:
    """Adverts good and bad, of the right and the wrong family, and plain junk."""
    kind = draw(st.integers(0, 9))
    family = draw(st.sampled_from((4, 4, 6)))
    if kind == 0:
        octets = draw(st.binary(max_size=80))
        if family == 4:
            return m.DatagramReceived(interface="eth0", family=4, data=octets)
        source = draw(st.binary(min_size=16, max_size=16))
        ttl = draw(st.sampled_from((255, 1, None)))
        return m.DatagramReceived(
            interface="eth0", family=6, data=octets, source=source, destination=bytes(16), ttl=ttl
        )
    version = 3 if family == 6 else draw(st.sampled_from((2, 2, 3)))
    addresses = ("fe80::50", "2001:db8::50") if family == 6 else ("10.0.0.50",)
    fields: dict[str, Any] = {
        "family": family,
        "version": version,
        "priority": draw(st.sampled_from((0, 0, 1, 50, 99, 100, 100, 101, 200, 254, 255))),
        "vrid": draw(st.sampled_from((50, 50, 50, 50, 51, 9))),
        "addresses": addresses,
        "source": draw(
            st.sampled_from(
                ("fe80::1", "fe80::9", "fe80::ffff") if family == 6 else ("10.0.0.1", "10.0.0.9", "9.0.0.9")
            )
        ),
    }
    if version == 3:
        fields["interval"] = draw(st.sampled_from((100, 100, 1, 300, 4095)))
    if kind == 1:
        fields["checksum"] = draw(st.integers(0, 0xFFFF))
    elif kind == 2:
        fields["ttl"] = draw(st.sampled_from((0, 1, 64, 254)))
    elif kind == 3:
        fields["kind"] = draw(st.integers(0, 15))
    elif kind == 4:
        fields["count"] = draw(st.sampled_from((0, 2, 3, 255)))
    elif kind == 5:
        fields["interval"] = 0
    elif kind == 6 and version == 2:
        fields["auth_type"] = draw(st.sampled_from((1, 2, 3, 254)))
        fields["password"] = draw(st.sampled_from((b"1111", b"1112", b"")))
    elif kind == 7:
        fields["addresses"] = ("2001:db8::1",) if family == 6 else ("10.0.0.99", "10.0.0.50")
    return advert(**fields)


@st.composite
def inputs(draw: st.DrawFn) -> m.Input:
    """Any input, with what a real loop could put into it."""
    kind = draw(st.integers(0, 13))
    if kind <= 5:
        return draw(datagrams())
    name = draw(st.sampled_from(("VI_1", "VI_1", "VI_2", "VI_6", "nobody")))
    address = draw(st.sampled_from(("10.0.0.50", "10.0.0.1", "10.0.0.77", "fe80::50", "fe80::1")))
    options: tuple[m.Input, ...] = (
        interface(),
        interface(up=False),
        interface(exists=False),
        interface(own=False),
        m.AddressChanged(interface="eth0", address=address, prefix=24, present=draw(st.booleans())),
        m.AddressChanged(interface="eth0", address=address, prefix=24, present=True, foreign=False),
        m.ScriptFinished(name=draw(st.sampled_from(("s0", "s1", "zz"))), exit_status=draw(st.integers(-1001, 2))),
        m.ProcessCounted(name="p", count=1),
        m.FileRead(name="f", value=-5),
        m.BfdChanged(name="b", up=False),
        m.RouteChanged(instance=name, text="default via 10.0.0.254", present=False),
        m.EffectFailed(instance=name, effect="add-addresses", reason="refused"),
        m.ClockStalled(late=draw(st.integers(0, 10 * S))),
        m.Ordered(
            request=1,
            command=m.Failover(instance=name, method="step-down", hold_s=draw(st.sampled_from((0, 5)))),
        ),
        m.Ordered(request=2, command=m.Failover(instance=name, method="take-over")),
        m.Ordered(request=3, command=m.Failover(instance=name, method="sideways")),
        m.Ordered(request=4, command=m.Release(instance=name)),
        m.Ordered(request=5, command=m.AnnounceNow(instance=draw(st.sampled_from(("", name))))),
        m.ClearCounters(((name, m.Counters(advert_rcvd=2, advert_sent=1)),)),
        m.StopRouter(),
    )
    return draw(st.sampled_from(options))


STEPS = st.lists(st.tuples(st.integers(0, 8), inputs()), max_size=25)
"""(eighths of the master-down interval that pass first, input)"""


def check(rig: Rig) -> None:
    """What holds after every step."""
    statuses = rig.all_status()
    deadline = rig.router.deadline
    running = False
    for name, status in statuses.items():
        assert status.state is rig.states[name], f"{name}: the events say {rig.states[name]}"
        assert status.timer in TIMERS[status.state], f"{name}: {status.state} with timer {status.timer!r}"
        if status.timer:
            running = True
            assert deadline is not None, f"{name}: a timer, but no deadline"
            assert deadline <= status.deadline, f"{name}: woken after its deadline"
        assert 1 <= status.priority <= 255
        assert (status.priority == 255) == (status.base_priority == 255)
        wanted = {
            (one.interface or "eth0", one.address)
            for each in rig.config.instances
            if each.name == name
            for one in (*each.addresses, *each.excluded_addresses)
        }
        held = wanted & rig.held
        if status.state is m.State.MASTER:
            assert held == wanted, f"{name}: MASTER holds {held}"
        else:
            assert not held, f"{name}: {status.state} holds {held}"
    if running:
        assert deadline is not None


def live(rig: Rig, steps: list[tuple[int, m.Input]]) -> None:
    unit = max(one.master_down_interval for one in rig.all_status().values()) // 8
    for wait, one in steps:
        if wait:
            rig.pass_time(wait * unit)
            check(rig)
        rig.give(one)
        check(rig)


@pytest.mark.parametrize("name", CONFIGS)
@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_every_state_bears_every_input(name: str, steps: list[tuple[int, m.Input]]) -> None:
    """P4, P5, V3-6.2-01, V3-6.4.1-06: nothing raises; one timer in BACKUP and MASTER, none in INIT and FAULT;
    addresses exactly while MASTER, every add matched by one removal."""
    live(Rig(CONFIGS[name]()), steps)


@pytest.mark.parametrize("name", CONFIGS)
@given(steps=STEPS)
@settings(max_examples=25, deadline=None)
def test_replayed_inputs_give_the_same_outputs(name: str, steps: list[tuple[int, m.Input]]) -> None:
    """P12: no hidden clock, no hidden chance, no order of a set."""
    rig = Rig(CONFIGS[name]())
    live(rig, steps)
    again = Router()
    again.judging = True
    outputs: list[m.Output] = []
    for now, one in rig.log:
        outputs += again.tick(now) if one is None else again.handle(one, now)
    assert outputs == rig.outputs


@pytest.mark.parametrize("name", CONFIGS)
@given(steps=STEPS)
@settings(max_examples=25, deadline=None)
def test_no_more_adverts_than_reasons(name: str, steps: list[tuple[int, m.Input]]) -> None:
    """P10: each input and each timer sends at most two adverts an instance (priority 0 twice on FAULT)."""
    rig = Rig(CONFIGS[name]())
    live(rig, steps)
    assert rig.adverts <= 2 * rig.steps * len(rig.config.instances)


@pytest.mark.parametrize("name", CONFIGS)
@given(steps=STEPS, bad=datagrams())
@settings(max_examples=60, deadline=None)
def test_dropped_datagram_changes_one_counter_and_nothing_else(
    name: str, steps: list[tuple[int, m.Input]], bad: m.DatagramReceived
) -> None:
    """P6, P15, V3-7.1-11, V2-7.1-07, KA-07, KA-08: neither state nor timer, in any state."""
    rig = Rig(CONFIGS[name]())
    live(rig, steps)
    if rig.over:
        return
    before, deadline = rig.all_status(), rig.router.deadline
    outputs = rig.give(bad)
    judged = of(m.PacketJudged, outputs)
    assert len(judged) == 1, "one verdict for one datagram"
    assert isinstance(judged[0], m.PacketJudged)
    if judged[0].verdict is m.Verdict.OK:
        return
    assert [one for one in outputs if not isinstance(one, QUIET)] == []
    assert rig.router.deadline == deadline
    moved = 0
    for one, status in rig.all_status().items():
        was = before[one]
        assert replace_counters(status) == replace_counters(was)
        moved += sum(
            getattr(status.counters, field) - getattr(was.counters, field) for field in m.Counters.__struct_fields__
        )
    assert moved <= 1


def replace_counters(status: m.InstanceStatus) -> dict[str, Any]:
    """A status without what a dropped packet may touch."""
    return {
        field: getattr(status, field)
        for field in m.InstanceStatus.__struct_fields__
        if field not in ("counters", "near_misses")
    }


@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_families_of_one_vrid_never_touch_each_other(steps: list[tuple[int, m.Input]]) -> None:
    """P13, V3-1-01: what arrives by IPv4 moves nothing of IPv6, and the reverse."""
    rig = Rig(families())
    live(rig, [(wait, one) for wait, one in steps if isinstance(one, m.DatagramReceived)])
    for one in steps:
        datagram = one[1]
        if not isinstance(datagram, m.DatagramReceived):
            continue
        other = "VI_6" if datagram.family == 4 else "VI_1"
        before = rig.status(other)
        outputs = rig.give(datagram)
        assert rig.status(other) == before
        assert not [each for each in outputs if getattr(each, "instance", "") == other]


@pytest.mark.parametrize("version", [2, 3])
@given(steps=STEPS)
@settings(max_examples=60, deadline=None)
def test_learnt_interval_is_never_sent(version: int, steps: list[tuple[int, m.Input]]) -> None:
    """P14, V3-6.4.2-10, KA-15: every advert that leaves carries our own interval."""
    rig = Rig(v4(version=version))
    live(rig, steps)
    for one in of(m.SendAdvert, rig.outputs):
        assert isinstance(one, m.SendAdvert)
        octets = one.data[20:]
        assert (octets[5] if version == 2 else int.from_bytes(octets[4:6], "big")) == (1 if version == 2 else 100)


@pytest.mark.parametrize("version", [2, 3])
def test_one_flipped_bit_is_always_rejected(version: int) -> None:
    """P3, V3-5.2.8-01, V2-5.3.8-01, V2-7.1-04: each bit of the message in turn, in BACKUP; nothing moves."""
    rig = Rig(v4(version=version))
    good = message(version=version, priority=200)
    deadline = rig.status().deadline
    for bit in range(len(good) * 8):
        broken = bytearray(good)
        broken[bit // 8] ^= 1 << bit % 8
        rig.give(m.DatagramReceived(interface="eth0", family=4, data=ip4(bytes(broken))))
        assert rig.status().deadline == deadline, f"bit {bit}"
        assert rig.status().counters.advert_rcvd == 0, f"bit {bit}"
    rig.now += 1
    rig.give(m.DatagramReceived(interface="eth0", family=4, data=ip4(good)))
    assert rig.status().counters.advert_rcvd == 1
    assert rig.status().deadline == deadline + 1


@pytest.mark.parametrize("version", [2, 3])
def test_every_prefix_of_a_good_packet_is_rejected(version: int) -> None:
    """V3-7.1-04, V2-7.1-03, V3-5.2.9-01: cut at each octet, with and without the IP total length agreeing."""
    rig = Rig(v4(version=version))
    good = message(version=version, priority=200)
    deadline = rig.status().deadline
    for length in range(len(good)):
        rig.give(m.DatagramReceived(interface="eth0", family=4, data=ip4(good[:length])))
        rig.give(m.DatagramReceived(interface="eth0", family=4, data=ip4(good)[: 20 + length]))
    for length in range(20):
        rig.give(m.DatagramReceived(interface="eth0", family=4, data=ip4(good)[:length]))
    assert rig.status().deadline == deadline
    assert rig.status().counters.advert_rcvd == 0
