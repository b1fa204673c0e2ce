"""The simulation itself: it is just to the network, the same for the same seed, and it sees what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine import messages as m
from engine.config.model import Address
from engine.protocol import election
from engine.simulation import Host, Ownership, SimulationStuck, Span, seconds
from tests.scenarios.build import VIP, pair, settled
from tests.scenarios.histories import play
from tests.scenarios.planned import planned


def test_equal_seeds_give_equal_histories_and_others_do_not() -> None:
    """Octet for octet, the timeline in full."""
    everything = ("advert", "address", "announce", "rejected", "note", "interface", "tracker")
    first, again, other = play(11), play(11), play(12)
    assert first.lan.text(*everything) == again.lan.text(*everything)
    assert first.lan.text(*everything) != other.lan.text(*everything)


def test_spans_cover_the_whole_time_and_know_gaps_and_doubles() -> None:
    """Each span begins where the one before it ends; the last word of an instant counts."""
    book = Ownership()
    book.hold("x", "a", 10)
    book.hold("x", "b", 20)
    book.drop("x", "a", 25)
    book.drop("x", "b", 25)
    book.hold("x", "a", 25)
    book.drop_all("a", 40)
    assert book.spans("x", 0, 50) == [
        Span(0, 10, ()),
        Span(10, 20, ("a",)),
        Span(20, 25, ("a", "b")),
        Span(25, 40, ("a",)),
        Span(40, 50, ()),
    ]
    assert book.spans("x", 22, 30) == [Span(22, 25, ("a", "b")), Span(25, 30, ("a",))]
    assert [span.length for span in book.unheld("x", 0, 50)] == [10, 10]
    assert book.doubled("x", 0, 50) == [Span(20, 25, ("a", "b"))]
    assert book.spans("never", 0, 5) == [Span(0, 5, ())]


def test_seconds_are_cut_not_rounded() -> None:
    """A deadline never looks as if it had come early."""
    assert (seconds(3_609_999_999), seconds(0), seconds(-1_500_000)) == ("3.609", "0.000", "-0.001")


def test_loss_is_counted_per_receiver_and_ends_with_heal() -> None:
    """80 %: some adverts come through, most do not."""
    lan, _a, b = settled()
    lan.loss = 0.8
    before = b.status("VI_1").counters.advert_rcvd
    lan.run(200)
    got = b.status("VI_1").counters.advert_rcvd - before
    assert 10 <= got <= 80
    lan.heal()
    lan.run(10)
    before = b.status("VI_1").counters.advert_rcvd
    lan.run(10)
    assert b.status("VI_1").counters.advert_rcvd - before == 10


def test_one_way_cut_is_one_way() -> None:
    """b hears a no more, a hears b."""
    lan, a, b = settled()
    lan.cut("a", "b")
    before = b.status("VI_1").counters.advert_rcvd
    lan.run(20)
    assert b.status("VI_1").counters.advert_rcvd == before
    assert a.status("VI_1").peer == "10.0.0.2"
    assert lan.reaches("b", "a")
    assert not lan.reaches("a", "b")


def test_corrupted_adverts_are_refused_and_duplicates_do_no_harm() -> None:
    """Every bit counts; twice the same is once."""
    lan, _a, b = settled()
    lan.corruption = 1.0
    before = b.status("VI_1").counters.advert_rcvd
    lan.run(2)
    assert b.status("VI_1").counters.advert_rcvd == before
    lan.corruption, lan.duplication = 0.0, 1.0
    lan.run(10)
    assert lan.masters.holders(("lan", 4, 50)) == ("a",)


def test_client_believes_the_last_announcement_only() -> None:
    """The address may be somewhere else: who announced it is asked, and does not answer."""
    lan, a, b = settled()
    assert lan.answers.holders(VIP) == ("a",)
    b.add_address("eth0", f"{VIP}/24")
    assert lan.answers.holders(VIP) == ("a",)
    address = Address(address=VIP, prefix=24, interface="eth0")
    lan.announce(b, m.SendAnnouncements(instance="VI_1", addresses=(address,), repeat=1))
    lan.run(0.01)
    assert lan.answers.holders(VIP) == ("b",)
    b.remove_address(VIP)
    lan.run(0.01)
    assert lan.answers.holders(VIP) == ()
    assert a.holds(VIP)
    assert lan.outage(VIP, since_s=10) > 0


def test_announcement_without_the_address_is_a_violation() -> None:
    """The wire sees it, whoever does it."""
    lan, _a, b = settled()
    address = Address(address=VIP, prefix=24, interface="eth0")
    lan.announce(b, m.SendAnnouncements(instance="VI_1", addresses=(address,), repeat=1))
    assert len(lan.violations) == 1


def test_clocks_of_two_hosts_do_not_agree() -> None:
    """A Router that compared its clock with a peer's would fail every story."""
    _lan, a, b = pair()
    assert a.now != b.now


def test_router_that_never_serves_its_deadline_is_stuck() -> None:
    """Not an endless test: an error that names the host."""

    class Lazy:
        deadline = 0

        def handle(self, one: m.Input, now: int) -> Sequence[m.Output]:
            return ()

        def tick(self, now: int) -> Sequence[m.Output]:
            return ()

    lan, a, _b = pair()
    a.start()
    a.router = Lazy()  # type: ignore[assignment]
    a.give(m.ClockStalled(late=0))
    with pytest.raises(SimulationStuck, match=r"^a: "):
        lan.run(1)


def test_lost_power_takes_everything_and_boot_gives_only_its_own() -> None:
    """Addresses, state, what was under way."""
    lan, a, _b = settled()
    a.failover("VI_1")
    a.power_cut()
    assert not a.holds("10.0.0.1")
    a.power_on(start=False)
    assert a.holds("10.0.0.1")
    assert not a.holds(VIP)
    lan.run(5)
    assert not a.replies


@pytest.mark.parametrize("fault", ["wins", "preempts", "silent farewell"])
def test_histories_notice_a_broken_router(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge is not blind: a router whose election is wrong fails some of few seeds."""
    if fault == "wins":
        monkeypatch.setattr(election, "wins", lambda instance, heard: heard.priority > instance.priority)
    elif fault == "preempts":
        monkeypatch.setattr(election, "_preempts", lambda *_: False)
    else:
        monkeypatch.setattr("engine.protocol.instance.VrrpInstance.resign", lambda *_: None)
    run = planned if fault == "silent farewell" else play
    assert any(run(seed).problems for seed in range(120))


def test_watchers_see_every_list_of_outputs() -> None:
    """What drills and properties hang on to."""
    seen: list[str] = []

    def watch(host: Host, cause: m.Input | None, outputs: Sequence[m.Output]) -> None:
        seen.extend(f"{host.name} {type(one).__name__}" for one in outputs)

    lan, a, _b = pair()
    lan.watchers.append(watch)
    a.start()
    lan.run(4)
    assert "a StateChanged" in seen
    assert "a SendAdvert" in seen
