"""One code of a finding or a refusal, and how it is put into words.

The invariant: an entry always has all four parts, so that no message of hatui ends at "wrong".
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

SEVERITIES = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class Code:
    """A code with its title and the four parts of its explanation."""

    name: str
    """Such as L-WEIGHT. C reading, E refusals, L lint, D live diagnosis, P preflight."""
    title: str
    seen: str
    why: str
    todo: str

    @property
    def kind(self) -> str:
        """What sort of code it is, in words."""
        return KINDS[self.name[0]]

    def text(self, width: int = 78) -> str:
        """The entry as `hatui explain` prints it, wrapped to `width` columns."""
        lines = [f"{self.name}  {self.title}", f"({self.kind})"]
        for head, body in (("Seen", self.seen), ("Why", self.why), ("Do", self.todo)):
            lines.append("")
            lines += textwrap.wrap(
                body, width, initial_indent=f"{head:<6}", subsequent_indent=" " * 6, break_on_hyphens=False
            )
        return "\n".join(lines) + "\n"


KINDS = {
    "C": "finding while reading a configuration",
    "E": "refusal of a command",
    "L": "finding in a configuration",
    "D": "diagnosis of a running engine",
    "P": "check before a failover, drill or commit",
}
