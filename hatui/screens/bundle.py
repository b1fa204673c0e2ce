"""`b`: everything about the last hour as one archive, as `hatui bundle` makes it, from the page of an explanation.

Invariant: it is made of one engine's words, is written for its owner alone, and never over another file; the dialog
says that it is saved after it has been.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
from textual.widgets import Input

from engine.errors import EngineLost, Refused
from engine.messages import Command, Hello, Reply, Snapshot
from hatui import bundling
from hatui.late import later
from hatui.screens.save import Save, save_new
from hatui.text import NS

SPAN = 3600 * NS
"""How far back it reaches (ns)."""


class SaveBundle(Save):
    """Asks for the name, then collects."""

    def __init__(self, hello: Hello, wall_ns: int, same_as: str) -> None:
        words = [
            "The last hour as one archive: statuses, events, journal, configuration, findings, explanations.",
            "Passwords, keys and what scripts printed are not in it.",
        ]
        super().__init__("Bundle", words, f"{bundling.name_of(hello.host, wall_ns)}.tar.gz", bytes, same_as)
        self._hello = hello
        self._busy = False

    def action_confirm(self) -> None:
        """Collect, then write it."""
        name = self.query_one(Input).value.strip()
        if not name or os.path.exists(os.path.expanduser(name)):
            super().action_confirm()  # says what is wrong with the name
        elif not self._busy:
            self._busy = True
            self._words = ["collecting: a few seconds"]
            self._show()
            self.run_worker(later(self._collect, name))

    async def _collect(self, name: str) -> None:
        store, link = self.console.store, self.console.link
        statuses = [store.engine] if store.engine else []
        present = Snapshot(
            (*statuses, *store.instances.values(), *store.trackers.values(), *store.interfaces.values()), 0, link.now()
        )
        path = Path(os.path.expanduser(name))
        folder = path.name.removesuffix(".gz").removesuffix(".tar").removesuffix(".tgz")

        async def ask(command: Command, extra_s: float) -> Reply:  # noqa: ARG001  the link waits by itself
            return await self.console.perform(command, "bundle in the console")

        try:
            files = await bundling.collect(ask, self._hello_now(), present, SPAN)
        except (EngineLost, Refused) as error:
            wrong = f"nothing is written: {error} [{error.code if isinstance(error, Refused) else 'E-NO-ENGINE'}]"
        else:
            wrong = await asyncio.to_thread(lambda: save_new(path, bundling.packed(folder, files)))
        self._busy = False
        if not self.is_mounted:
            return
        if wrong:
            self._show(wrong)
        else:
            self.dismiss()
            self.console.say(f"saved {name}: {len(files)} files")

    def _hello_now(self) -> Hello:
        """The greeting, with the present as its instant."""
        link = self.console.link
        return msgspec.structs.replace(self._hello, mono_ns=link.now(), wall_ns=link.wall())
