"""Replay in the console: `:replay 13:50` leaves the live engine for its journal, `esc` comes back. Of several
engines all journals are shown on one time.

Invariant: the screens show either the past or the present, never a mixture: at each change of the link the store
begins anew, before the first line of the other one.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from textual.widgets import Input, TextArea

from engine.errors import EngineLost, HatuiError, Refused
from engine.messages import ServerLine
from hatui.late import later
from hatui.link import EngineLink, Link
from hatui.merging import MergedLink
from hatui.replay import AFTER, BEFORE, JournalLink, fetch, moment_of
from hatui.store import Rewound
from hatui.text import clock
from hatui.typeahead import TypeAhead

if TYPE_CHECKING:
    from hatui.app import HatuiApp

ACTIONS = ("replay_play", "replay_step", "replay_live")


class Replaying(TypeAhead):
    """What the console's app can do about the past."""

    live: Link | None = None
    """The link to come back to; None while it is in use, or when there never was one."""

    @property
    def journal(self) -> JournalLink | None:
        """The recording that is shown, if one is."""
        link = getattr(self, "link", None)
        return link if isinstance(link, JournalLink) else None

    def replay_active(self, action: str) -> bool | None:
        """Whether a key of replay means something now."""
        typing = isinstance(self.focused, Input | TextArea)
        if self.journal is None or typing:
            return False
        main = not self.screen.is_modal
        return main and (action != "replay_live" or self.live is not None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys of replay are keys of something else otherwise."""
        if action in ACTIONS:
            return self.replay_active(action)
        return super().check_action(action, parameters)

    def action_replay_play(self) -> None:
        """Run, or stand still."""
        if self.journal is not None:
            self.journal.play(0.0 if self.journal.playing else 1.0)
            self._told_where("playing" if self.journal.playing else "paused")

    def action_replay_step(self, count: int) -> None:
        """To the next event, or the one before."""
        if self.journal is None:
            return
        if not self.journal.step(count):
            self._console.say("no further event in this recording" if count > 0 else "this is the first event")
        self._console.paint()

    def action_replay_live(self) -> None:
        """Back to the engine."""
        if self.live is not None:
            link, self.live = self.live, None
            if isinstance(link, EngineLink | MergedLink):
                link.forget()
            self._show(link)

    def start_replay(self, text: str) -> None:
        """Fetch the journal around a time of day, and show it from there on."""
        console = self._console
        link = self.live or console.link
        if not isinstance(link, EngineLink | MergedLink) or console.store.hello is None:
            console.say("replay needs an engine: its journal is asked for [E-NO-ENGINE]", "warning")
            return
        try:
            at = moment_of(text, link.wall() if self.live else console.link.wall(), end=False)
        except HatuiError as error:
            console.say(str(error), "warning")
            return
        self.run_worker(later(self._replay, link, at), name="replay", group="replay", exclusive=True)

    async def _replay(self, link: EngineLink | MergedLink, at: int) -> None:
        console = self._console
        if self.live is not None:
            console.say("esc leaves this recording first [E-NO-ENGINE]", "warning")
            return
        if isinstance(link, MergedLink):
            await self._replay_several(link, at)
            return
        hello = console.engine_store.hello
        if hello is None:
            console.say("no engine [E-NO-ENGINE]", "warning")
            return
        try:
            lines = await fetch(link.perform, hello, at - BEFORE, at + AFTER)
        except (EngineLost, Refused) as error:
            console.say(str(error), "warning")
            return
        if not lines:
            self._told_nothing(at)
            return
        self.live = link
        self._show(JournalLink(lines, at_wall=at))
        self._told_where("paused")

    async def _replay_several(self, link: MergedLink, at: int) -> None:
        """The journals of all nodes that answer, on one time."""
        from hatui.replay_several import SeveralJournals, short

        missing: dict[str, str] = {}

        async def one(node: str) -> list[ServerLine]:
            store = self._console.store.nodes.get(node)
            if store is None or store.hello is None:
                missing[node] = "no engine [E-NO-ENGINE]"
                return []
            try:
                return await fetch(link.links[node].perform, store.hello, at - BEFORE, at + AFTER)
            except (EngineLost, Refused) as error:
                missing[node] = str(error)
                return []

        console = self._console
        found = await asyncio.gather(*(one(node) for node in link.names))
        recordings = dict(zip(link.names, found, strict=True))
        if not any(found):
            for node, why in missing.items():
                console.say(f"{node}: {why}", "warning")
            if not missing:
                self._told_nothing(at)
            return
        make = partial(SeveralJournals, recordings, missing=missing, here=link.here, at_wall=at)
        journal = await asyncio.to_thread(make)
        if self.live is not None:
            return
        self.live = link
        self._show(journal)
        self._told_where("paused")
        for words in short(journal, recordings, console.time_mode):
            console.say(words, "warning")

    def _told_nothing(self, at: int) -> None:
        when = clock(at, self._console.time_mode)
        self._console.say(f"the journal has nothing of {when} or after [E-NOT-HERE]", "warning")

    def _told_where(self, how: str) -> None:
        self._console.say(f"REPLAY {how}: space play, comma and point step, esc live")

    def _show(self, link: Link) -> None:
        console = self._console
        for worker in list(self.workers):
            if worker.name == "link":
                worker.cancel()
        console.told((Rewound(),))
        console.link = link
        if console.frame is not None:
            link.subscribe(console.frame.topics)
        self.run_worker(later(link.run, console.told), name="link", exit_on_error=True)

    @property
    def _console(self) -> HatuiApp:
        from hatui.app import HatuiApp

        assert isinstance(self, HatuiApp)
        return self
