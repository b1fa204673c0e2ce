"""The plain text of a simulated history. Invariant: one line per thing that happened, in the order in
which it happened, and nothing in it but simulated time: equal histories give equal text."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from engine import messages as m
from engine.config.model import NS_PER_S

BRIEF = frozenset({"lab", "state", "priority", "farewell", "hand-over", "hold", "command", "lost", "refused"})
"""The kinds that a story needs. The others: advert, address, announce, rejected, tracker, interface, note."""


def seconds(ns: int) -> str:
    """Nanoseconds as seconds with three decimals, cut, not rounded: a deadline never looks early."""
    sign, ns = ("-", -ns) if ns < 0 else ("", ns)
    return f"{sign}{ns // NS_PER_S}.{ns % NS_PER_S // 1_000_000:03d}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. `kind` says which readers want it."""

    at: int
    """ns since the simulation began."""
    host: str
    """Empty for what happens to the LAN."""
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{seconds(self.at):>8}  {self.host or '-':<4} {self.text}"


class Timeline:
    """All entries of one simulation."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, at: int, host: str, kind: str, text: str) -> None:
        """Append one line; time never runs backwards."""
        self.entries.append(Entry(at, host, kind, text))

    def text(self, kinds: Collection[str] = BRIEF, since: int = 0) -> str:
        """The lines of those kinds from `since` (ns) on, each ended by a newline."""
        return "".join(f"{one}\n" for one in self.entries if one.kind in kinds and one.at >= since)


def _names(addresses: Iterable[object]) -> str:
    return " ".join(str(one) for one in addresses)


def route_texts(effect: m.AddRoutes | m.RemoveRoutes) -> list[str]:
    """The routes and rules of an effect, one text each."""
    return [one.text or one.destination for one in effect.routes] + [one.text for one in effect.rules]


def describe(output: m.Output) -> tuple[str, str] | None:
    """(kind, text) of one output of a Router, or None for what no timeline shows."""
    match output:
        case m.StateChanged():
            return "state", f"{output.instance} {output.old} -> {output.new} ({output.cause})"
        case m.PriorityChanged():
            return "priority", f"{output.instance} priority {output.old} -> {output.new}"
        case m.AddAddresses():
            return "address", f"{output.instance} + {_names(output.addresses)}"
        case m.RemoveAddresses():
            return "address", f"{output.instance} - {_names(output.addresses)}"
        case m.AddRoutes():
            return "address", f"{output.instance} + {_names(route_texts(output))}"
        case m.RemoveRoutes():
            return "address", f"{output.instance} - {_names(route_texts(output))}"
        case m.SendAnnouncements():
            addresses = _names(one.address for one in output.addresses)
            return "announce", f"{output.instance} announces {addresses} x{output.repeat}"
        case m.HandOverStarted():
            return "hand-over", f"{output.instance} hands over"
        case m.HandOverFinished():
            if output.successor:
                text = f"handed over to {output.successor} in {seconds(output.duration)} s"
            else:
                text = f"hand-over found nobody in {seconds(output.duration)} s"
            return "hand-over", f"{output.instance} {text}{', addresses removed' if output.released else ''}"
        case m.HoldChanged():
            return "hold", f"{output.instance} hold {output.kind or 'ended'}"
        case m.CommandFinished():
            code = f" {output.code}" if output.code else ""
            return "command", f"command {output.request}: {output.outcome}{code}"
        case m.AddressLost():
            fate = "put back" if output.restored else "not put back"
            return "lost", f"{output.instance} lost {output.address}, {fate}"
        case m.EffectRefused():
            return "refused", f"{output.instance} {output.effect} refused: {output.reason}"
        case m.AdvertRejected():
            return "rejected", f"{output.instance or '?'} rejects {output.source}: {output.verdict}"
        case m.TrackerChanged():
            return "tracker", f"{output.kind} {output.name} {'good' if output.good else 'bad'}"
        case m.InterfaceStateChanged():
            return "interface", f"{output.interface} {'up' if output.up else 'down'}"
        case m.MasterChanged():
            return "note", f"{output.instance} master is {output.master or 'unknown'}"
        case m.NearMiss():
            return "note", f"{output.instance} near miss: {output.text}"
        case m.LogLine():
            return "note", f"{output.severity}: {output.text}"
        case _:
            return None
