"""Why an order is not carried out.

Invariant: it is raised before anything was changed, and never leaves the Router: it becomes the order's answer.
"""

from __future__ import annotations


class Refusal(Exception):
    """An order is refused, with a code that can be explained."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
