"""What others did since a dialog was opened: a hold that began, a drill that runs.

Invariant: pure; it says only what the engine says. What stood there already when the dialog was opened is that dialog's
own matter: it was shown from the beginning.
"""

from __future__ import annotations

from engine.messages import InstanceStatus
from hatui.nodes import SEPARATOR, parted
from hatui.store import Store
from hatui.text import plain


class Meanwhile:
    """What stood there when a dialog about an instance, or about all of a node, was opened."""

    def __init__(self, store: Store, name: str) -> None:
        self._name = name
        self._held = {one.name: _hold(one) for one in _concerned(store, name)}
        self._drills = _drills(store)

    def against(self, store: Store) -> str:
        """What has begun since, and forbids going on, with its code; empty when nothing has."""
        for where, (number, words) in _drills(store).items():
            if self._drills.get(where, (0, ""))[0] != number:
                return f"{words} began meanwhile: wait for its end [E-DRILL]"
        for one in _concerned(store, self._name):
            if _hold(one) and self._held.get(one.name, ("", 0)) != _hold(one):
                by = plain(one.hold_by or "an operator")
                kind = "maintenance" if one.hold_kind == "maintenance" else f"a hold ({one.hold_kind})"
                return f"{by} began {kind} of {plain(one.name)} meanwhile: look again [E-HELD]"
        return ""


def _hold(status: InstanceStatus) -> tuple[str, str] | tuple[()]:
    """What tells one hold from another; nothing where there is none."""
    return (status.hold_kind, status.hold_by) if status.hold_kind else ()


def _concerned(store: Store, name: str) -> list[InstanceStatus]:
    """The instance and those that move with it, or all of a node."""
    status = store.instances.get(name)
    if status is None:
        node = name.rstrip(SEPARATOR)
        return [one for one in store.instances.values() if parted(one.name, store.nodes)[0] == node]
    group = status.sync_group
    return [one for one in store.instances.values() if one.name == name or (group and one.sync_group == group)]


def _drills(store: Store) -> dict[str, tuple[int, str]]:
    """The drills under way, by node: number, and who runs what."""
    found = {}
    for node, one in (store.nodes or {"": store}).items():
        drill = one.engine.drill if one.engine is not None else None
        if drill is not None:
            where = f" on {node}" if node else ""
            found[node] = (drill.number, plain(f"drill #{drill.number} of {drill.by}{where}"))
    return found
