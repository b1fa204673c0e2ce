"""What a user may set about the console's looks and keys: themes, keymap, graphs; and saying and copying.

Invariant: a file of the user's that is broken never takes anything away: it is said, and what was in use stays.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from textual.app import App
from textual.screen import ModalScreen

from hatui import keymap, keys, theming
from hatui.pending import Severity
from hatui.sheet import Sheet
from hatui.typeahead import TypeAhead

LOOK_AGAIN_S = 1.0
"""How often the user's files are looked at: two directories, no thread, also on network file systems (s)."""
Stamp = tuple[tuple[str, int, int], ...]


class Look(TypeAhead):
    """An app that wears the user's themes and keys."""

    def __init__(
        self, *, wanted_theme: str = "", user_files: Path | None = None, fine: bool = False, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.animation_level = "none"  # what is painted is painted at once, over a slow link or not
        self.user_files = user_files if user_files is not None else theming.user_directory()
        self.keymap = keymap.Keymap()
        self.fine = fine
        """Graphs of finer characters than ASCII (--unicode)."""
        self._seen = self._stamp()
        self._wrong = self._load_themes()
        """Complaints from before there was a screen to show them."""
        wanted = wanted_theme or (theming.MONO if self.no_color else theming.DEFAULT)
        if self.get_theme(wanted) is None:
            self._wrong.append(f"no theme is named {wanted}: see :theme")
            wanted = theming.DEFAULT
        self.set_reactive(App.theme, wanted)  # before the first sheet is parsed, which takes its colours
        self.stylesheet = Sheet(variables=self.get_css_variables())

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our colour names, for themes that do not say them."""
        return theming.defaults()

    def get_css_variables(self) -> dict[str, str]:
        """Colours that stand for others are resolved here."""
        return theming.resolved(super().get_css_variables())

    # themes and keys ---------------------------------------------------------------------------

    def dress(self) -> None:
        """Put on the user's keys; say what is wrong with them and with the themes."""
        for complaint in (*self._wrong, *self._load_keymap()):
            self.say(f"{complaint} [E-LOOK]", "warning")

    def look_again(self) -> None:
        """Files that were changed meanwhile are in force at once; of a broken one the old version stays."""
        stamp = self._stamp()
        if stamp == self._seen:
            return
        themes_changed = [one for one in stamp if one[0] != keymap.FILE] != [
            one for one in self._seen if one[0] != keymap.FILE
        ]
        keys_changed = [one for one in stamp if one[0] == keymap.FILE] != [
            one for one in self._seen if one[0] == keymap.FILE
        ]
        self._seen = stamp
        wrong = [*(self._load_themes() if themes_changed else ()), *(self._load_keymap() if keys_changed else ())]
        if themes_changed:
            self._watch_theme(self.theme)  # the same name in other colours
        for complaint in wrong:
            self.say(f"{complaint} [E-LOOK]", "warning")
        if not wrong:
            self.say("your themes were read again" if themes_changed else "your keymap was read again")

    def _stamp(self) -> Stamp:
        """Names, times and sizes of the user's files."""

        def files() -> Iterator[tuple[str, int, int]]:
            for path in (self.user_files / keymap.FILE, *sorted((self.user_files / "themes").glob("*.toml"))):
                try:
                    about = path.stat()
                except OSError:
                    continue
                yield path.name, about.st_mtime_ns, about.st_size

        return tuple(files())

    def _load_themes(self) -> list[str]:
        found, wrong = theming.themes(theming.shipped_directory(), self.user_files / "themes")
        for theme in found:
            self.register_theme(theme)
        return wrong

    def _load_keymap(self) -> list[str]:
        fresh = keymap.load(self.user_files)
        if fresh.overrides or not fresh.wrong:
            self.keymap = fresh
            self.set_keymap(fresh.overrides)
        return list(fresh.wrong)

    @property
    def valid_keys(self) -> list[keys.Key]:
        """The keys of the table that do something where the focus is: of this place, of lists, everywhere."""
        bound = [active.binding for active in self.screen.active_bindings.values()]
        ids = {binding.id for binding in bound} | {
            key.id for key in self.keymap.table if any(one.action == key.action for one in bound if not one.id)
        }
        here = dict.fromkeys(one.id.partition(".")[0] for one in bound if one.id)
        order = [*(place for place in here if place not in (keys.LIST, keys.EVERYWHERE)), keys.LIST, keys.EVERYWHERE]
        valid = [self._own(key) for key in self.keymap.table if key.id in ids and key.place in order]
        return sorted(valid, key=lambda key: order.index(key.place))

    def _own(self, key: keys.Key) -> keys.Key:
        """The entry with those of its keys that do not mean something nearer here."""
        active = {name: one.binding.action for name, one in self.screen.active_bindings.items()}
        own = ",".join(part for part in key.key.split(",") if active.get(part, key.action) == key.action)
        return key if own == key.key or not own else msgspec.structs.replace(key, key=own)

    # saying and copying ------------------------------------------------------------------------

    def say(self, text: str, severity: Severity = "information") -> None:
        """A message at the edge of the screen; over a dialog one at a time, below its lines."""
        if self.screen_stack and isinstance(self.screen, ModalScreen):
            self.clear_notifications()
            self.screen.query("ToastHolder").remove()  # else they keep their room, empty
        self.notify(text, severity=severity, timeout=6, markup=False)

    def copy(self, text: str) -> None:
        """To the clipboard by OSC 52, and to a file for terminals that do not know it."""
        self.copy_to_clipboard(text)
        path = Path(os.environ.get("XDG_RUNTIME_DIR") or self.user_files) / "hatui-copy.txt"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
        except OSError as error:
            self.say(f"copied; no file: {error.strerror} [E-IO]")
        else:
            self.say(f"copied (also in {path})")
