"""Each check of a preflight: what passes, what warns, what fails, and what nobody knows."""

from __future__ import annotations

import msgspec
import pytest

from engine.config.model import Announce, Vmac
from engine.config.plan import plan
from engine.core.drill import plans
from engine.core.drill.preflight import HostFacts, Known, checks, failover_checks, merged, overridden, reload_impact
from engine.errors import Refused
from engine.messages import AddressStatus, Check, FindingStatus, LedgerLine, State
from tests.fake_engine import instance
from tests.scenarios.build import config
from tests.scenarios.build import instance as configured

ADDRESS = AddressStatus("10.0.0.50", 24, "eth0", present=True)
MASTER = instance(peer="10.0.0.9", peer_priority=100, heard_at=1, addresses=(ADDRESS,))
BACKUP = msgspec.structs.replace(MASTER, state=State.BACKUP, master="10.0.0.9", master_priority=200)
SILENT = next(one for one in plans.BUILT_IN if one.name == "silent-master")
CLASH = FindingStatus("D-VRID-CLASH VI_1", "D-VRID-CLASH", "error", MASTER.name, "10.0.0.77 uses VRID 51 too")
OTHER_INTERVAL = FindingStatus("D-ADVINT VI_1", "D-ADVINT", "error", MASTER.name, "adverts name another interval")
ELSEWHERE = msgspec.structs.replace(OTHER_INTERVAL, instance="VI_9")


def results(code: str, known: Known = Known(), status: object = MASTER) -> list[str]:  # noqa: B008  frozen
    return [one.result for one in checks(SILENT, status, known) if one.code == code]  # type: ignore[arg-type]


def test_what_only_another_node_knows_is_unknown_without_a_link() -> None:
    for code in ("P-CONFIG-MATCH", "P-CLOCK", "P-SERVICE"):
        assert results(code) == ["unknown"], code


@pytest.mark.parametrize(
    ("code", "known", "wanted"),
    [
        ("P-PENDING", Known(), "pass"),
        ("P-PENDING", Known(pending="revision 7 waits"), "fail"),
        ("P-VRID-FREE", Known(), "pass"),
        ("P-VRID-FREE", Known(findings=(CLASH,)), "warn"),
        ("P-CONFIG-MATCH", Known(findings=(OTHER_INTERVAL,)), "warn"),
        ("P-CONFIG-MATCH", Known(findings=(ELSEWHERE,)), "unknown"),
        ("P-FW-OUT", Known(), "pass"),
        ("P-FW-OUT", Known(refused="operation not permitted"), "warn"),
        ("P-SERVICE", Known(host=HostFacts(ports=(443,))), "unknown"),
        ("P-SERVICE", Known(host=HostFacts(ports=(80, 443), open=(80, 443))), "pass"),
        ("P-SERVICE", Known(host=HostFacts(ports=(80, 443), open=(80,))), "warn"),
        ("P-NONLOCAL-BIND", Known(host=HostFacts(bound=(80,), nonlocal_bind=True)), "pass"),
        ("P-NONLOCAL-BIND", Known(host=HostFacts(bound=(80,), nonlocal_bind=False)), "warn"),
        ("P-SYNC-GROUP", Known(members=("VI_1", "VI_2")), "warn"),
        ("P-ANNOUNCE", Known(instance=configured()), "pass"),
        ("P-ANNOUNCE", Known(instance=configured(announce=Announce(master_delay=0))), "warn"),
        ("P-ANNOUNCE", Known(instance=configured(announce=Announce(master_delay=0, master_refresh=1))), "pass"),
        ("P-VMAC", Known(instance=configured(vmac=Vmac()), host=HostFacts(virtual_machine=True)), "warn"),
        ("P-VMAC", Known(instance=configured(vmac=Vmac()), host=HostFacts(virtual_machine=False)), "pass"),
        ("P-VMAC", Known(instance=configured(vmac=Vmac())), "unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_check_follows_from_what_is_known(code: str, known: Known, wanted: str) -> None:
    here = [one for one in results(code, known) if (code, one) != ("P-PENDING", "unknown")]
    assert here == [wanted]


def test_without_a_link_to_other_nodes_it_is_unknown_what_is_under_way_there() -> None:
    assert results("P-PENDING") == ["pass", "unknown"]
    told = Check("pass", "P-PENDING", "serverB: nothing else is under way")
    assert results("P-PENDING", Known(nodes=(told,))) == ["pass", "pass"]


def test_checks_that_concern_nobody_are_left_out() -> None:
    codes = {one.code for one in checks(SILENT, MASTER, Known(instance=configured()))}
    assert not codes & {"P-VMAC", "P-NONLOCAL-BIND", "P-SYNC-GROUP"}


def test_tracker_that_fails_and_address_that_is_gone() -> None:
    sick = msgspec.structs.replace(MASTER, ledger=(LedgerLine("script", "chk", good=False, weight=0, contribution=0),))
    gone = msgspec.structs.replace(
        MASTER, addresses=tuple(msgspec.structs.replace(one, present=False) for one in MASTER.addresses)
    )
    assert results("P-TRACKERS", status=sick) == ["warn"]
    assert results("P-VIP-MATCH", status=gone) == ["fail"]
    assert [one.result for one in failover_checks("step-down", gone, Known()) if one.code == "P-VIP-MATCH"] == ["warn"]


def test_failover_of_a_backup_knows_the_master() -> None:
    found = {one.code: one.result for one in failover_checks("take-over", BACKUP, Known())}
    assert found["P-PEER-HEARD"] == "pass"
    assert "fail" not in found.values()


def test_a_linked_node_answers_what_is_not_known_here_and_stands_beside_the_rest() -> None:
    own = (Check("unknown", "P-CLOCK", "no link"), Check("pass", "P-TRACKERS", "good here"))
    told = (Check("pass", "P-CLOCK", "3 ms"), Check("warn", "P-TRACKERS", "chk fails there"))
    assert merged(own, told) == (own[1], told[0], told[1])
    assert merged(own, (Check("unknown", "P-CLOCK", "no answer"),)) == own


def test_impact_of_a_change_names_every_instance_that_notices() -> None:
    old = config(configured(), configured(name="VI_2", vrid=52))
    same = reload_impact(plan(old, old))
    assert (same.result, same.code) == ("pass", "P-RELOAD-IMPACT")
    assert "stays as it is" in same.text
    light = reload_impact(plan(old, config(configured(priority=7), configured(name="VI_2", vrid=52))))
    assert (light.result, light.text) == ("pass", "in place: VI_1")
    heavy = reload_impact(plan(old, config(configured(priority=7), configured(name="VI_2", vrid=53))))
    assert heavy.result == "warn"
    assert heavy.text.startswith("in place: VI_1; restart: VI_2 (up to ")
    bad = reload_impact(plan(old, old), ("a.conf:3: there is no such word",))
    assert (bad.result, bad.text.endswith("a.conf:3: there is no such word")) == ("fail", True)


def test_override_needs_a_reason_and_never_reaches_the_last_owner() -> None:
    soft, hard = Check("fail", "P-PENDING", "held"), Check("fail", "P-PEER-HEARD", "nobody else")
    assert overridden((Check("warn", "P-CLOCK", "1 s"),), "") == ()
    assert overridden((soft, soft), "because") == ("P-PENDING",)
    for found, reason in (((soft,), ""), ((soft, hard), "because"), ((hard,), "because")):
        with pytest.raises(Refused) as refusal:
            overridden(found, reason)
        assert refusal.value.code == "E-PREFLIGHT"
