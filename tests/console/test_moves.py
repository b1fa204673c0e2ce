"""What a failover would do."""

from __future__ import annotations

import msgspec

from engine.codes import known
from engine.messages import EventLine, HandOverFinished, InstanceStatus, State
from hatui.moves import Move, forecast, measured
from hatui.nodes import named
from hatui.store import Connection, LinkState, Store
from tests.console.recording import API, DB, DNS, EVENTS, HELLO, NOW, SNAPSHOT, WALL, WEB, S


def store_of(*instances: InstanceStatus) -> Store:
    store = Store()
    for line in (
        LinkState(Connection.LIVE, NOW),
        HELLO,
        msgspec.structs.replace(SNAPSHOT, statuses=instances),
        *EVENTS,
    ):
        store.apply(line)
    return store


def of(status: InstanceStatus, *others: InstanceStatus, hold: str = "") -> Move:
    move = forecast(store_of(status, *others), status.name, NOW, hold)
    assert move is not None
    return move


def test_master_steps_down_and_the_peer_it_heard_takes_over_after_its_skew() -> None:
    move = of(WEB, hold="30m")
    assert move.method == "step-down"
    assert move.before == (("lb-a", "MASTER", "150"), ("10.0.0.12", "backup ?", "100"))
    assert move.after == (("lb-a", "backup", "1 (held 30m)"), ("10.0.0.12", "MASTER", "100"))
    assert move.expected == 609_375_000
    assert "preempts" in move.back


def test_backup_takes_over() -> None:
    move = of(DNS)
    assert move.method == "take-over"
    assert move.after[0] == ("lb-a", "MASTER", "254 (held)")
    assert move.count("pass") == 3


def test_nothing_is_passed_that_nobody_told() -> None:
    checks = {check.code: check.result for check in of(WEB).checks}
    assert checks == {"P-PEER-HEARD": "unknown", "P-TRACKERS": "unknown", "P-PENDING": "pass", "P-VIP-MATCH": "unknown"}


def test_unknown_peer_makes_the_way_back_unknown() -> None:
    move = of(msgspec.structs.replace(WEB, peer="", peer_priority=0, heard_at=0))
    assert move.expected == 0
    assert move.back.startswith("not known")


def test_owner_and_fault_cannot_be_moved() -> None:
    assert of(msgspec.structs.replace(WEB, base_priority=255)).method == ""
    assert "an owner never steps down" in of(msgspec.structs.replace(WEB, base_priority=255)).why_not
    assert of(DB).why_not == "it is in FAULT [E-FAULT]"


def test_hold_failing_tracker_and_sync_group_warn() -> None:
    held = msgspec.structs.replace(WEB, hold_kind="step-down", hold_by="anna", sync_group="G")
    found = {
        check.code for check in of(held, msgspec.structs.replace(API, sync_group="G")).checks if check.result == "warn"
    }
    assert found == {"P-PENDING", "P-SYNC-GROUP"}
    failing = msgspec.structs.replace(DNS, ledger=(msgspec.structs.replace(API.ledger[1]),))
    assert {check.code for check in of(failing).checks if check.result == "warn"} == {"P-TRACKERS"}


def test_every_check_has_a_code_that_explain_knows() -> None:
    for status in (WEB, DNS, DB):
        assert all(known(check.code) for check in of(status).checks)


def test_silent_engine_leaves_only_the_past() -> None:
    move = forecast(store_of(WEB), "VI_WEB", NOW + 60 * S, "")
    assert move is not None
    assert move.method == ""
    assert move.before == (("lb-a", "UNKNOWN", "(was MASTER 1m00s ago)"), ("10.0.0.12", "UNKNOWN", ""))
    assert [after[1] for after in move.after] == ["unknown", "unknown"]
    assert {check.result for check in move.checks} == {"unknown"}


def test_no_instance_no_forecast() -> None:
    assert forecast(store_of(), "VI_X", NOW, "") is None


def test_measured_reads_the_event_after_the_order_only() -> None:
    store = store_of(WEB)
    assert measured(store, "VI_WEB", store.last_seq) == ""
    store.apply(EventLine(20, NOW, WALL, HandOverFinished("VI_WEB", "10.0.0.12", 630_000_000, released=True)))
    assert measured(store, "VI_WEB", 9) == "10.0.0.12 answered after 0.63s"
    assert measured(store, "VI_WEB", 20) == ""


def linked(*, peer: str, state: State = State.BACKUP) -> Move:
    """lb-a is MASTER; lb-b is linked, and has been heard as `peer` or never."""
    a = msgspec.structs.replace(WEB, peer=peer, peer_priority=90 if peer else 0)
    b = msgspec.structs.replace(WEB, state=state, priority=120, source="10.0.0.12")
    store = Store()
    for node, status in (("lb-a", a), ("lb-b", b)):
        told = store.nodes.setdefault(node, Store())
        for line in (LinkState(Connection.LIVE, NOW), HELLO, msgspec.structs.replace(SNAPSHOT, statuses=(status,))):
            told.apply(line)
        store.apply(LinkState(Connection.LIVE, NOW))
        store.instances[f"{node}:{status.name}"] = named(status, node)
    store.vrrp_heard = NOW
    move = forecast(store, "lb-a:VI_WEB", NOW, "")
    assert move is not None
    return move


def test_linked_node_that_was_never_heard_is_the_one_that_takes_over() -> None:
    move = linked(peer="")
    assert move.before[1] == ("lb-b", "backup", "120")
    assert move.after[1] == ("lb-b", "MASTER", "120")
    assert move.target == "lb-b"
    assert move.expected == (256 - 120) * S // 256
    assert not move.back.startswith("not known")


def test_router_that_was_heard_is_named_by_its_address_and_told_of_by_its_own_engine_only() -> None:
    assert linked(peer="10.0.0.12").before[1] == ("10.0.0.12", "backup", "120")
    assert linked(peer="10.0.0.13").before[1] == ("10.0.0.13", "backup ?", "90")
    assert linked(peer="", state=State.FAULT).before[1][0] == "another router"
