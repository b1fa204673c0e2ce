"""What a change of the configuration tells: lines for people while it goes, or one JSON object at its end.

Invariant: both say the same, no password or key is in either, and the exit code does not hang on the form.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from engine.config import report
from engine.messages import Check, Outcome, Reply
from hatui.commands.terminal import complain, note, painted, say, say_json
from hatui.text import plain, short_seconds

EXIT_REFUSED = 5


class Account:
    """Of one command. `finish` comes last, whatever happened."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.found: dict[str, Any] = {"v": 1, "outcome": "", "code": "", "text": ""}
        """The JSON object, also when nobody asks for it."""

    def difference(self, old_name: str, old: str, new_name: str, new: str) -> bool:
        """Tell it; False when there is none."""
        lines = difference(old_name, old, new_name, new)
        self.found.setdefault("difference", []).extend(lines)
        if not self.as_json:
            say_lines(lines)
        return bool(lines)

    def trial(self, reply: Reply) -> bool:
        """What a dry run found; False when it was refused."""
        self.found["problems"] = list(reply.problems)
        if not self.as_json:
            for problem in reply.problems:
                note(plain(problem))
        self.checks(reply.checks)
        if reply.outcome is not Outcome.DONE:
            self._refused(reply, "refused")
            return False
        self.found["plan"] = reply.text.splitlines()
        self.found["outcome"], self.found["text"] = "dry-run", reply.text
        if not self.as_json:
            for line in reply.text.splitlines():
                say(plain(line))
        return True

    def checks(self, found: Sequence[Check]) -> None:
        """What the change does to the instances that run."""
        self.found["checks"] = list(found)
        if not self.as_json:
            for one in found:
                say(f"  {one.result:<8} {plain(one.text)} [{one.code}]")

    def nothing(self, text: str, hint: str = "", *, refused: bool = True) -> int:
        """Nothing was done; the exit code."""
        self.found["outcome"], self.found["text"] = "refused" if refused else "unchanged", text
        if refused and not self.as_json:
            complain(text, hint)
        elif not self.as_json:
            say(text)
        return EXIT_REFUSED if refused else 0

    def ended(self, reply: Reply, otherwise: str, confirm_s: int = 0) -> int:
        """How it went; the exit code. `otherwise` is for an engine of few words."""
        if reply.outcome is not Outcome.DONE:
            self._refused(reply, reply.outcome.value)
            if not self.as_json:
                for problem in reply.problems:
                    note(f"       {plain(problem)}")
            self.found["problems"] = list(reply.problems)
            return EXIT_REFUSED
        self.found |= {"outcome": "done", "text": reply.text or otherwise, "confirm_s": confirm_s}
        if not self.as_json:
            for line in reply.text.splitlines() or [otherwise]:
                say(plain(line))
            if confirm_s:
                say(f"Say `hatui config confirm` within {short_seconds(confirm_s)}, or it is taken back.")
        return 0

    def finish(self, code: int) -> int:
        """Print the object where it is wanted; hands the exit code on."""
        if self.as_json:
            say_json(self.found)
        return code

    def _refused(self, reply: Reply, word: str) -> None:
        self.found |= {"outcome": reply.outcome.value, "code": reply.code, "text": reply.text}
        if not self.as_json:
            complain(f"{word}: {plain(reply.text)} [{reply.code}]", f"`hatui explain {reply.code}`")


def difference(old_name: str, old: str, new_name: str, new: str) -> list[str]:
    """A unified diff with masked secrets; a changed secret still shows as a changed line."""
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), old_name, new_name, lineterm="")
    return [line[:1] + report.mask(line[1:]) if line[:1] in "+- " else line for line in lines]


def say_lines(lines: Sequence[str]) -> None:
    """Print a difference."""
    for line in lines:
        role = {"+": "good", "-": "bad", "@": "dim"}.get(line[:1], "plain")
        say(painted([(plain(line), role)]))
