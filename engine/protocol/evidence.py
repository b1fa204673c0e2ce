"""The last inputs of one instance before a transition: enough to say why without a log.

Invariant: bounded in number; equal things in a row are one entry with a count, so that no flood of packets
drives out what happened before it.
"""

from __future__ import annotations

from engine.messages import Evidence

ENTRIES = 12


class EvidenceRing:
    """The newest entries, oldest first."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: list[tuple[int, str, str, int]] = []

    def note(self, at: int, kind: str, text: str) -> None:
        """Add one fact; repeated, it only moves and counts."""
        entries = self._entries
        if entries and entries[-1][1] == kind and entries[-1][2] == text:
            entries[-1] = (at, kind, text, entries[-1][3] + 1)
            return
        entries.append((at, kind, text, 1))
        if len(entries) > ENTRIES:
            del entries[0]

    def window(self, further: list[Evidence]) -> tuple[Evidence, ...]:
        """All entries and `further` ones, by time; the newest ENTRIES of them."""
        own = [
            Evidence(at, kind, text if count == 1 else f"{text} ({count} times)")
            for at, kind, text, count in self._entries
        ]
        return tuple(sorted(own + further, key=lambda one: one.at)[-ENTRIES:])
