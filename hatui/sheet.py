"""The style sheet of the console, parsed no oftener than its text and its colours ask for.

Invariant: the rules in force are those of the sources and variables that were set last. Textual parses every source
again at each refresh (five times while the console starts); the cost of that was a fifth of the start.
"""

from __future__ import annotations

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

SOURCES = 256
"""Sources whose rules are kept: our sheet and the default of each widget class that has been mounted."""


class Sheet(Stylesheet):
    """A style sheet that keeps what it has parsed for as long as the variables stay."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._parse_cache: LRUCache[tuple[object, ...], list[RuleSet]] = LRUCache(SOURCES)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Set the colours; the same again change nothing."""
        if variables != self._variables:
            super().set_variables(variables)
            self._require_parse = True

    def reparse(self) -> None:
        """Parse what is new since the last time. Raises what `parse` raises; the rules in force stay then."""
        if self._require_parse:
            self.parse()
