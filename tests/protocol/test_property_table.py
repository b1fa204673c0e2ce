"""The state tables, row by row, to the nanosecond: what is done, in which order, and which timer runs then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, Announce, Authentication
from tests.protocol.test_property_receive import conf, packet
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface, of

S = NS_PER_S
INIT, BACKUP, MASTER, FAULT = m.State.INIT, m.State.BACKUP, m.State.MASTER, m.State.FAULT
SKEW_100 = 609_375_000
DOWN_100 = 3_609_375_000
SHAPES = ["v2", "v3", "v6"]


def kinds(outputs: Sequence[m.Output]) -> list[str]:
    """The outputs in order, as words."""
    words = []
    for one in outputs:
        match one:
            case m.SendAdvert():
                octets = one.data[20:] if one.family == 4 else one.data
                words.append(f"advert {octets[2]}")
            case m.AddAddresses():
                words.append("add")
            case m.RemoveAddresses():
                words.append("remove")
            case m.SendAnnouncements():
                words.append("announce")
            case m.StateChanged():
                words.append(str(one.new))
            case m.Exit():
                words.append("exit")
            case _:
                pass
    return words


def master(kind: str, **more: Any) -> Rig:
    """A master that has just begun."""
    rig = Rig(conf(kind, **more))
    if rig.status().state is not MASTER:
        rig.pass_time(rig.status().master_down_interval)
    assert rig.status().state is MASTER
    return rig


# --- start


@pytest.mark.parametrize("kind", SHAPES)
def test_start_as_backup_is_silent_and_waits_master_down(kind: str) -> None:
    """V3-6.4.1-05, V2-6.4.1-02, V3-6.1-03, V3-6.1-05."""
    rig = Rig(conf(kind))
    assert kinds(rig.outputs) == ["BACKUP"]
    assert rig.status().deadline == rig.now + DOWN_100


@pytest.mark.parametrize("kind", SHAPES)
def test_start_as_owner_is_advert_addresses_announcements_master(kind: str) -> None:
    """V3-6.4.1-01, V3-6.4.1-02, V3-6.4.1-03, V3-6.4.1-04, V2-6.4.1-01, V3-5.2.4-01, V2-5.3.4-01."""
    rig = Rig(conf(kind, priority=255))
    rig.pass_time(0)
    assert kinds(rig.outputs)[-4:] == ["advert 255", "add", "announce", "MASTER"]
    assert rig.status().deadline == rig.now + S


# --- BACKUP


@pytest.mark.parametrize("kind", SHAPES)
def test_master_down_one_nanosecond_before_and_at_it(kind: str) -> None:
    """V3-6.4.2-07, V3-6.4.2-08, V3-6.4.2-09, V3-6.4.2-10, V2-6.4.2-05, KA-02, V3-8.1.2-05, V3-8.2.2-06."""
    rig = Rig(conf(kind))
    assert kinds(rig.pass_time(DOWN_100 - 1)) == []
    assert rig.status().state is BACKUP
    assert kinds(rig.pass_time(1)) == ["advert 100", "add", "announce", "MASTER"]
    assert rig.status().deadline == rig.now + S


@pytest.mark.parametrize("kind", SHAPES)
def test_backup_sends_nothing(kind: str) -> None:
    """V3-3-01: whatever it hears."""
    rig = Rig(conf(kind))
    for _ in range(20):
        rig.give(packet(kind, priority=200))
        rig.pass_time(S)
    assert rig.adverts == 0


@pytest.mark.parametrize("kind", SHAPES)
def test_backup_stops_silently(kind: str) -> None:
    """V3-6.4.2-06, V2-6.4.2-04."""
    rig = Rig(conf(kind))
    assert kinds(rig.give(m.StopRouter())) == ["INIT", "exit"]


@pytest.mark.parametrize("kind", SHAPES)
def test_priority_zero_shortens_to_skew_and_its_interval_is_not_learnt(kind: str) -> None:
    """V3-6.4.2-11, V2-6.4.2-06, M11."""
    rig = Rig(conf(kind))
    rig.pass_time(S)
    rig.give(packet(kind, priority=0, **({} if kind == "v2" else {"interval": 300})))
    assert rig.status().deadline == rig.now + SKEW_100
    assert rig.status().master_advert_interval == S


@pytest.mark.parametrize("kind", SHAPES)
def test_second_priority_zero_arms_skew_anew(kind: str) -> None:
    """10.3: delayed, not lost."""
    rig = Rig(conf(kind))
    rig.give(packet(kind, priority=0))
    rig.pass_time(S // 2)
    rig.give(packet(kind, priority=0))
    assert rig.status().deadline == rig.now + SKEW_100
    rig.pass_time(SKEW_100)
    assert rig.status().state is MASTER


@pytest.mark.parametrize("kind", SHAPES)
def test_good_advert_before_skew_ends_calls_the_takeover_off(kind: str) -> None:
    """10.3: back to master-down."""
    rig = Rig(conf(kind))
    rig.give(packet(kind, priority=0))
    rig.pass_time(S // 2)
    rig.give(packet(kind, priority=200))
    assert rig.status().deadline == rig.now + DOWN_100


@pytest.mark.parametrize("kind", ["v3", "v6"])
def test_advert_of_equal_priority_is_followed_with_its_interval(kind: str) -> None:
    """V3-6.4.2-12, V3O-6.4.2-01, V3-6.1-04: 3 x 3 s and 1.828125 s of skew."""
    rig = Rig(conf(kind))
    rig.give(packet(kind, priority=100, interval=300))
    assert rig.status().deadline == rig.now + 9 * S + 1_828_125_000


def test_v2_keeps_its_own_interval() -> None:
    """V2-6.4.2-07."""
    rig = Rig(conf("v2"))
    rig.give(packet("v2", priority=100))
    assert rig.status().deadline == rig.now + DOWN_100


@pytest.mark.parametrize("kind", SHAPES)
def test_lower_priority_leaves_the_timer_running(kind: str) -> None:
    """V3-6.4.2-13, V2-6.4.2-08, V3-6.1-06, M8: master at the first deadline."""
    rig = Rig(conf(kind))
    deadline = rig.status().deadline
    fields = {} if kind == "v2" else {"interval": 300}
    for _ in range(3):
        rig.pass_time(S)
        rig.give(packet(kind, priority=99, **fields))
        assert rig.status().deadline == deadline
        assert rig.status().master_advert_interval == S
    rig.pass_time(deadline - rig.now)
    assert rig.status().state is MASTER


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("last", ["2", "ff"])
def test_addresses_are_not_compared_in_backup(kind: str, last: str) -> None:
    """V3-6.4.2-14, M9: equal priority from a lower and from a higher address re-arms alike."""
    rig = Rig(conf(kind))
    rig.give(interface())
    rig.pass_time(S)
    source = f"fe80::{last}" if kind == "v6" else f"10.0.0.{int(last, 16)}"
    rig.give(packet(kind, priority=100, source=source))
    assert rig.status().deadline == rig.now + DOWN_100
    assert rig.status().state is BACKUP


@pytest.mark.parametrize("kind", SHAPES)
def test_nopreempt_follows_a_lower_priority(kind: str) -> None:
    """V3-6.4.2-12, V2-6.4.2-07."""
    rig = Rig(conf(kind, preempt=False))
    rig.pass_time(S)
    rig.give(packet(kind, priority=1))
    assert rig.status().deadline == rig.now + DOWN_100


def test_down_timer_adverts_replaces_the_three() -> None:
    """KA-14."""
    rig = Rig(conf("v3", down_timer_adverts=5))
    assert rig.status().deadline == rig.now + 5 * S + SKEW_100


# --- MASTER


@pytest.mark.parametrize("kind", SHAPES)
def test_ten_intervals_ten_adverts_no_drift(kind: str) -> None:
    """V3-6.4.3-09, V2-6.4.3-06: a loop that wakes late does not shift the next one."""
    rig = master(kind, announce=Announce(master_delay=0))
    begin, due = rig.now, []
    for _ in range(10):
        deadline = rig.status().deadline
        due.append(deadline - begin)
        rig.now = deadline + 7_000_000
        assert kinds(rig.router.tick(rig.now)) == ["advert 100"]
    assert due == [number * S for number in range(1, 11)]


@pytest.mark.parametrize("kind", SHAPES)
def test_master_answers_priority_zero_at_once(kind: str) -> None:
    """V3-6.4.3-10, V2-6.4.3-07."""
    rig = master(kind)
    rig.pass_time(S // 3)
    assert kinds(rig.give(packet(kind, priority=0))) == ["advert 100"]
    assert rig.status().deadline == rig.now + S
    assert rig.status().state is MASTER


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize(
    ("priority", "higher", "yields"), [(101, False, True), (100, True, True), (100, False, False), (99, True, False)]
)
def test_master_yields_to_the_better_one(kind: str, priority: int, higher: bool, yields: bool) -> None:
    """V3-6.4.3-11, V3-6.4.3-12, V3-6.4.3-13, V2-6.4.3-08, KA-12."""
    own4, own6 = "10.0.0.9", "fe80::a"
    other4 = "10.0.0.10" if higher else "10.0.0.8"
    other6 = "fe80::1:0" if higher else "fe80::9"
    rig = Rig(conf(kind))
    rig.give(m.InterfaceChanged("eth0", 2, True, True, addresses=(f"{own4}/24", f"{own6}/64")))  # noqa: FBT003
    rig.become_master()
    outputs = rig.give(packet(kind, priority=priority, source=other6 if kind == "v6" else other4))
    if yields:
        assert kinds(outputs) == ["remove", "BACKUP"]
        assert rig.status().deadline == rig.now + DOWN_100
    else:
        assert kinds(outputs) == ["advert 100", "announce"]
        assert rig.status().state is MASTER


@pytest.mark.parametrize("kind", ["v3", "v6"])
def test_yielding_adopts_the_interval_of_the_better_one_and_returning_sends_our_own(kind: str) -> None:
    """V3-6.4.3-11, V3-6.4.2-10, P14, KA-15, M12."""
    rig = master(kind)
    rig.give(packet(kind, priority=200, interval=300))
    assert rig.status().deadline == rig.now + 9 * S + 1_828_125_000
    assert rig.status().master_advert_interval == 3 * S
    rig.pass_time(11 * S)
    assert rig.status().state is MASTER
    assert rig.status().master_advert_interval == S
    sent = of(m.SendAdvert, rig.outputs)[-1]
    assert isinstance(sent, m.SendAdvert)
    octets = sent.data[20:] if kind == "v3" else sent.data
    assert octets[4:6] == b"\x00\x64"


@pytest.mark.parametrize("kind", SHAPES)
def test_losing_advert_under_strict_is_discarded_silently(kind: str) -> None:
    """V2-6.4.3-09, V3O-6.4.3-01, KA-17: lower_prio_no_advert."""
    rig = master(kind, lower_prio_no_advert=True)
    assert kinds(rig.give(packet(kind, priority=99))) == []


@pytest.mark.parametrize("kind", SHAPES)
def test_losing_advert_does_not_teach_its_interval(kind: str) -> None:
    """V3-6.4.3-13."""
    rig = master(kind)
    rig.give(packet(kind, priority=99, **({} if kind == "v2" else {"interval": 300})))
    assert rig.status().master_advert_interval == S


def test_loser_sends_one_last_advert_where_asked_for() -> None:
    """KA-11: higher_prio_send_advert."""
    rig = master("v3", higher_prio_send_advert=True)
    assert kinds(rig.give(packet("v3", priority=200))) == ["advert 100", "remove", "BACKUP"]


@pytest.mark.parametrize("kind", SHAPES)
def test_own_advert_looped_back_is_no_rival(kind: str) -> None:
    """10 own, M21, M29, P10: neither answer nor yield."""
    rig = master(kind)
    sent = of(m.SendAdvert, rig.outputs)[-1]
    assert isinstance(sent, m.SendAdvert)
    back = (
        advert(priority=100, source="10.0.0.1")
        if kind == "v2"
        else packet(kind, priority=100, source="fe80::1" if kind == "v6" else "10.0.0.1")
    )
    for _ in range(50):
        assert kinds(rig.give(back)) == []
    assert rig.status().state is MASTER


@pytest.mark.parametrize("kind", SHAPES)
def test_stop_with_addresses_kept_says_farewell_once_and_goes(kind: str) -> None:
    """V3-6.4.3-08, V2-6.4.3-05, V3-5.2.4-04, V2-5.3.4-03, KA-04: without hand-over."""
    rig = master(kind)
    assert kinds(rig.give(m.StopRouter(release_addresses=False))) == ["advert 0", "INIT", "exit"]


@pytest.mark.parametrize("kind", SHAPES)
def test_stop_hands_over_one_farewell_then_silence_until_the_successor(kind: str) -> None:
    """V3-6.4.3-08, V2-6.4.3-05, KA-04: make before break."""
    rig = master(kind)
    assert kinds(rig.give(m.StopRouter())) == ["advert 0"]
    assert rig.status().timer == "hand-over"
    assert kinds(rig.pass_time(SKEW_100)) == []
    assert kinds(rig.give(packet(kind, priority=50))) == []
    grace = rig.status().deadline - rig.now
    assert S // 4 <= grace < S, "time for the successor to announce the addresses"
    assert kinds(rig.pass_time(grace)) == ["remove", "INIT", "exit"]


@pytest.mark.parametrize("kind", SHAPES)
def test_two_lives_share_no_timer(kind: str) -> None:
    """10.3 start, stop, start: M19."""
    rig = Rig(conf(kind))
    rig.pass_time(3 * S)
    rig.give(interface(up=False))
    assert rig.status().state is FAULT
    rig.pass_time(S)
    rig.give(interface())
    assert rig.status().state is BACKUP
    assert rig.status().deadline == rig.now + DOWN_100
    assert kinds(rig.pass_time(DOWN_100 - 1)) == []
    assert rig.status().state is BACKUP


@pytest.mark.parametrize("kind", SHAPES)
def test_two_owners_the_higher_address_stays(kind: str) -> None:
    """KA-10, V3-8.3.2-02, V3-7.1-07: and it is said."""
    rig = Rig(conf(kind, priority=255))
    rig.pass_time(S)
    lower = packet(kind, priority=255, source="fe80::" if kind == "v6" else "9.0.0.1")
    rig.give(lower)
    assert rig.status().state is MASTER
    rig.give(packet(kind, priority=255))
    assert rig.status().state is BACKUP


def test_weights_stay_within_1_and_254_and_never_touch_an_owner() -> None:
    """V3-5.2.4-02, V2-5.3.4-02."""
    low = Rig(config(instance(priority=10, scripts=(("s", -200),))))
    low.give(m.ScriptFinished(name="s", exit_status=1))
    assert low.status().priority == 1
    high = Rig(config(instance(priority=200, scripts=(("s", 200),))))
    high.give(m.ScriptFinished(name="s", exit_status=0))
    assert high.status().priority == 254
    owner = Rig(config(instance(priority=255, scripts=(("s", -200),))))
    owner.give(m.ScriptFinished(name="s", exit_status=1))
    assert owner.status().priority == 255


def test_fault_is_entered_with_farewell_and_left_through_backup() -> None:
    """KA-13."""
    rig = Rig(config(instance(scripts=(("s", 0),))))
    rig.give(m.ScriptFinished(name="s", exit_status=0))
    rig.become_master()
    assert kinds(rig.give(m.ScriptFinished(name="s", exit_status=1))) == ["advert 0", "remove", "FAULT"]
    assert kinds(rig.give(m.ScriptFinished(name="s", exit_status=0))) == ["BACKUP"]


@pytest.mark.parametrize("kind", SHAPES)
def test_announcements_again_after_the_delay_and_no_more(kind: str) -> None:
    """KA-02: five rounds at once, five after 5 s."""
    rig = master(kind)
    sent = [one for one in of(m.SendAnnouncements, rig.outputs) if isinstance(one, m.SendAnnouncements)]
    assert [one.repeat for one in sent] == [5]
    begin = rig.now
    assert of(m.SendAnnouncements, rig.pass_time(5 * S - 1)) == []
    assert len(of(m.SendAnnouncements, rig.pass_time(1))) == 1
    assert rig.now == begin + 5 * S
    assert of(m.SendAnnouncements, rig.pass_time(60 * S)) == []


def test_announcements_are_refreshed_where_asked_for_and_end_with_mastership() -> None:
    """KA-02: garp_master_refresh."""
    announce = Announce(master_refresh=10 * S, master_refresh_repeat=2, master_delay=0)
    rig = master("v3", announce=announce)
    came = [one for one in of(m.SendAnnouncements, rig.pass_time(30 * S)) if isinstance(one, m.SendAnnouncements)]
    assert [one.repeat for one in came] == [2, 2, 2]
    rig.give(packet("v3", priority=200))
    assert of(m.SendAnnouncements, rig.pass_time(2 * S)) == []


def test_excluded_addresses_are_held_and_announced_but_not_advertised() -> None:
    """KA-02: virtual_ipaddress_excluded."""
    from engine.config.model import Address

    rig = master("v3", excluded_addresses=(Address(address="10.0.0.60", prefix=32),))
    assert ("eth0", "10.0.0.60") in rig.held
    sent = of(m.SendAdvert, rig.outputs)[-1]
    assert isinstance(sent, m.SendAdvert)
    assert sent.data[20 + 3] == 1
    told = of(m.SendAnnouncements, rig.outputs)[-1]
    assert isinstance(told, m.SendAnnouncements)
    assert [one.address for one in told.addresses] == ["10.0.0.50", "10.0.0.60"]


def test_flapping_is_said_once_not_each_time() -> None:
    """V3-2.5-01: several changes between BACKUP and MASTER within a few intervals make one warning."""
    rig = master("v3")
    for _ in range(8):
        rig.give(packet("v3", priority=200))
        rig.pass_time(4 * S)
        assert rig.status().state is MASTER
    said = [one for one in of(m.LogLine, rig.outputs) if isinstance(one, m.LogLine) and "flap" in one.text]
    assert len(said) == 1


def test_v3_ignores_authentication() -> None:
    """V3-9-01: the block is warned of elsewhere; on the wire there is none, and none is demanded."""
    rig = Rig(conf("v3", authentication=Authentication(kind="pass", key=b"1111\0\0\0\0")))
    rig.give(packet("v3"))
    assert rig.status().counters.advert_rcvd == 1
    rig.become_master()
    sent = of(m.SendAdvert, rig.outputs)[-1]
    assert isinstance(sent, m.SendAdvert)
    assert len(sent.data) == 20 + 12


@pytest.mark.parametrize("kind", SHAPES)
def test_envelope_of_what_is_sent(kind: str) -> None:
    """V3-5.1.1.1-01, V3-5.1.1.2-01, V3-5.1.1.3-01, V3-5.1.1.4-01, V3-5.1.2.1-01, V3-5.1.2.2-01, V3-5.1.2.3-01,
    V3-7.2-04, V3-7.2-05, V3-7.2-06, V2-5.2.1-01, V2-5.2.2-01, V2-5.2.3-01, V2-5.2.4-01, V2-7.2-03, V2-7.2-04, KA-03."""
    rig = master(kind)
    sent = of(m.SendAdvert, rig.outputs)[-1]
    assert isinstance(sent, m.SendAdvert)
    assert sent.ttl == 255
    assert sent.interface == "eth0"
    if kind == "v6":
        assert (sent.source, sent.destination) == ("fe80::1", "ff02::12")
        return
    assert (sent.source, sent.destination) == ("10.0.0.1", "224.0.0.18")
    first = of(m.SendAdvert, rig.outputs)[0]
    assert isinstance(first, m.SendAdvert)
    header = first.data[:20]
    assert header[:2] == b"\x45\xc0"
    assert int.from_bytes(header[2:4], "big") == len(first.data)
    assert int.from_bytes(header[4:6], "big") == 1
    assert header[6:10] == b"\0\0\xff\x70"
    assert header[12:] == bytes((10, 0, 0, 1, 224, 0, 0, 18))
    rig.pass_time(3 * S)
    numbers = [
        int.from_bytes(one.data[4:6], "big") for one in of(m.SendAdvert, rig.outputs) if isinstance(one, m.SendAdvert)
    ]
    assert numbers == [1, 2, 3, 4]
