"""The review of a change for several nodes: the same lines changed in each node's own files, backups first.

Invariant: nothing is applied anywhere while it cannot be applied everywhere; the nodes that serve what changes come
last, and the first one that refuses ends it. What each node answered stands there, node by node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from engine.errors import EngineLost, Refused
from engine.messages import GetConfig, Outcome
from hatui.both import Twin, twin_of
from hatui.drafts import Draft
from hatui.nodes import whole
from hatui.pending import waiting, why_not_for_good
from hatui.screens.ask import performed
from hatui.text import Line, plain
from hatui.widgets.candidate import diff_lines

if TYPE_CHECKING:
    from hatui.app import HatuiApp


class Twins:
    """The change on the other nodes of a console."""

    def __init__(self, console: HatuiApp, node: str) -> None:
        self._console = console
        self._node = node
        self.others: tuple[Twin, ...] = ()
        self.wanted = False
        """It is meant for all of them."""

    @property
    def possible(self) -> bool:
        """There are other nodes."""
        return len(self._console.store.nodes) > 1

    @property
    def label(self) -> str:
        """What the button says: where it would be applied."""
        count = len(self._console.store.nodes)
        return f"On all {count}" if self.wanted else f"On 1 of {count}"

    def turn(self) -> None:
        """One node, or all."""
        self.wanted = not self.wanted
        if self.wanted:
            self.others = tuple(Twin(node) for node in self._console.store.nodes if node != self._node)

    async def fetch(self, draft: Draft, shown: str) -> None:
        """Ask the others for their files."""
        found = []
        for one in self.others:
            hello = self._console.store.nodes[one.node].hello
            try:
                reply = await self._console.perform(GetConfig(), "a change for several nodes", node=one.node)
            except (EngineLost, Refused) as error:
                found.append(msgspec.structs.replace(one, problem=f"{plain(str(error))} [E-NO-ENGINE]"))
                continue
            if reply.outcome is not Outcome.DONE:
                found.append(msgspec.structs.replace(one, problem=f"{plain(reply.text)} [{reply.code}]"))
                continue
            host = hello.host.partition(".")[0] if hello else ""
            found.append(twin_of(one.node, host, reply.files, draft, shown))
        self.others = tuple(found)

    @property
    def wrong(self) -> str:
        """What forbids it on one of them."""
        for one in self.others if self.wanted else ():
            console, name = self._console, whole(one.node)
            why = console.why_not_at(name) or console.why_silent(name) or one.wrong
            if why:
                return why
            if waiting(console.store.nodes[one.node]) is not None:
                return f"{one.node}: a change waits there for its confirmation: C decides about it [E-UNCONFIRMED]"
        return ""

    @property
    def why_not_for_good(self) -> str:
        """Why it needs a way back on one of them."""
        said = (self._way_back(one) for one in self.others if self.wanted)
        return next((why for why in said if why), "")

    def _way_back(self, one: Twin) -> str:
        store = self._console.store.nodes[one.node]
        own = store.hello.arrived if store.hello else ""
        why = why_not_for_good(one.judged, store, own) if one.judged else ""
        return f"{one.node}: {why}" if why else ""

    def lines(self) -> list[Line]:
        """What changes on each of the others."""
        found: list[Line] = []
        for one in self.others if self.wanted else ():
            found += [(), ((f" On {plain(one.node)}", "title"),)]
            if one.draft is None:
                found.append(((f"   {plain(one.problem or 'asking for its files ...')}", "bad"),))
                continue
            found += [((f"   {plain(text)}", "plain"),) for text in (one.judged.impact if one.judged else ())]
            found += diff_lines(one.draft.diff(one.shown))
        return found

    async def apply(
        self, draft: Draft, shown: str, comment: str, confirm_s: float, *, last: bool
    ) -> tuple[list[Line], bool]:
        """Everywhere, one after the other; `last`: this node serves what changes, so it comes behind the others.
        Returns what each answered, and whether this node has it now."""
        found = [(Twin(self._node, draft, shown), last)]
        found += [(one, bool(self._way_back(one))) for one in self.others]
        order = [one for one, serves in sorted(found, key=lambda pair: pair[1])]
        lines: list[Line] = []
        own = False
        for at, one in enumerate(order):
            assert one.draft is not None
            lines.append(((f" {plain(one.node)}", "title"),))
            command = one.draft.command(one.shown, comment, confirm_s)
            told, outcome = await performed(self._console, command, node=one.node, known=True)
            lines += told
            done = outcome is Outcome.DONE
            own |= done and one.node == self._node
            if not done:
                left = " ".join(plain(each.node) for each in order[at + 1 :])
                lines += [((f" not applied on {left}: nothing was asked of it", "warn"),)] if left else []
                break
        return lines, own
