"""What `:` and the palette can do with the configuration, on whichever screen they are opened.

Invariant: each of these shows the editor first, and begins only when the text has been read there: what it does is
seen where it is done.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hatui.palette import Entry
from hatui.screens.config import ConfigScreen
from hatui.screens.revisions import MOST

if TYPE_CHECKING:
    from hatui.app import HatuiApp


def config_entries(app: HatuiApp) -> list[Entry]:
    """The words of the editor, its blocks and the revisions that may be kept."""

    def act(todo: Callable[[ConfigScreen], object]) -> Callable[[], None]:
        return partial(on_config, app, todo, acts=True)

    def look(todo: Callable[[ConfigScreen], object]) -> Callable[[], None]:
        return partial(on_config, app, todo)

    found = [
        Entry("reveal", "Show the secrets in the editor; the engine's audit notes it.", act(_reveal), acts=True),
        Entry("editor", "Edit the text in $EDITOR and come back.", act(_editor), acts=True),
        Entry("discard", "Throw away what is typed and take the text on disk.", look(_discard)),
        Entry("review", "The difference to what runs, and apply.", act(_review), "ctrl+s", acts=True),
        Entry("revisions", "The configurations that were in use.", act(_revisions), "r", acts=True),
    ]
    editor = app.opened(ConfigScreen)
    names = dict.fromkeys((*(editor.blocks if editor else ()), *app.store.instances))
    found += [Entry(f"block {name}", "Go to this block.", partial(app.open_block, name)) for name in names]
    engine = app.store.engine
    last = engine.config_revision if engine else 0
    for number in range(last, max(0, last - MOST), -1):
        words = f"Load revision {number} as the candidate."
        found.append(Entry(f"rollback {number}", words, partial(roll_back, app, number), acts=True))
    return found


def on_config(app: HatuiApp, todo: Callable[[ConfigScreen], object], *, acts: bool = False) -> None:
    """Show the editor; as soon as the text is there, do this with it."""
    if acts and app.refuse():
        return
    app.action_show_mode("config")
    if isinstance(app.frame, ConfigScreen):
        app.frame.when_read(partial(todo, app.frame))


def roll_back(app: HatuiApp, number: int) -> None:
    """An earlier revision as the candidate."""
    on_config(app, lambda screen: screen.rollback(number), acts=True)


def _reveal(screen: ConfigScreen) -> None:
    screen.reveal()


def _editor(screen: ConfigScreen) -> None:
    screen.outside()


def _discard(screen: ConfigScreen) -> None:
    screen.discard()


def _review(screen: ConfigScreen) -> None:
    screen.action_review()


def _revisions(screen: ConfigScreen) -> None:
    screen.action_revisions()
