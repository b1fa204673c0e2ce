"""What two real routers do when a process of one is killed or stands still: done by signals, judged from outside."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.messages import Cause, NearMiss, State, StateChanged
from hatui.lab import Lab, start_engine, wait_for
from tests.net.engine_talk import config, events, host_of, master, pid_of, status
from tests.net.vrrp_process import VIP, VrrpProcess, sample

pytestmark = [
    pytest.mark.net,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root to look into the network of another process"),
]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab() as one:
        one.add_host("vrrpA", "10.211.55.22/24")
        one.add_host("vrrpB", "10.211.55.23/24")
        one.add_host("client", "10.211.55.24/24")
        yield one


@pytest.fixture
def start(lab: Lab) -> Iterator[Callable[[str], VrrpProcess]]:
    started: list[VrrpProcess] = []

    def one(name: str) -> VrrpProcess:
        started.append(VrrpProcess(lab.hosts[name]))
        return started[-1]

    yield one
    for process in started:
        process.close()


def pair(lab: Lab, start: Callable[[str], VrrpProcess]) -> tuple[VrrpProcess, VrrpProcess]:
    """A (priority 255: master at once) and B (50: takes over after 3.8 s of silence)."""
    a, b = start("vrrpA"), start("vrrpB")
    a.configure(sample(lab.hosts["vrrpA"], 255))
    b.configure(sample(lab.hosts["vrrpB"], 50))
    a.wait_for(lambda: any(event.new is State.MASTER for event in a.happened(StateChanged)))
    b.wait_for(lambda: b.status().peer_priority == 255)
    lab.wait_for_owner("vrrpA", 2)
    return a, b


def frozen(process: VrrpProcess, seconds: float) -> None:
    process.popen.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.popen.send_signal(signal.SIGCONT)


def test_a_pause_shorter_than_master_down_moves_nothing_and_is_recorded(lab: Lab, start: Any) -> None:
    a, b = pair(lab, start)
    pinger = lab.pinger("client")
    pinger.wait_for_owner("vrrpA")
    last = b.status().heard_at
    b.wait_for(lambda: b.status().heard_at != last, 3, "the next advert")
    frozen(a, 2.95)  # the next advert comes in the last second before b's master-down of 3.8 s
    near = b.wait_for(lambda: b.happened(NearMiss))
    assert "stood still" in a.wait_for(lambda: a.happened(NearMiss))[0].text
    time.sleep(1.2)
    assert pinger.stop().lost == 0
    assert [event.new for event in b.happened(StateChanged)] == [State.BACKUP]
    assert [event.new for event in a.happened(StateChanged)] == [State.MASTER]
    assert near[0].instance == "VI_1"
    assert lab.owners(VIP) == ["vrrpA"]


def test_a_longer_pause_moves_the_address_and_the_resumed_engine_yields_at_once_and_says_why(
    lab: Lab, start: Any
) -> None:
    a, b = pair(lab, start)
    a.popen.send_signal(signal.SIGSTOP)
    b.wait_for(lambda: any(event.new is State.MASTER for event in b.happened(StateChanged)), 6)
    assert b.happened(StateChanged)[-1].cause is Cause.MASTER_NO_RESPONSE
    resumed = time.monotonic()
    a.popen.send_signal(signal.SIGCONT)
    yielded = a.wait_for(lambda: [event for event in a.happened(StateChanged) if event.new is State.BACKUP])
    assert yielded[0].cause is Cause.ENGINE_STALL
    assert yielded[0].detail
    assert time.monotonic() - resumed < 1.5, "one advert interval of the other, and a moment"
    wait_for(lambda: lab.owners(VIP) != ["vrrpA", "vrrpB"], 2, "a single owner")


def test_killed_core_with_a_peer_loses_no_ping_and_leaves_nothing(lab: Lab, start: Any) -> None:
    a, b = pair(lab, start)
    pinger = lab.pinger("client")
    pinger.wait_for_owner("vrrpA")
    a.core_dies()
    assert a.wait() == 0
    b.wait_for(lambda: any(event.new is State.MASTER for event in b.happened(StateChanged)))
    pinger.wait_for_owner("vrrpB")
    assert pinger.stop().lost <= 1
    assert lab.owners(VIP) == ["vrrpB"]


def test_engine_whose_vrrp_process_stood_still_tells_the_near_miss_and_then_why_it_yielded() -> None:
    """Whole engines, adverts every 0.3 s: 0.6 s of standing still moves nothing and is in the history of both;
    beyond 1.1 s the peer serves, and the resumed engine yields at once and says why."""
    with Lab() as lab:
        a, b, client = host_of(lab), host_of(lab, "b", 23), host_of(lab, "client", 24)
        slower = config(200).replace("advert_int 0.1", "advert_int 0.3")
        engine = master(a, slower)
        other = start_engine(b, slower.replace("priority 200", "priority 90"))
        wait_for(lambda: status(other)["master"] == "10.211.55.22", 5, "b hears a")
        pinger = lab.pinger(client, VIP)
        pinger.wait_for_owner("a")
        vrrp, since = pid_of(engine, "hatui-vrrp"), time.monotonic_ns()
        for number in range(12):  # how long b hears nothing depends on when the last advert left
            stand_still(vrrp, 0.65)
            time.sleep(0.35 + 0.03 * number)
            if events(engine, "near-miss") and events(other, "near-miss"):
                break
        report = pinger.report(since)
        assert (report.lost, report.owner) == (0, "a")
        assert [event["new"] for event in events(other, "state-changed")] == ["BACKUP"]
        assert "stood still" in events(engine, "near-miss")[0]["text"]
        assert "missed" in events(other, "near-miss")[0]["text"]

        os.kill(vrrp, signal.SIGSTOP)
        wait_for(lambda: status(other)["state"] == "MASTER", 5, "b takes over")
        os.kill(vrrp, signal.SIGCONT)
        wait_for(lambda: lab.owners(VIP) == ["b"] or status(engine)["state"] == "BACKUP", 3, "a yields")
        changes = [event for event in events(engine, "state-changed") if event["new"] == "BACKUP"]
        assert changes[-1]["cause"] == "engine-stall"
        assert "10.211.55.23" in changes[-1]["detail"]
        pinger.stop()


def stand_still(pid: int, seconds: float) -> None:
    os.kill(pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(pid, signal.SIGCONT)
