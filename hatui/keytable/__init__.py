"""One key of the console as data: what every module of the key table is written in.

Invariant: an entry says all there is to know of a key (its id, its sentence, its action); nothing here knows another
key. `screens` holds the keys of the screens, `overlays` those of what lies over them; `hatui.keys` joins both.
"""

from __future__ import annotations

import msgspec


class Key(msgspec.Struct, frozen=True):
    """One key at one place."""

    id: str
    """Stable name for keymap files: PLACE.WORD."""
    key: str
    """Textual's key name; several separated by commas."""
    label: str
    """One or two words for the last line and the palette."""
    help: str
    """One sentence for `?`."""
    action: str
    acts: bool = False
    """Touches the cluster: asks first, operators only."""
    footer: int = 0
    """Order in the last line, 0 for not there; above 100 only where it is wide."""
    priority: bool = False
    """Also while typing in a field."""

    @property
    def place(self) -> str:
        """Where it is valid."""
        return self.id.partition(".")[0]
