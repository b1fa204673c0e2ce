"""Virtual MAC addresses and the names of their devices."""

from __future__ import annotations

import pytest

from engine.config.model import Vmac
from engine.protocol.vmac import vmac_address, vmac_interface
from tests.scenarios.build import config, instance


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
