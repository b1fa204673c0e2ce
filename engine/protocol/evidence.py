"""The last inputs of one instance before a transition: enough to say why without a log.

Invariant: bounded in number; equal things in a row, or taking turns, are one entry each with a count, so that no
flood of packets drives out what happened before it.
"""

from __future__ import annotations

from engine.messages import Evidence

ENTRIES = 12
TURNS = 4
"""How far back an equal entry is looked for."""


class EvidenceRing:
    """The newest entries, oldest first."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[int, str, str, int]] = []

    def note(self, at: int, kind: str, text: str) -> None:
        """Add one fact; one of the last few repeated only moves to the end and counts."""
        entries = self._entries
        count = 1
        for back in range(1, min(TURNS, len(entries)) + 1):
            if entries[-back][1] == kind and entries[-back][2] == text:
                count += entries.pop(-back)[3]
                break
        entries.append((at, kind, text, count))
        if len(entries) > ENTRIES:
            del entries[0]

    def window(self, further: list[Evidence]) -> tuple[Evidence, ...]:
        """All entries and `further` ones, by time; the newest ENTRIES of them."""
        own = [
            Evidence(at, kind, text if count == 1 else f"{text} ({count} times)")
            for at, kind, text, count in self._entries
        ]
        return tuple(sorted(own + further, key=lambda one: one.at)[-ENTRIES:])
