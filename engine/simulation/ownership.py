"""Who held each virtual address when, who was master when, and what a client saw.

Invariant: every list is complete and ordered: a span begins where the one before it ends. The client is
pessimistic: it believes the last announcement that reached it and asks again only when it never heard one.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.simulation.timeline import seconds


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to, not including, `end` (ns of the simulation) these hosts held it, sorted by name."""

    start: int
    end: int
    hosts: tuple[str, ...]

    @property
    def length(self) -> int:
        """ns"""
        return self.end - self.start

    def __str__(self) -> str:
        return f"{seconds(self.start):>8} .. {seconds(self.end):>8}  {' '.join(self.hosts) or 'nobody'}"


class Ownership:
    """The changing sets of holders by key: an address, or a virtual router (segment, family, VRID)."""

    def __init__(self) -> None:
        self._changes: dict[object, list[tuple[int, tuple[str, ...]]]] = {}
        self._now: dict[object, tuple[str, ...]] = {}

    def keys(self) -> list[object]:
        """Every key that anybody ever held."""
        return list(self._changes)

    def hold(self, key: object, host: str, at: int) -> None:
        """`host` holds `key` from now on."""
        holders = self._now.get(key, ())
        if host not in holders:
            self._set(key, tuple(sorted((*holders, host))), at)

    def drop(self, key: object, host: str, at: int) -> None:
        """`host` holds `key` no longer."""
        holders = self._now.get(key, ())
        if host in holders:
            self._set(key, tuple(one for one in holders if one != host), at)

    def drop_all(self, host: str, at: int) -> None:
        """`host` holds nothing any more."""
        for key in list(self._now):
            self.drop(key, host, at)

    def holders(self, key: object) -> tuple[str, ...]:
        """Who holds it now."""
        return self._now.get(key, ())

    def spans(self, key: object, since: int, until: int) -> list[Span]:
        """The whole of since..until, one span per set of holders. At one instant the last word counts."""
        spans: list[Span] = []
        start = since
        hosts: tuple[str, ...] = ()
        for at, changed in self._changes.get(key, ()):
            if at >= until:
                break
            if at > start and hosts != changed:
                spans.append(Span(start, at, hosts))
                start = at
            hosts = changed
        if until > start:
            spans.append(Span(start, until, hosts))
        return spans

    def unheld(self, key: object, since: int, until: int) -> list[Span]:
        """The spans in which nobody held it."""
        return [span for span in self.spans(key, since, until) if not span.hosts]

    def doubled(self, key: object, since: int, until: int) -> list[Span]:
        """The spans in which two or more held it."""
        return [span for span in self.spans(key, since, until) if len(span.hosts) > 1]

    def _set(self, key: object, holders: tuple[str, ...], at: int) -> None:
        self._now[key] = holders
        changes = self._changes.setdefault(key, [])
        if changes and changes[-1][0] == at:
            changes[-1] = (at, holders)
        else:
            changes.append((at, holders))
