"""A new instance, asked for in a few words: it becomes lines of the candidate, nothing else.

Invariant: nothing reaches the engine from here; the lines stand in the editor, are checked there like any typed
ones, and run only after a review.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Collection, Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label

from hatui.late import later
from hatui.screens.frame import Dialog
from hatui.text import Line, plain, rule
from hatui.widgets.rows import Lines, bindings

COLUMNS = 77
FIELDS: dict[str, tuple[str, str]] = {
    "name": ("Name", "VI_1"),
    "interface": ("Interface", "eth0"),
    "addresses": ("Address(es)", ""),
    "vrid": ("VRID 1..255", ""),
    "priority": ("Priority", "100"),
    "peers": ("Peer(s)", ""),
}
"""Field -> label and first value."""
HINTS = (
    "Whoever is master serves the address(es): 10.0.0.100/24, several by blanks.",
    "The VRID is the same on the nodes of a pair, else unused: `hatui vrids IF`.",
    "The higher priority is master: give each node its own. Peer(s): the other",
    "nodes' addresses for unicast; empty: multicast.",
)
ROWS = 17
"""Lines of the dialog without those that it makes."""


def wrong(answers: Mapping[str, str], taken: Collection[str] = ()) -> str:
    """What is wrong with the answers, in a sentence; empty when a configuration can be made of them."""
    if not re.fullmatch(r"[\w.:-]+", answers["name"]):
        return "the name is one word of letters, digits, _ and -"
    if answers["name"] in taken:
        return f"an instance is named {plain(answers['name'])} already"
    if not re.fullmatch(r"[\w.:@-]{1,15}", answers["interface"]):
        return "the interface is a name such as eth0"
    if not answers["addresses"].split():
        return "which address shall be served? Such as 10.0.0.100/24"
    families = set()
    for word in (*answers["addresses"].split(), *answers["peers"].split()):
        try:
            families.add(ipaddress.ip_interface(word).version)
        except ValueError:
            return f"{plain(word)} is no address"
    if len(families) > 1:
        return "IPv4 and IPv6 addresses need an instance each"
    for field, last in (("vrid", 255), ("priority", 254)):
        if not answers[field].isdecimal() or not 1 <= int(answers[field]) <= last:
            return f"the {field} is a number from 1 to {last}"
    return ""


def block(answers: Mapping[str, str]) -> str:
    """The lines for the configuration."""
    six = ":" in answers["addresses"].split()[0]
    lines = [f"vrrp_instance {answers['name']} {{", "    state BACKUP", f"    interface {answers['interface']}"]
    lines += [f"    virtual_router_id {answers['vrid']}", f"    priority {answers['priority']}", "    version 3"]
    lines += ["    advert_int 1"]
    if answers["peers"].split():
        lines += ["    unicast_peer {", *(f"        {one}" for one in answers["peers"].split()), "    }"]
    whole = [one if "/" in one else f"{one}/{128 if six else 32}" for one in answers["addresses"].split()]
    lines += ["    virtual_ipaddress {", *(f"        {one}" for one in whole), "    }", "}"]
    return "\n".join(lines) + "\n"


class NewInstance(Dialog):
    """Six fields, and the lines that they make."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("new")

    def compose(self) -> ComposeResult:
        """Fields over the lines that they make."""
        with Vertical(classes="dialog"):
            yield Lines(id="hints")
            for field, (label, first) in FIELDS.items():
                with Horizontal(classes="inputs"):
                    yield Label(label, markup=False)
                    yield Input(first, id=field, select_on_focus=False)
            yield Lines(id="preview")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Into the editor", id="confirm")

    def on_mount(self) -> None:
        """The first question first."""
        hints = self.query_one("#hints", Lines)
        hints.styles.height = len(HINTS) + 1
        hints.show([((f" {text}", "dim"),) for text in HINTS], rule("New instance", COLUMNS, strong=True))
        self.query_one("#name", Input).focus()
        self._preview()

    @property
    def answers(self) -> dict[str, str]:
        """What is typed."""
        return {field: self.query_one(f"#{field}", Input).value.strip() for field in FIELDS}

    def on_input_changed(self) -> None:
        """The lines, or what is missing."""
        self._preview()

    def _preview(self) -> None:
        answers = self.answers
        complaint = wrong(answers, self.console.store.instances)
        lines: list[Line] = [((f" {complaint}", "warn"),)] if complaint else []
        if not complaint:
            lines = [((f" {plain(text)}", "plain"),) for text in block(answers).splitlines()]
        preview = self.query_one("#preview", Lines)
        preview.styles.height = max(2, min(len(lines) + 1, self.app.size.height - ROWS))
        preview.show(lines, rule("nothing runs before the review", COLUMNS))

    def on_input_submitted(self) -> None:
        """Enter goes on."""
        self.action_confirm()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter."""
        if event.button.id == "confirm":
            self.action_confirm()
        else:
            self.dismiss()

    def action_cancel(self) -> None:
        """Nothing."""
        self.dismiss()

    def action_confirm(self) -> None:
        """Into the editor."""
        answers = self.answers
        complaint = wrong(answers, self.console.store.instances)
        if complaint:
            self.app.bell()
            missing = next((field for field in FIELDS if not answers[field] and field != "peers"), "")
            if missing:
                self.query_one(f"#{missing}", Input).focus()
            return
        console = self.console
        self.dismiss()
        console.action_show_mode("config")
        console.run_worker(later(self._put, block(answers), answers["name"]))

    async def _put(self, text: str, name: str) -> None:
        """Behind what stands in the editor, as soon as the configuration is there."""
        from hatui.screens.config import ConfigScreen

        for _ in range(200):
            frame = self.console.frame
            if isinstance(frame, ConfigScreen) and frame.draft is not None:
                whole = frame.draft.masks.unmask(frame.text)
                gap = "" if not whole.strip() or whole.endswith("\n\n") else "\n" if whole.endswith("\n") else "\n\n"
                frame.load(whole + gap + text, f"a new instance {plain(name)}")
                return
            await asyncio.sleep(0.05)
        self.console.say(
            "the configuration could not be read: the new instance is in the clipboard [E-NO-ENGINE]", "warning"
        )
        self.console.copy(text)
