"""Virtual routes and rules in the kernel: put there, taken away, and noticed when somebody else takes them.

Owns the book of what is installed for which instance. A route of another origin is never replaced and
never removed: ours carry their protocol number (18 unless configured), and only those are touched. What
we take away ourselves is never told as somebody else's doing.
Source: keepalived.conf(5) virtual_routes, virtual_rules.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable

from engine.config.model import Route, Rule
from engine.messages import EffectFailed, Input, RouteChanged
from engine.vrrp import routing
from engine.vrrp.kernel import Kernel
from engine.vrrp.netlink import NLM_F_CREATE, NLM_F_EXCL, Received
from engine.vrrp.routing import RouteIdentity, RuleIdentity

Item = Route | Rule
Identity = RouteIdentity | RuleIdentity
_GONE = {0, errno.ESRCH, errno.ENOENT, errno.ENODEV, errno.EADDRNOTAVAIL}


class Routes:
    """Carries out AddRoutes and RemoveRoutes; `notified` is fed with what the monitor reads."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._installed: dict[Identity, tuple[str, Item]] = {}
        self._echoes: dict[Identity, int] = {}
        """How many notifications of our own removals have not been read yet."""
        kernel.others, kernel.overrun = self.notified, self.look_again

    def add(self, instance: str, routes: Iterable[Route], rules: Iterable[Rule]) -> list[Input]:
        """Install routes, then rules, in order. One that is there already as ours is put anew, unless it is the very
        one that we have installed."""
        failures = []
        items: list[Item] = [*routes, *rules]
        for item in items:
            why = self._add(item)
            if why:
                failures.append(f"cannot add the {_named(item)}: {why}")
            else:
                self._installed[_identity(item)] = (instance, item)
        return _failed(instance, "add-routes", failures)

    def remove(self, instance: str, routes: Iterable[Route], rules: Iterable[Rule]) -> list[Input]:
        """Remove rules, then routes, the last one first; those that are gone already are no failure."""
        failures = []
        items: list[Item] = [*routes, *rules]
        for item in reversed(items):
            self._installed.pop(_identity(item), None)
            why = self._send(item, adding=False)
            if why:
                failures.append(f"cannot remove the {_named(item)}: {why}")
        return _failed(instance, "remove-routes", failures)

    def notified(self, message: Received, told: list[Input]) -> None:
        """A message of the monitor that is about neither links nor addresses."""
        if message.kind == routing.RTM_DELROUTE:
            identity: Identity = routing.parse_route(message.body)
        elif message.kind == routing.RTM_DELRULE:
            identity = routing.parse_rule(message.body)
        else:
            return
        echoes = self._echoes.pop(identity, 0)
        if echoes:
            if echoes > 1:
                self._echoes[identity] = echoes - 1
            return
        lost = self._installed.pop(identity, None)
        if lost is not None:
            told.append(RouteChanged(lost[0], lost[1].text, present=False))

    def look_again(self, told: list[Input]) -> None:
        """Notifications were lost: tell of each item that is gone meanwhile.

        A dump would read a whole routing table; that adding succeeds without replacing tells the same.
        """
        self._echoes.clear()
        for identity, (instance, item) in tuple(self._installed.items()):
            if not self._send(item, adding=True):
                self._send(item, adding=False)
                del self._installed[identity]
                told.append(RouteChanged(instance, item.text, present=False))

    def _add(self, item: Item) -> str:
        why = self._send(item, adding=True)
        if why != os.strerror(errno.EEXIST):
            return why
        if self._installed.get(_identity(item), ("", None))[1] == item:
            return ""
        self._send(item, adding=False)  # ours from before a crash, told by its protocol number
        why = self._send(item, adding=True)
        if why == os.strerror(errno.EEXIST):
            return "another one like it is there already, and it is not ours"
        return why

    def _send(self, item: Item, *, adding: bool) -> str:
        try:
            if isinstance(item, Route):
                kind = routing.RTM_NEWROUTE if adding else routing.RTM_DELROUTE
                body = routing.route_body(item, self._index, adding=adding)
            else:
                kind = routing.RTM_NEWRULE if adding else routing.RTM_DELRULE
                body = routing.rule_body(item)
        except (LookupError, ValueError) as error:
            return str(error.args[0])
        flags = NLM_F_CREATE | NLM_F_EXCL if adding else 0
        ((number, words),) = self._kernel.transact(kind, flags, [body])
        if not number and not adding and self._kernel.routes_watched:
            identity = _identity(item)
            self._echoes[identity] = self._echoes.get(identity, 0) + 1
        if not number or (not adding and number in _GONE):
            return ""
        if number == errno.EEXIST:
            return os.strerror(number)
        hint = "; the engine needs the capability CAP_NET_ADMIN" if number == errno.EPERM else ""
        return os.strerror(number) + (f", {words}" if words else "") + hint

    def _index(self, name: str) -> int:
        link = self._kernel.link(name)
        if link is None:
            raise LookupError(f"there is no interface {name}")
        return link.ifindex


def _identity(item: Item) -> Identity:
    return routing.route_identity(item) if isinstance(item, Route) else routing.rule_identity(item)


def _named(item: Item) -> str:
    if isinstance(item, Route):
        return f"route {item.text or item.destination}"
    return f"rule {item.text or item.preference}"


def _failed(instance: str, effect: str, failures: list[str]) -> list[Input]:
    if not failures:
        return []
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return [EffectFailed(instance, effect, failures[0] + more)]
