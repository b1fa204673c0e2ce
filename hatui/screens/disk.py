"""The dialog about a file that somebody else has changed while it was edited: use it, or keep yours.

Invariant: nothing is written here, and neither text is lost: the one that goes is copied first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from engine.messages import ConfigText
from hatui.drafts import Draft, unified
from hatui.screens.frame import Dialog
from hatui.text import Line, plain, rule
from hatui.widgets.candidate import diff_lines
from hatui.widgets.rows import Lines, bindings

if TYPE_CHECKING:
    from hatui.screens.config import ConfigScreen


class DiskDialog(Dialog):
    """What they changed, what keeping yours would undo, and the two ways on."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("disk")

    def __init__(self, screen: ConfigScreen, draft: Draft, shown: str, disk: Sequence[ConfigText]) -> None:
        super().__init__()
        self._screen = screen
        mask = draft.masks.mask
        self._theirs: list[str] = []
        self._mine: list[str] = []
        for file in draft.differs_from(disk) or disk[:1]:
            theirs, mine = mask(file.text), shown if file.path == draft.path else draft.now(file.path)
            self._theirs += unified(draft.shown(file.path), theirs, file.path, ("as you read it", "on disk now"))
            self._mine += unified(theirs, mask(draft.masks.unmask(mine)), file.path, ("on disk now", "yours"))
        self._path = draft.path

    def compose(self) -> ComposeResult:
        """Both differences and the buttons."""
        with Vertical(classes="dialog tall-dialog wide-dialog"):
            yield Lines(id="diff")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Use disk", id="use")
                yield Button("Keep mine", id="keep")

    def on_mount(self) -> None:
        """The answer that does nothing has the focus."""
        self.query_one("#cancel").focus()
        self.call_after_refresh(self.paint)

    def paint(self) -> None:
        """All of it."""
        if not self.is_mounted or not self.query("#diff"):
            return
        pane = self.query_one("#diff", Lines)
        lines: list[Line] = []
        if self._theirs:
            lines += [
                ((" Changed on disk by somebody else since you read it:", "title"),),
                *diff_lines(self._theirs),
                (),
            ]
        lines += [((" Applying yours would make of the disk:", "title"),), *diff_lines(self._mine)]
        hint = "u Use disk   k Keep mine   esc Later"
        pane.show(
            lines, rule(f"{plain(self._path.rpartition('/')[2])} on disk differs", pane.size.width, hint, strong=True)
        )

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter on a button."""
        match event.button.id:
            case "use":
                self.action_use()
            case "keep":
                self.action_keep()
            case _:
                self.action_close()

    def action_use(self) -> None:
        """The disk's text; yours goes to the clipboard."""
        self.dismiss()
        self._screen.action_use_disk()

    def action_keep(self) -> None:
        """Yours, over the disk's as it is now; the review shows what goes."""
        self.dismiss()
        self._screen.action_keep_mine()

    def action_close(self) -> None:
        """Decide later."""
        self.dismiss()

    def action_scroll(self, rows: int) -> None:
        """Up and down in the differences."""
        pane = self.query_one("#diff", Lines)
        pane.scroll_rows(y=max(0, min(pane.scroll_offset.y + rows, pane.count - pane.rows)))
