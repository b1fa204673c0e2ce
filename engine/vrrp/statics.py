"""Static addresses, routes and rules: there from the start to the end, whatever state the instances are in.

Owns the difference between two configurations: what both have is not touched by a reload. What an
interface lost by going away or down is put back when it is up again.
Source: keepalived.conf(5) static_ipaddress, static_routes, static_rules.
"""

from __future__ import annotations

from engine.config.model import Address, Config, Route, Rule
from engine.messages import Input
from engine.vrrp.kernel import Kernel
from engine.vrrp.routes import Routes


class Statics:
    """The static items of the running configuration."""

    def __init__(self, kernel: Kernel, routes: Routes) -> None:
        self._kernel = kernel
        self._routes = routes
        self._addresses: tuple[Address, ...] = ()
        self._static_routes: tuple[Route, ...] = ()
        self._rules: tuple[Rule, ...] = ()
        self._down: set[str] = set()
        """Interfaces that are not up."""

    def configure(self, config: Config) -> list[Input]:
        """Remove what is wanted no more, add what is new."""
        addresses, routes, rules = config.static_addresses, config.static_routes, config.static_rules
        told = self._routes.remove(
            "",
            [one for one in self._static_routes if one not in routes],
            [one for one in self._rules if one not in rules],
        )
        told += self._kernel.remove_addresses("", [one for one in self._addresses if one not in addresses])
        told += self._kernel.add_addresses("", [one for one in addresses if one not in self._addresses])
        told += self._routes.add(
            "",
            [one for one in routes if one not in self._static_routes],
            [one for one in rules if one not in self._rules],
        )
        self._addresses, self._static_routes, self._rules = addresses, routes, rules
        self._down = {name for name in self._interfaces() if not self._up(name)} | self._kernel.down()
        return told

    def interface_changed(self, interface: str, up: bool) -> list[Input]:
        """An interface came up again: put back what is ours on it.

        `up` is what this notification says: with a link that was down for a moment only, both changes are
        read at once, and the kernel's mirror knows no more that it was down.
        """
        if not up:
            self._down.add(interface)
            return []
        if interface not in self._down:
            return []
        self._down.discard(interface)
        told = self._kernel.add_addresses("", [one for one in self._addresses if one.interface == interface])
        return told + self._routes.add("", [one for one in self._static_routes if one.may_lead_over(interface)], ())

    def has(self, address: Address) -> bool:
        """Whether a static address is the same one in the kernel."""
        place = (address.interface, address.address, address.prefix)
        return any((one.interface, one.address, one.prefix) == place for one in self._addresses)

    def close(self) -> None:
        """Remove everything."""
        self._routes.remove("", self._static_routes, self._rules)
        self._kernel.remove_addresses("", self._addresses)
        self._addresses, self._static_routes, self._rules = (), (), ()

    def _up(self, interface: str) -> bool:
        link = self._kernel.link(interface)
        return link is not None and link.up

    def _interfaces(self) -> set[str]:
        named = {one.interface for one in self._static_routes}
        named |= {hop.interface for one in self._static_routes for hop in one.nexthops}
        return (named | {one.interface for one in self._addresses}) - {""}
