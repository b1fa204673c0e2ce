"""Devices and kernel settings that the configuration asks for: virtual MACs, sysctls.

Owns two rules. A device that we made is removed when its instance goes or the engine ends, and one of
the same name that is not ours is never touched. A setting that we change is put back at the end, unless
somebody else has changed it meanwhile.
Source: keepalived.conf(5) use_vmac, promote_secondaries; RFC 9568 7.3, 7.4.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.config.model import Address, Config, Instance
from engine.messages import Configure, EffectFailed, HandOverFinished, HandOverStarted, State, StateChanged
from engine.protocol.vmac import vmac_address, vmac_interface
from engine.vrrp import netlink
from engine.vrrp.kernel import Kernel
from engine.vrrp.netlink import Link

_CONF = Path("/proc/sys/net/ipv4/conf")
_CONF6 = Path("/proc/sys/net/ipv6/conf")
_ON_VMAC = {"arp_ignore": "1", "accept_local": "1", "rp_filter": "0", "promote_secondaries": "1"}
_ON_VMAC6 = {"accept_ra": "0", "mldv2_unsolicited_report_interval": "10"}
"""A router advertisement must not lead the host's own traffic over it. Multicast listener reports are repeated within
10 ms, not 1 s: each one of a host that has just let go shows the switch the virtual MAC at the wrong port, and what the
master announces afterwards mends that."""
_AT_ONCE = 50
"""Devices that are removed in one step while adverts wait."""
_SILENT = "8"
"""arp_ignore: answer for no address. Source: ip-sysctl arp_ignore."""
_ON_PARENT = {"arp_ignore": "1", "arp_filter": "1", "arp_announce": "2"}
"""arp_announce: the parent asks for neighbours in its own name, or its MAC would be learnt for the virtual address."""


def placed(config: Config) -> Config:
    """The same configuration with the virtual addresses of a use_vmac instance placed on its device."""
    if all(one.vmac is None for one in config.instances):
        return config
    instances = []
    for one in config.instances:
        device = vmac_interface(one, config)
        instances.append(
            msgspec.structs.replace(
                one,
                addresses=_on(device, one.addresses),
                excluded_addresses=_on(device, one.excluded_addresses),
            )
            if device
            else one
        )
    return msgspec.structs.replace(config, instances=tuple(instances))


def placed_whole(message: Configure) -> Configure:
    """The same, for those that still hand over as well."""
    config = placed(message.config)
    if not message.former:
        return msgspec.structs.replace(message, config=config)
    former = tuple(one for one, _ in message.former)
    whole = placed(msgspec.structs.replace(config, instances=config.instances + former))
    left = whole.instances[len(config.instances) :]
    sequences = [sequence for _, sequence in message.former]
    return msgspec.structs.replace(message, config=config, former=tuple(zip(left, sequences, strict=True)))


def _on(device: str, addresses: Iterable[Address]) -> tuple[Address, ...]:
    return tuple(one if one.interface else msgspec.structs.replace(one, interface=device) for one in addresses)


def vmac_devices(config: Config) -> dict[str, str]:
    """Instance name to its virtual MAC device, for those that have one."""
    return {one.name: vmac_interface(one, config) for one in config.instances if one.vmac is not None}


def egress(config: Config) -> dict[str, str]:
    """Instance name to the virtual MAC device that its adverts leave from; the others leave from the interface."""
    return {
        one.name: vmac_interface(one, config)
        for one in config.instances
        if one.vmac is not None and not one.vmac.xmit_base and not one.unicast
    }


@dataclass(frozen=True, slots=True)
class _Wanted:
    instance: str
    name: str
    parent: str
    mac: str
    forwarding: Path | None
    """The setting by which the device passes packets on; IPv6 has none for one device."""


class Devices:
    """Virtual MAC devices and sysctls of one configuration."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._wanted: dict[str, _Wanted] = {}
        self._promoting: tuple[Instance, ...] = ()
        self._made: set[str] = set()
        self._hushed: set[str] = set()
        """Instances whose device answers no ARP just now."""
        self._settings: dict[Path, tuple[str, str]] = {}
        """Path to (value found, value written)."""

    def configure(self, config: Config) -> list[EffectFailed]:
        """Make the devices that are missing, set sysctls. Those wanted no more stay until `retire`: they may still
        carry addresses, and the Router has not moved them yet."""
        self._wanted = {}
        for one in config.instances:
            if one.vmac is not None:
                name = vmac_interface(one, config)
                forwarding = _CONF / name / "forwarding" if one.family == 4 else None
                self._wanted[name] = _Wanted(one.name, name, one.interface, vmac_address(one), forwarding)
        failed = [why for one in self._wanted.values() for why in self._make(one)]
        self._promoting = tuple(one for one in config.instances if one.promote_secondaries)
        for one in self._promoting:
            failed += self._prepare(one)
        return failed

    def retire(self) -> bool:
        """Remove some of the devices that are wanted no more; False when there was none. The kernel takes its time
        (some 30 ms), and adverts have to leave in between."""
        names = sorted(self._made - self._wanted.keys())[:_AT_ONCE]
        self._remove(names)
        return bool(names)

    def interface_changed(self, interface: str, exists: bool) -> list[EffectFailed]:
        """A parent came back, or somebody removed a virtual MAC device: it is made anew. A new interface has new
        settings, too.

        `exists` is what this notification says: one that went and came back at once is there all the time for the
        kernel's mirror.
        """
        failed: list[EffectFailed] = []
        if not exists:
            self._settings = {path: was for path, was in self._settings.items() if path.parent.name != interface}
        for one in self._promoting:
            if one.interface == interface:
                failed += self._prepare(one)
        return failed + [
            why for one in self._wanted.values() if interface in (one.parent, one.name) for why in self._make(one)
        ]

    def serve(self, instance: str) -> None:
        """A master gets its addresses: its device passes packets on again, where the host does so."""
        for one in self._wanted.values():
            if one.instance == instance and one.forwarding is not None:
                value = _read(_CONF / one.parent / "forwarding")
                if value and value != _read(one.forwarding):
                    _write(one.forwarding, value)

    def _rest(self, wanted: _Wanted) -> None:
        """Who is not master passes nothing on that comes to the virtual MAC: a switch that has forgotten it floods,
        and each such packet would arrive twice. Source: RFC 9568 6.4.2."""
        if wanted.forwarding is not None and _read(wanted.forwarding) not in ("", "0"):
            _write(wanted.forwarding, "0")

    def happened(self, event: HandOverStarted | HandOverFinished | StateChanged) -> None:
        """Who stops being master rests. While a master hands over, its virtual MAC device answers no ARP; it does
        again when the role is kept or comes back.

        The successor has the same MAC and announces by ARP requests. An answer of ours, which the host gives as
        long as it has the address, would show the switch that MAC at our port again, and nobody would get there
        once the address has gone.
        """
        if isinstance(event, StateChanged) and event.new is not State.MASTER:
            for one in self._wanted.values():
                if one.instance == event.instance:
                    self._rest(one)
        if isinstance(event, HandOverStarted):
            self._hush(event.instance, on=True)
        elif event.instance in self._hushed and (
            (isinstance(event, HandOverFinished) and not event.released)
            or (isinstance(event, StateChanged) and event.new is State.MASTER)
        ):
            self._hush(event.instance, on=False)

    def _hush(self, instance: str, *, on: bool) -> None:
        device = next((one.name for one in self._wanted.values() if one.instance == instance), "")
        if device:
            (self._hushed.add if on else self._hushed.discard)(instance)
            _write(_CONF / device / "arp_ignore", _SILENT if on else _ON_VMAC["arp_ignore"])

    def close(self) -> None:
        """Remove our devices, put the settings back."""
        self._remove(tuple(self._made))
        for path, (found, written) in self._settings.items():
            if _read(path) == written:
                _write(path, found)
        self._settings.clear()

    def _prepare(self, instance: Instance) -> list[EffectFailed]:
        if self._kernel.link(instance.interface) is None:
            return []
        why = self._set(_CONF / instance.interface / "promote_secondaries", "1")
        return [EffectFailed(instance.name, "set-sysctl", why)] if why else []

    def _make(self, wanted: _Wanted) -> list[EffectFailed]:
        kernel = self._kernel
        parent, link = kernel.link(wanted.parent), kernel.link(wanted.name)
        if parent is None:
            return []  # the instance waits for it in FAULT
        if link is None:  # it may be our own of a moment ago, which the mirror does not know yet
            link = kernel.look(wanted.name)
        if link is not None and _same(link, parent, wanted):
            if wanted.name in self._made:
                return []
        elif link is not None and link.kind != "macvlan":
            return _refused(wanted, f"there is another interface of that name ({link.kind or 'no macvlan'})")
        else:
            if link is not None:
                kernel.transact(netlink.RTM_DELLINK, 0, [netlink.link_body(link.ifindex)])
            flags = netlink.NLM_F_CREATE | netlink.NLM_F_EXCL
            body = netlink.macvlan_body(wanted.name, parent.ifindex, wanted.mac)
            ((number, words),) = kernel.transact(netlink.RTM_NEWLINK, flags, [body])
            if number:
                return _refused(wanted, _words(number, words))
            link = kernel.look(wanted.name)
            if link is None:
                return _refused(wanted, "it is gone as soon as made")
            self._rest(wanted)
        self._made.add(wanted.name)
        failures = self._settle(wanted, link)
        results = kernel.transact(
            netlink.RTM_NEWLINK, 0, [netlink.own_addresses_only_body(link.ifindex), netlink.link_up_body(link.ifindex)]
        )
        if results[1][0]:
            failures += _refused(wanted, _words(*results[1]))
        return failures

    def _settle(self, wanted: _Wanted, link: Link) -> list[EffectFailed]:
        """The sysctls that make the virtual MAC answer for the addresses, and the parent not."""
        self._lower_reverse_path_filter()
        failures = []
        for key, value in _ON_VMAC.items():  # it goes with the device: nothing to put back
            failures.append(_write(_CONF / link.name / key, value))
        if (_CONF6 / link.name).exists():
            failures += [_write(_CONF6 / link.name / key, value) for key, value in _ON_VMAC6.items()]
        failures += [self._set(_CONF / wanted.parent / key, value) for key, value in _ON_PARENT.items()]
        why = next((why for why in failures if why), "")
        return [EffectFailed(wanted.instance, "set-sysctl", why)] if why else []

    def _lower_reverse_path_filter(self) -> None:
        """Replies to a virtual MAC leave by its parent, so a filter set for all interfaces would drop what
        comes in: give each interface the value that `all` had, and none to `all`."""
        everywhere = _CONF / "all" / "rp_filter"
        value = _read(everywhere)
        if value in ("", "0"):
            return
        for path in sorted(_CONF.glob("*/rp_filter")):
            name = path.parent.name
            if name not in ("all", *self._wanted) and _read(path) < value:
                self._set(path, value)
        self._set(everywhere, "0")

    def _set(self, path: Path, value: str) -> str:
        """Write a setting and remember what was there. Returns the reason when it cannot."""
        found = _read(path)
        if found == value:
            return ""
        why = _write(path, value)
        if not why:
            self._settings[path] = (self._settings.get(path, (found, ""))[0], value)
        return why

    def _remove(self, names: Iterable[str]) -> None:
        self._made.difference_update(names)
        links = [link for name in names if (link := self._kernel.link(name)) is not None and link.kind == "macvlan"]
        if links:
            self._kernel.delete_links(links)


def _same(link: Link, parent: Link, wanted: _Wanted) -> bool:
    return (link.kind, link.parent, link.mac) == ("macvlan", parent.ifindex, wanted.mac.lower())


def _refused(wanted: _Wanted, why: str) -> list[EffectFailed]:
    return [EffectFailed(wanted.instance, "make-device", f"cannot make {wanted.name} on {wanted.parent}: {why}")]


def _words(number: int, words: str) -> str:
    hint = "; the engine needs the capability CAP_NET_ADMIN" if number == errno.EPERM else ""
    return os.strerror(number) + (f", {words}" if words else "") + hint


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _write(path: Path, value: str) -> str:
    try:
        path.write_text(value)
    except OSError as error:
        return f"cannot set {path}: {error.strerror}"
    return ""
