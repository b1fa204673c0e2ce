"""Which node something is for, and whether that node is there and lets us: what the app knows of several engines.

Invariant: a command about an instance is for that instance's node. One that names none is for the node that its dialog
names: that of the selection, else the chosen one. Where there is one engine, every node here is the empty name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from hatui.merging import Several
from hatui.nodes import parted, whole
from hatui.store import Store

if TYPE_CHECKING:
    from hatui.app import HatuiApp


class Whose:
    """What the console's app can say of nodes."""

    @property
    def _this(self) -> HatuiApp:
        return cast("HatuiApp", self)

    @property
    def here(self) -> str:
        """The chosen one of several nodes; empty where there is but one."""
        return self._this.link.here if isinstance(self._this.link, Several) else ""

    @property
    def engine_store(self) -> Store:
        """What the chosen node's engine says of itself."""
        return self._this.store.nodes.get(self._this.here, self._this.store)

    @property
    def acting_node(self) -> str:
        """The node that a command without an instance is for: that of the selection, else the chosen one."""
        chosen = getattr(self._this.frame, "selected", None) or getattr(self._this.frame, "status", None)
        return parted(str(getattr(chosen, "name", "")), self._this.store.nodes)[0] or self._this.here

    def choose_node(self, node: str) -> None:
        """What names no instance is about this node from now on."""
        if isinstance(self._this.link, Several):
            self._this.link.choose(node)
            self._this.say(f"configuration and commands without an instance: {node}")
            self._this.paint()

    def why_not_at(self, name: str) -> str:
        """As `why_not`, about the node of this instance (or of `NODE:`): one may know us as a viewer, another not."""
        if self._this.why_not or not self._this.store.nodes:
            return self._this.why_not
        node, _ = parted(name or whole(self._this.here), self._this.store.nodes)
        hello = self._this.store.nodes[node].hello if node in self._this.store.nodes else None
        if hello is None:
            return f"no engine on {node} [E-NO-ENGINE]"
        return "" if hello.role == "operator" else f"{hello.user} is a viewer on {node} [E-ROLE]"

    def why_silent(self, name: str) -> str:
        """Why nothing is known of the node of this instance (or of `NODE:`) just now; empty when it is heard."""
        name = name or whole(self._this.here)
        if not self._this.store.silent(self._this.link.now(), name):
            return ""
        node, _ = parted(name, self._this.store.nodes)
        return f"the engine{f' on {node}' * bool(node)} is silent: its states are not known [E-NO-ENGINE]"
