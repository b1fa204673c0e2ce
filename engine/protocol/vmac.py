"""Names and addresses of virtual MAC devices. Source: RFC 9568 7.3; keepalived.conf(5) use_vmac."""

from __future__ import annotations

from engine.config.model import Config, Instance


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
