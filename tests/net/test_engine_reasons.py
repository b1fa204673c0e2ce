"""Reasons planted on a real host, one after the other: what its own history explains afterwards names each of them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import msgspec

from engine.messages import Cause, EventLine, State, StateChanged
from hatui.explanation import explain
from hatui.lab import Engine, Lab, start_engine, wait_for
from tests.net.engine_talk import SERVICE, Talk, config, host_of, status
from tests.net.forging import Forger, again_and_again

OWN, PEER = "10.211.55.22", "10.211.55.77"
PLANTED = {
    # reason: words of the explanation
    Cause.STARTUP: "the engine had just started",
    Cause.PEER_HIGHER: f"another router advertises a higher priority: {PEER}",
    Cause.MASTER_NO_RESPONSE: f"{PEER} stopped without saying goodbye",
    Cause.MASTER_RESIGNED: f"the master resigned: {PEER} sent priority 0",
    Cause.PEER_EQUAL_HIGHER_ADDRESS: f"{PEER} has the same priority and the higher address",
    Cause.REJECTED_ADVERTS: f"all adverts of {PEER} were rejected",
    Cause.WE_PREEMPTED: f"this node has the higher priority and preempts {PEER}",
    Cause.PRIORITY_LOWERED: f"the priority here fell below that of {PEER}",
    Cause.INTERFACE_DOWN: "the interface went down",
    Cause.FAULT_CLEARED: "the last cause of FAULT is gone",
    Cause.ADDRESS_LOST: "the interface lost the address that adverts are sent from",
    Cause.SHUTDOWN: "the engine is stopping",
}


def record(engine: Engine) -> list[EventLine]:
    """The history, oldest first."""
    with Talk(engine) as talk:
        return [msgspec.convert(one, EventLine) for one in talk.ask("get-events", limit=1000)["events"]]


def test_planted_reasons_are_named_by_the_hosts_own_history(lab: Lab) -> None:
    a, x = host_of(lab, "a", 22), host_of(lab, "x", 77)
    file = a.root / "weight"
    file.write_text("0")
    text = f"vrrp_track_file drop {{\n    file {file}\n}}\n" + config(
        100, "    track_file {\n        drop weight 1\n    }\n"
    )
    engine = start_engine(a, text)

    def became(state: State) -> None:
        wait_for(lambda: status(engine)["state"] == state.value, 10, state.value)

    def heard(priority: int, **more: Any) -> Callable[[], None]:
        words: dict[str, Any] = {"vrid": 50, "addresses": (SERVICE,), "interval": 10, "priority": priority, **more}
        return lambda: forger.advert(**words)

    became(State.MASTER)
    with Forger(x) as forger:
        for forged in (heard(200), heard(100)):  # higher, and equal with the higher address; each then falls silent
            with again_and_again(forged, 0.08):
                became(State.BACKUP)
            became(State.MASTER)
        with again_and_again(heard(200), 0.08):
            became(State.BACKUP)
        heard(0)()
        became(State.MASTER)
        with again_and_again(heard(200), 0.08):
            became(State.BACKUP)
        with again_and_again(heard(200, checksum=0x1234), 0.08):
            became(State.MASTER)
        with again_and_again(heard(90), 0.08):
            file.write_text("-50")
            became(State.BACKUP)
            file.write_text("0")
            became(State.MASTER)
    a.ip("link set eth0 down")
    became(State.FAULT)
    a.ip("link set eth0 up")
    became(State.MASTER)
    a.ip(f"addr del {OWN}/24 dev eth0")
    became(State.FAULT)
    a.ip(f"addr add {OWN}/24 dev eth0")
    became(State.MASTER)
    engine.program.stop()
    engine = start_engine(a, text)
    rows = record(engine)
    found = {}
    for row in rows:
        if isinstance(row.event, StateChanged):
            found[row.event.cause] = explain(row, rows, interface="eth0", down=400_000_000)
    assert set(PLANTED) <= set(found), sorted(set(PLANTED) - set(found))
    for cause, words in PLANTED.items():
        assert found[cause].what == words, cause
        assert found[cause].cause, cause


TRACKED = """\
vrrp_script chk_flag {{
    script "/usr/bin/test -e {flag}"
    interval 1
}}
vrrp_sync_group G {{
    group {{
        VI_2
        VI_3
    }}
}}
"""


def test_a_tracker_a_sync_group_and_a_new_configuration_are_named_by_the_hosts_own_history(lab: Lab) -> None:
    a = host_of(lab, "a", 22)
    a.ip("link add eth1 type veth peer name eth1p", "addr add 10.9.0.1/24 dev eth1", "link set eth1p up")
    a.ip("link set eth1 up")
    flag = a.root / "flag"
    flag.touch()
    tracked = config(100, "    track_script {\n        chk_flag\n    }\n").partition("vrrp_instance")
    members = [
        config().partition("vrrp_instance")[2].replace("VI_1", name).replace("id 50", f"id {vrid}").replace(".50", last)
        for name, vrid, last in (("VI_2", 52, ".52"), ("VI_3", 53, ".53"))
    ]
    members[0] = members[0].replace("eth0", "eth1")
    rest = "".join(f"vrrp_instance{one}" for one in members)
    head = tracked[0] + "global_defs {\n    script_user root\n}\n" + TRACKED.format(flag=flag)
    engine = start_engine(a, head + tracked[1] + tracked[2] + rest)

    def became(*wanted: str) -> None:
        def states() -> tuple[str, ...]:
            with Talk(engine) as talk:
                return tuple(one["state"] for one in talk.statuses("instance-status"))

        wait_for(lambda: states() == wanted, 10, str(wanted))

    became("MASTER", "MASTER", "MASTER")
    flag.unlink()
    became("FAULT", "MASTER", "MASTER")
    a.ip("link set eth1 down")
    became("FAULT", "FAULT", "FAULT")
    a.ip("link set eth1 up")
    became("FAULT", "MASTER", "MASTER")
    (a.root / "engine.conf").write_text(head + rest)
    engine.program.send_signal(signal.SIGHUP)
    became("MASTER", "MASTER")
    found = {}
    rows = record(engine)
    for row in rows:
        if isinstance(row.event, StateChanged):
            found[row.event.instance, row.event.cause] = explain(row, rows, interface="eth0", down=400_000_000)
    planted = {
        ("VI_1", Cause.TRACKER_FAULT): "a tracker without a weight failed here",
        ("VI_2", Cause.INTERFACE_DOWN): "the interface went down",
        ("VI_3", Cause.SYNC_GROUP): "another member of its sync group changed",
        ("VI_1", Cause.CONFIG): "the configuration changed",
    }
    assert set(planted) <= set(found), sorted(set(planted) - set(found))
    for key, words in planted.items():
        assert found[key].what.startswith(words), (key, found[key].what)
    for key, named in ((("VI_1", Cause.TRACKER_FAULT), "chk_flag"), (("VI_3", Cause.SYNC_GROUP), "VI_2")):
        told = " ".join(line.text for line in found[key].timeline)
        assert named in told, told
