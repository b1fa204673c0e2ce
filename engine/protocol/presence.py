"""The virtual addresses of one instance: wished on or off, confirmed by the kernel, announced, restored.

Invariant: every wish to add is matched by one to remove; announcements never precede the wish to add.
Source: RFC 9568 6.4.2, 8.1.2, 8.2.2; keepalived.conf(5) garp_master_*.
"""

from __future__ import annotations

import ipaddress

import msgspec

from engine.config.model import Address, Instance
from engine.messages import (
    AddAddresses,
    AddressesMoved,
    AddressLost,
    AddRoutes,
    LogLine,
    RemoveAddresses,
    RemoveRoutes,
    SendAnnouncements,
)
from engine.protocol.host import Host


class Presence:
    """Addresses, routes and rules of one instance."""

    __slots__ = (
        "_awaited_present",
        "_config",
        "_host",
        "_unconfirmed",
        "addresses",
        "advertised",
        "advertised_count",
        "announced_at",
        "wished",
    )

    def __init__(self, host: Host, config: Instance) -> None:
        self._host = host
        self._unconfirmed: set[tuple[str, str]] = set()
        self._awaited_present = False
        self.announced_at = 0
        self.wished = False
        """The addresses are wished on their interfaces."""
        self.adopt(config)

    def adopt(self, config: Instance) -> None:
        """Take over a configuration's addresses without touching the kernel."""
        self._config = config
        self.addresses = placed_addresses(config)
        """All of them with their interface filled in, advertised ones first."""
        packed = [ipaddress.ip_address(one.address).packed for one in config.addresses]
        self.advertised, self.advertised_count = frozenset(packed), len(packed)

    def put_all(self, *, before_advert: bool = False) -> None:
        """Addresses, routes, rules."""
        self.put(self.addresses, before_advert=before_advert)
        if self._config.routes or self._config.rules:
            self._host.out.append(AddRoutes(self._config.name, self._config.routes, self._config.rules))

    def put(self, addresses: tuple[Address, ...], *, before_advert: bool = False) -> None:
        """Wish addresses onto their interfaces and await the kernel's word."""
        self.wished = True
        if addresses:
            self._await({(one.interface, one.address) for one in addresses}, present=True)
            self._host.out.append(AddAddresses(self._config.name, addresses, before_advert))

    def drop_all(self) -> None:
        """Routes, rules and addresses go."""
        if self._config.routes or self._config.rules:
            self._host.out.append(RemoveRoutes(self._config.name, self._config.routes, self._config.rules))
        self.drop(self.addresses)
        self.wished = False

    def drop(self, addresses: tuple[Address, ...]) -> None:
        """Wish addresses away."""
        if addresses:
            self._await({(one.interface, one.address) for one in addresses}, present=False)
            self._host.out.append(RemoveAddresses(self._config.name, addresses))

    def _await(self, places: set[tuple[str, str]], *, present: bool) -> None:
        if self._awaited_present is present:
            self._unconfirmed |= places
        else:
            self._unconfirmed, self._awaited_present = places, present

    def leftovers(self) -> tuple[Address, ...]:
        """Those of our addresses that are on the interfaces by the kernel's word."""
        interfaces = self._host.interfaces
        return tuple(
            one
            for one in self.addresses
            if (facts := interfaces.get(one.interface)) is not None and one.address in facts.addresses
        )

    def missing(self) -> tuple[Address, ...]:
        """Those of our addresses that are not on their interfaces by the kernel's word."""
        present = self.leftovers()
        return tuple(one for one in self.addresses if one not in present)

    def confirm(self, interface: str, address: str, *, present: bool) -> None:
        """The kernel says that an address is on or off; the last awaited one makes an event."""
        if present is not self._awaited_present or (interface, address) not in self._unconfirmed:
            return
        self._unconfirmed.discard((interface, address))
        if not self._unconfirmed:
            moved = tuple(one.address for one in self.addresses)
            self._host.out.append(AddressesMoved(self._config.name, moved, present))

    def vanished(self, interface: str, address: str, *, announce: bool) -> None:
        """Somebody else removed an address: put it back at once, announce it, say so."""
        lost = next((one for one in self.addresses if (one.interface, one.address) == (interface, address)), None)
        if lost is None or not lost.track or not self.wished:
            return
        if (interface, address) in self._unconfirmed:
            return  # not there yet, or on its way
        self.put((lost,))
        if announce:
            self.announce(max(1, self._config.announce.master_repeat), (lost,))
        self._host.out.append(AddressLost(self._config.name, address, interface, restored=True))

    def came_up(self, interface: str, *, announce: bool) -> None:
        """An interface is up again, and we were master all the time: the kernel has lost its IPv6 addresses, and all
        routes that lead over it. Without a device of its own a route may be one of them."""
        if not self.wished:
            return
        lost = tuple(one for one in self.missing() if one.interface == interface)
        if lost:
            self.put(lost)
            if announce:
                self.announce(max(1, self._config.announce.master_repeat), lost)
        routes = tuple(one for one in self._config.routes if one.may_lead_over(interface))
        if routes:
            self._host.out.append(AddRoutes(self._config.name, routes, ()))

    def route_vanished(self, text: str) -> None:
        """Somebody else removed a virtual route or rule: put it back."""
        routes = tuple(one for one in self._config.routes if one.text == text and one.track)
        rules = tuple(one for one in self._config.rules if one.text == text and one.track)
        if routes or rules:
            self._host.out.append(AddRoutes(self._config.name, routes, rules))
            self._host.out.append(
                LogLine("warning", f"{self._config.name}: {text} was removed by somebody else; restored")
            )

    def appeared(self, interface: str, address: str) -> None:
        """Somebody else put one of our addresses onto an interface while we are not master."""
        text = f"{self._config.name}: {address} was put on {interface} by somebody else while we are not MASTER"
        self._host.out.append(LogLine("warning", text))

    def announce(self, repeat: int, addresses: tuple[Address, ...] | None = None) -> None:
        """Gratuitous ARP or NA for all addresses, or some, `repeat` rounds."""
        wanted = self.addresses if addresses is None else addresses
        if not repeat or not wanted:
            return
        timing = self._config.announce
        self.announced_at = self._host.now
        self._host.out.append(
            SendAnnouncements(self._config.name, wanted, repeat, timing.arp_interval, timing.na_interval)
        )


def placed_addresses(config: Instance) -> tuple[Address, ...]:
    """All virtual addresses with their interface filled in: `dev`, else the virtual router's own interface."""
    return tuple(
        one if one.interface else msgspec.structs.replace(one, interface=config.interface)
        for one in config.addresses + config.excluded_addresses
    )
