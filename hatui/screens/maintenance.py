"""`M`: put the node or an instance aside, or take it back.

Invariant: who will be MASTER then stands there before anybody confirms, in the engine's own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from engine.messages import Maintenance
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

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._instance = instance

    def given(self, name: str) -> str:
        """The selected instance."""
        return self._instance if name == "scope" else ""

    def headline(self) -> str:
        """What, and where."""
        scope = self.value("scope") or "the whole node"
        return f"Maintenance of {plain(scope)}: who will be MASTER then?"

    def command(self, *, trial: bool) -> Maintenance:
        """Switch it on."""
        time = self.value("time")
        persist = time == "persist"
        seconds = 0 if persist or not time else parse_duration(time)
        return Maintenance(self.value("scope"), for_s=seconds, persist=persist, dry_run=trial)

    def wrong(self) -> str:
        """A reason is needed."""
        scope = self.value("scope")
        if scope and scope not in self.console.store.instances:
            return f"there is no instance {plain(scope)} [E-UNKNOWN-INSTANCE]"
        return "" if self.value("reason") else "write a reason: whoever looks here next must know why [E-REASON]"


def open_maintenance(console: HatuiApp, instance: str) -> None:
    """Ask about putting something aside, or taking it back."""
    if console.refuse():
        return
    infos = console.store.engine.maintenance if console.store.engine is not None else ()
    found = next((one for one in infos if one.instance in (instance, "")), None)
    if found is None:
        console.push_screen(MaintenanceDialog(instance))
        return
    scope = found.instance or "the node"
    words = [f'On by {found.by}: "{found.reason}".', "Its own priority comes back; with preemption the addresses may."]
    command = Maintenance(found.instance, on=False)
    console.push_screen(ask_command(f"End the maintenance of {scope}?", command, words))
