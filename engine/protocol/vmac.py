"""Names and addresses of virtual MAC devices, and when theirs are announced.

Invariant: no gratuitous ARP asks for an address on a virtual MAC while the router that is displaced still has it.
Source: RFC 9568 7.3; keepalived.conf(5) use_vmac.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.model import Address, Config, Instance
from engine.protocol.timing import NS_PER_MS

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance

LET_GO = 50 * NS_PER_MS
"""ns after which a router that was displaced, or has handed over for long enough, has its addresses off."""


def announced_at_once(config: Instance, addresses: tuple[Address, ...]) -> tuple[Address, ...]:
    """What to announce together with the advert that displaces a living master, the rest after `LET_GO`.

    The advert has shown the switch where the virtual MAC is, and no host has to learn another. The other router would
    answer a gratuitous ARP request for an address that it still has, and the switch would send everything there until
    our next advert. Neighbour advertisements are not answered.
    """
    vmac = config.vmac
    if vmac is None or vmac.xmit_base or config.unicast or config.family == 6:
        return addresses
    device = vmac.name or f"vrrp.{config.vrid}"
    return tuple(one for one in addresses if one.family == 6 or one.interface != device)


def announce_when_let_go(instance: VrrpInstance, grace: int = 0) -> None:
    """Announce a virtual MAC again: what the other host says as it lets go shows the switch the wrong port.

    `grace`: ns for which the other keeps its addresses.
    """
    if instance.config.vmac is not None and instance.config.announce.master_repeat:
        instance.arm_side("let-go", instance.host.now + grace + LET_GO)


def vmac_address(config: Instance) -> str:
    """The virtual router's MAC, or "" without use_vmac. Source: RFC 9568 7.3."""
    if config.vmac is None:
        return ""
    return config.vmac.mac or f"00:00:5e:00:{1 if config.family == 4 else 2:02x}:{config.vrid:02x}"


def vmac_interface(config: Instance, whole: Config) -> str:
    """The macvlan's name, or "" without use_vmac: vrrp.VRID, or vrrp6.VRID where an IPv4 instance has that name."""
    if config.vmac is None:
        return ""
    if config.vmac.name:
        return config.vmac.name
    taken = config.family == 6 and any(
        one.vmac is not None and not one.vmac.name and one.family == 4 and one.vrid == config.vrid
        for one in whole.instances
    )
    return f"vrrp{'6' if taken else ''}.{config.vrid}"
