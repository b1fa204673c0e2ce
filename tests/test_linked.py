"""What linked nodes say before an address is moved."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from engine.messages import AddressStatus, Check, InstanceStatus, LedgerLine, OtherRouter, State
from hatui.linked import Linked, checks, checks_of, failed, other_of
from hatui.nodes import named
from hatui.store import Connection, LinkState, Store
from tests.console.recording import ENGINE
from tests.fake_engine import instance

S = 1_000_000_000
ADDRESS = AddressStatus("10.0.0.50", 24, "eth0", present=True)
OWN = instance(state=State.MASTER, peer="10.0.0.12", source="10.0.0.11", addresses=(ADDRESS,))
TWIN = msgspec.structs.replace(OWN, state=State.BACKUP, source="10.0.0.12", priority=90)
HERE = Linked("lb-a", ENGINE, {OWN.name: OWN}, 0)
BAD = LedgerLine("script", "chk", good=False, weight=0, contribution=0)


def of(twin: InstanceStatus, clock: int | None = 3_000_000, **engine: object) -> Mapping[str, Check]:
    told = msgspec.structs.replace(ENGINE, config_fingerprint="another", **engine)
    found = checks(HERE, OWN, [Linked("lb-b", told, {twin.name: twin}, clock)])
    return {one.code: one for one in found}


def test_a_node_that_is_as_it_should_be_passes_everything() -> None:
    found = of(TWIN)
    assert {one.result for one in found.values()} == {"pass"}
    assert set(found) == {
        "P-PEER-HEARD", "P-PEER-READY", "P-VIP-MATCH", "P-TRACKERS", "P-CONFIG-MATCH", "P-CLOCK", "P-PENDING",
    }  # fmt: skip
    assert found["P-CLOCK"].text == "lb-b: its clock is 0.003s ahead"


@pytest.mark.parametrize(
    ("changes", "code", "result", "words"),
    [
        ({"state": State.FAULT, "faults": ("eth0 has no carrier",)}, "P-PEER-READY", "fail", "eth0 has no carrier"),
        ({"addresses": ()}, "P-VIP-MATCH", "fail", "lacks 10.0.0.50"),
        ({"ledger": (BAD,)}, "P-TRACKERS", "warn", "chk"),
        ({"advert_interval": 7 * S}, "P-CONFIG-MATCH", "warn", "advert interval"),
        ({"hold_kind": "step-down", "hold_by": "ben"}, "P-PENDING", "fail", "by ben"),
    ],
    ids=["fault", "address", "tracker", "interval", "hold"],
)
def test_what_is_wrong_there_is_said_with_its_code(
    changes: dict[str, object], code: str, result: str, words: str
) -> None:
    found = of(msgspec.structs.replace(TWIN, **changes))[code]
    assert found.result == result
    assert words in found.text


def test_clocks_apart_and_a_change_that_waits() -> None:
    assert of(TWIN, -2 * S)["P-CLOCK"].result == "warn"
    assert of(TWIN, None)["P-CLOCK"].result == "unknown"
    assert of(TWIN, confirm_revision=7)["P-PENDING"].result == "fail"


def test_a_second_backup_that_is_ready_makes_a_fault_a_warning() -> None:
    sick = msgspec.structs.replace(TWIN, state=State.FAULT)
    third = msgspec.structs.replace(TWIN, source="10.0.0.13")
    found = checks(HERE, OWN, [Linked("lb-b", None, {"VI_1": sick}, 0), Linked("lb-c", None, {"VI_1": third}, 0)])
    assert failed(found) == ()
    unlinked = msgspec.structs.replace(OWN, peer="10.0.0.14")
    assert failed(checks(HERE, unlinked, [Linked("lb-b", None, {"VI_1": sick}, 0)])) == ()


def test_a_node_that_does_not_answer_is_unknown_and_a_stranger_says_nothing() -> None:
    found = checks(HERE, OWN, [Linked("lb-b", problem="no route to host")])
    assert [(one.result, one.text) for one in found] == [("unknown", "lb-b: no route to host")]
    other = msgspec.structs.replace(TWIN, vrid=OWN.vrid + 1)
    assert checks(HERE, OWN, [Linked("lb-c", ENGINE, {other.name: other}, 0)]) == ()


def test_the_other_router_is_the_one_that_would_serve_next() -> None:
    third = msgspec.structs.replace(TWIN, source="10.0.0.13", base_priority=120, preempt=False)
    nodes = [Linked("lb-b", None, {"VI_1": TWIN}), Linked("lb-c", None, {"VI_1": third})]
    bad = (("script", "chk_haproxy"),)
    third = msgspec.structs.replace(
        third, ledger=(LedgerLine("script", "chk_haproxy", good=False, weight=-20, contribution=-20),)
    )
    nodes[1] = Linked("lb-c", None, {"VI_1": third})
    wanted = OtherRouter(
        "lb-c", 120, third.advert_interval, preempt=False, instance="VI_1", source="10.0.0.13", failing=bad
    )
    assert other_of(HERE, OWN, nodes) == wanted
    sick = msgspec.structs.replace(third, state=State.FAULT)
    assert other_of(HERE, OWN, [Linked("lb-c", None, {"VI_1": sick}), Linked("lb-d", problem="away")]) is None


def test_a_console_knows_by_its_links() -> None:
    store = Store()
    for node, status in (("lb-a", OWN), ("lb-b", TWIN)):
        told = store.nodes.setdefault(node, Store())
        told.instances[status.name] = status
        told.link = LinkState(Connection.LIVE, 0)
        told.vrrp_heard = S
        store.instances[f"{node}:{status.name}"] = named(status, node)
    assert "P-VIP-MATCH" in {one.code for one in checks_of(store, f"lb-a:{OWN.name}", S)}
    assert [one.result for one in checks_of(store, f"lb-a:{OWN.name}", 60 * S)] == ["unknown"]
    assert checks_of(Store(), OWN.name, S) == ()
