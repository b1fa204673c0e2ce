"""Wishes to the kernel that come out of the `Router`. They never reach the control socket."""

from __future__ import annotations

from engine.config.model import Address, Route, Rule
from engine.messages.words import Message


class SendAdvert(Message, frozen=True):
    """One advertisement. IPv4: `data` is the whole packet with its IP header (and AH). IPv6: the
    message with its checksum in place."""

    instance: str
    interface: str
    family: int
    source: str
    destination: str
    data: bytes
    ttl: int = 255


class AddAddresses(Message, frozen=True):
    """Put addresses on their interfaces (`Address.interface` is filled in), in order."""

    instance: str
    addresses: tuple[Address, ...]
    before_advert: bool = False
    """A living master lets go when it hears the advert that follows: where they are few, they are there before."""


class RemoveAddresses(Message, frozen=True):
    """Take addresses away; those that are gone already are no failure."""

    instance: str
    addresses: tuple[Address, ...]


class AddRoutes(Message, frozen=True):
    """Install virtual routes and rules, in order."""

    instance: str
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()


class RemoveRoutes(Message, frozen=True):
    """Remove virtual routes and rules."""

    instance: str
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()


class SendAnnouncements(Message, frozen=True):
    """Gratuitous ARP (IPv4) and unsolicited NA (IPv6) for each address, `repeat` rounds over all."""

    instance: str
    addresses: tuple[Address, ...]
    repeat: int
    arp_interval: int = 0
    na_interval: int = 0


class Exit(Message, frozen=True):
    """Everything is handed over or given up: the vrrp process may end."""


Effect = SendAdvert | AddAddresses | RemoveAddresses | AddRoutes | RemoveRoutes | SendAnnouncements | Exit
