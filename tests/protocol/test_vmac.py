"""Virtual MAC addresses, the names of their devices, and when their addresses are announced."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from engine import messages as m
from engine.config.model import NS_PER_S, Vmac
from engine.protocol.vmac import LET_GO, vmac_address, vmac_interface
from tests.scenarios.build import config, instance
from tests.scenarios.octets import advert
from tests.scenarios.rig import Rig, interface


@pytest.mark.parametrize(
    ("vrid", "address", "mac"),
    [
        (1, "10.0.0.50/24", "00:00:5e:00:01:01"),
        (51, "10.0.0.50/24", "00:00:5e:00:01:33"),
        (255, "10.0.0.50/24", "00:00:5e:00:01:ff"),
        (1, "fe80::50/64", "00:00:5e:00:02:01"),
        (255, "fe80::50/64", "00:00:5e:00:02:ff"),
    ],
)
def test_mac_is_the_vrid_in_the_assigned_block(vrid: int, address: str, mac: str) -> None:
    """V3-7.3-01 V2-7.3-01"""
    assert vmac_address(instance(vrid=vrid, address=address, vmac=Vmac())) == mac
    assert vmac_address(instance(vrid=vrid, address=address, vmac=Vmac(mac="02:00:00:00:00:07"))) == "02:00:00:00:00:07"
    assert vmac_address(instance(vrid=vrid, address=address)) == ""


def test_device_is_named_by_the_vrid_and_ipv6_steps_aside() -> None:
    four = instance(vmac=Vmac())
    six = instance("VI_6", address="fe80::50/64", vmac=Vmac())
    named = instance("VI_N", vrid=7, vmac=Vmac(name="web0"))
    assert vmac_interface(four, config(four, six, named)) == "vrrp.50"
    assert vmac_interface(six, config(four, six, named)) == "vrrp6.50"
    assert vmac_interface(six, config(six)) == "vrrp.50"
    assert vmac_interface(named, config(named)) == "web0"
    assert vmac_interface(instance(), config(instance())) == ""


def placed(*names: str, **more: Any) -> Rig:
    """A backup of priority 100 beside a master of 50; its addresses lie on these interfaces, one each."""
    one = instance(version=3, address=" ".join(f"10.0.0.{50 + at}/24" for at, _ in enumerate(names)), **more)
    addresses = tuple(
        msgspec.structs.replace(address, interface=name) for address, name in zip(one.addresses, names, strict=True)
    )
    rig = Rig(config(msgspec.structs.replace(one, addresses=addresses)))
    for name in set(names) - {"eth0"}:
        rig.give(interface(name, own=False))
    return rig


def preempted(rig: Rig) -> list[m.Output]:
    """What comes in the instant in which it displaces the other."""
    for _ in range(40):
        rig.give(advert(version=3, priority=50))
        came = rig.pass_time(NS_PER_S // 10)
        if any(isinstance(one, m.StateChanged) for one in came):
            assert rig.status().last_cause is m.Cause.WE_PREEMPTED
            return came
    raise AssertionError("it never became master")


def announced(outputs: Sequence[m.Output]) -> list[tuple[str, ...]]:
    return [tuple(a.interface for a in one.addresses) for one in outputs if isinstance(one, m.SendAnnouncements)]


def test_no_gratuitous_arp_for_a_virtual_mac_until_the_displaced_master_has_let_go() -> None:
    """It would answer, and the switch would send everything to its port until our next advert."""
    rig = placed("vrrp.50", "eth1", vmac=Vmac())
    came = preempted(rig)
    at = next(one for one, output in enumerate(came) if isinstance(output, m.SendAdvert))
    assert isinstance(came[at - 1], m.AddAddresses), "the addresses are there before the other hears us"
    came += rig.pass_time(LET_GO)
    assert announced(came) == [("eth1",), ("vrrp.50", "eth1")], "clients have to learn at once where eth1 is"


@pytest.mark.parametrize(
    "more", [{"vmac": Vmac(xmit_base=True)}, {}], ids=["adverts leave from the interface", "no virtual MAC"]
)
def test_where_the_advert_does_not_show_the_switch_the_way_the_announcement_comes_at_once(more: dict[str, Any]) -> None:
    rig = placed("vrrp.50" if more else "eth0", **more)
    came = preempted(rig) + rig.pass_time(LET_GO)
    assert len(announced(came)) == (2 if more else 1)
    kinds = [type(one).__name__ for one in came]
    assert kinds[kinds.index("SendAdvert") + 1] == "SendAnnouncements"


def test_a_master_that_resigned_is_followed_by_the_advert_first_and_announced_over_when_it_has_let_go() -> None:
    """Another backup waits hardly longer; the addresses of the one that resigned stay until it hears us, and longer."""
    rig = placed("vrrp.50", vmac=Vmac())
    rig.give(advert(version=3, priority=150))
    rig.give(advert(version=3, priority=0))
    came = rig.pass_time(NS_PER_S - 1)
    kinds = [type(one).__name__ for one in came]
    assert kinds[:3] == ["SendAdvert", "AddAddresses", "SendAnnouncements"]
    assert announced(came + rig.pass_time(NS_PER_S)) == [("vrrp.50",)] * 3, "at once, when let go, when settled"
