"""`M`: put the node or an instance aside, or take it back.

Invariant: who will be MASTER then stands there before anybody confirms, in the engine's own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engine.messages import Maintenance
from hatui.nodes import SEPARATOR, joined, parted, whole
from hatui.screens.acting import Acting
from hatui.screens.ask import ask_command
from hatui.text import parse_duration, plain

if TYPE_CHECKING:
    from hatui.app import HatuiApp


class MaintenanceDialog(Acting):
    """Asks for scope, time and reason."""

    FIELDS: ClassVar[tuple[tuple[str, str, str], ...]] = (
        ("scope", "Instance", "empty: the whole node"),
        ("time", "For", "until switched off; 30m, 2h; or persist: over a boot"),
        ("reason", "Reason", "for whoever looks next, such as: new power supply"),
    )
    CONFIRM: ClassVar[str] = "Maintenance on"

    def __init__(self, instance: str, node: str) -> None:
        super().__init__()
        self._instance = instance
        self._node = node

    def about(self) -> str:
        """An instance, or all of the node of the selected one."""
        return self.value("scope") or whole(self._node)

    def given(self, name: str) -> str:
        """The selected instance."""
        return self._instance if name == "scope" else ""

    def headline(self) -> str:
        """What, and where."""
        return f"Maintenance of {plain(scope_words(self.about()))}: who will be MASTER then?"

    def command(self, *, trial: bool) -> Maintenance:
        """Switch it on."""
        time = self.value("time")
        persist = time == "persist"
        seconds = 0 if persist or not time else parse_duration(time)
        return Maintenance(self.about(), for_s=seconds, persist=persist, dry_run=trial)

    def wrong(self) -> str:
        """A reason is needed."""
        scope = self.value("scope")
        if scope and scope not in self.console.store.instances:
            return f"there is no instance {plain(scope)} [E-UNKNOWN-INSTANCE]"
        return "" if self.value("reason") else "write a reason: whoever looks here next must know why [E-REASON]"


def open_maintenance(console: HatuiApp, instance: str) -> None:
    """Ask about putting something aside, or taking it back."""
    node, name = parted(instance, console.store.nodes)
    node = node or console.here
    if console.refuse(whole(node)):
        return
    engine = console.store.nodes.get(node, console.store).engine
    infos = engine.maintenance if engine is not None else ()
    found = next((one for one in infos if one.instance in (name, "")), None)
    if found is None:
        console.push_screen(MaintenanceDialog(instance, node))
        return
    scope = scope_words(joined(node, found.instance) if node and found.instance else found.instance or whole(node))
    words = [f'On by {found.by}: "{found.reason}".', "Its own priority comes back; with preemption the addresses may."]
    command = Maintenance(found.instance, on=False)
    console.push_screen(ask_command(f"End the maintenance of {scope}?", command, words, node=node))


def scope_words(scope: str) -> str:
    """An instance, or the whole node that `NODE:` or nothing stands for."""
    if not scope:
        return "the whole node"
    return f"the whole node {scope[:-1]}" if scope.endswith(SEPARATOR) else scope
