"""`F`: move an instance's addresses on purpose.

Invariant: before anything is done the dialog says who, what, how long and how back; with a warning the name
of the instance has to be typed; afterwards it shows what was measured. Until the engine has answered
nothing is claimed, and if it is lost meanwhile the outcome is called unknown.
"""

from __future__ import annotations

import contextlib
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label

from engine.errors import EngineLost, Refused
from engine.messages import Check, Failover, Outcome, Release, Reply
from hatui.late import later
from hatui.link import ReplayLink
from hatui.linked import checks_of
from hatui.meanwhile import Meanwhile
from hatui.moves import Move, forecast, measured, with_checks
from hatui.screens.ask import COLUMNS, outcome_lines, show_hint
from hatui.screens.forecast import forecast_lines, override_row
from hatui.screens.frame import Dialog
from hatui.screens.simulated import show_simulation
from hatui.text import Line, fit, parse_duration, plain, rule, seconds, short_seconds, wrap
from hatui.widgets.rows import Lines, bindings


class FailoverDialog(Dialog):
    """Asks, does, measures."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("dialog")

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._instance = instance
        self._phase = "asking"
        self._result: list[Line] = []
        self._reply: Reply | None = None
        self._after_seq = 0
        self._before: Move | None = None
        self._checks: tuple[Check, ...] = ()
        """What the engine found, when this was opened."""
        self._meanwhile: Meanwhile | None = None
        self._pings = ""

    def compose(self) -> ComposeResult:
        """Forecast, fields, buttons."""
        with Vertical(classes="dialog"):
            yield Lines(id="text")
            with Horizontal(classes="inputs"):
                yield Label("Reason", markup=False)
                yield Input(id="reason", placeholder="for the audit, such as: kernel patch", select_on_focus=False)
            with Horizontal(classes="inputs"):
                yield Label("Hold for", markup=False)
                yield Input(id="hold", placeholder="until released; or 30m, 2h", select_on_focus=False)
            with Horizontal(classes="inputs", id="name-row"):
                yield Label("Type the name", markup=False)
                yield Input(id="name", placeholder="of the instance, because of the warning", select_on_focus=False)
            with Horizontal(classes="inputs", id="override-row"):
                yield Label("Override", markup=False)
                yield Input(id="override", placeholder="why it is done although a check failed", select_on_focus=False)
            yield Lines(id="hint")
            with Horizontal(classes="buttons"):
                yield Button("Cancel", id="cancel")
                yield Button("Simulate", id="simulate")
                yield Button("Fail over now", id="confirm")

    def on_mount(self) -> None:
        """The safe answer first."""
        self._meanwhile = Meanwhile(self.console.store, self._instance)
        self.query_one("#cancel").focus()
        self.paint()
        self.run_worker(later(self._try), exclusive=True, group="trial")

    async def _try(self) -> None:
        """What the engine would check; without it the console's own knowledge stands."""
        move = self._move
        if move is None or not move.method:
            return
        trial = Failover(self._instance, move.method, dry_run=True, checks=self._linked())
        with contextlib.suppress(EngineLost, Refused):
            self._checks = (await self.console.perform(trial, "trial")).checks
        self.paint()

    def _linked(self) -> tuple[Check, ...]:
        return checks_of(self.console.store, self._instance, self.console.link.now())

    # what is shown -----------------------------------------------------------------------------

    @property
    def _move(self) -> Move | None:
        console = self.console
        found = forecast(console.store, self._instance, console.link.now(), self.query_one("#hold", Input).value)
        return found if found is None or found.unknown else with_checks(found, self._checks, self._linked())

    def _command(self, move: Move) -> Failover:
        hold = parse_duration(self.query_one("#hold", Input).value or "0")
        override = self.query_one("#override", Input).value.strip() if move.count("fail") else ""
        return Failover(self._instance, move.method, float(hold), override=override, checks=self._linked())

    def _wrong(self, move: Move) -> str:
        """What stands against confirming now."""
        why_not = self.console.why_not_at(self._instance) or self.console.why_silent(self._instance)
        begun = self._meanwhile.against(self.console.store) if self._meanwhile is not None else ""
        if why_not or begun:
            return why_not or begun
        if not move.method:
            return f"{move.instance} cannot be moved: {move.why_not}"
        try:
            parse_duration(self.query_one("#hold", Input).value or "0")
        except ValueError as error:
            return f"{error} [E-RANGE]"
        if failed := override_row(move.checks, self.query_one("#override", Input).value.strip()):
            return failed
        if move.count("warn") and self.query_one("#name", Input).value != move.instance:
            return f"there is a warning: type {move.instance} first [E-TYPE-NAME]"
        return ""

    def paint(self) -> None:
        """Show the forecast while asking, the result afterwards."""
        if not self.is_mounted or not self.query("#text"):
            return
        move = self._before if self._phase != "asking" else self._move
        text = self.query_one("#text", Lines)
        if move is None:
            self._show(text, [((" This instance is gone.", "warn"),)], "Fail over")
            return
        self.query_one("#name-row").display = self._phase == "asking" and bool(move.count("warn"))
        self.query_one("#override-row").display = self._phase == "asking" and bool(move.count("fail"))
        wrong = self._wrong(move) if self._phase == "asking" else ""
        self.query_one("#confirm", Button).disabled = bool(wrong) or self._phase != "asking"
        self.query_one("#simulate", Button).display = self._phase == "asking" and bool(move.method)
        hint = wrong or ("y Fail over now   esc Cancel   c Copy command" if self._phase == "asking" else "esc Close")
        show_hint(self.query_one("#hint", Lines), hint, "warn" if wrong else "dim")
        (host, state, priority), (other, other_state, other_priority) = move.before
        title = (
            f"Fail over {plain(move.instance)}: {host} ({state} {priority}) -> {other} ({other_state} {other_priority})"
        )
        if move.unknown:
            title = f"Fail over {plain(move.instance)}: {host} {state} {priority}"
        elif move.method == "take-over":
            title = f"Take over {plain(move.instance)}: {other} (MASTER {other_priority}) -> {host} (backup {priority})"
        reason = self.query_one("#reason", Input).value
        if self._phase == "asking":
            try:
                command = self._command(move)
            except ValueError:
                command = Failover(self._instance, move.method)
            self._show(text, forecast_lines(move, self.console.command_line(command, reason)), title)
        else:
            result = self._answer(self._reply) if self._reply is not None else self._result
            self._show(text, [*self._table(move), (), *result], title)

    def _table(self, move: Move) -> list[Line]:
        """Before, and what the engine says now."""
        status = self.console.store.instances.get(self._instance)
        silent = self.console.store.silent(self.console.link.now(), self._instance)
        lines: list[Line] = [((f" {'':<11}{'before':<22}now", "dim"),)]
        (host, state, priority), _ = move.before
        now_state = "UNKNOWN" if silent or status is None else status.state.value
        now_priority = "" if silent or status is None else f"{status.priority}/{status.base_priority}"
        lines.append(
            (
                (f" {fit(plain(host), 10)} ", "strong"),
                (f"{state + ' ' + priority:<22}", "plain"),
                (f"{now_state} {now_priority}", now_state.lower()),
            )
        )
        master = (
            "?"
            if silent or status is None
            else ("this node" if status.state == "MASTER" else status.master or "not known")
        )
        was = host if state == "MASTER" else move.before[1][0]
        lines.append(((f" {'master':<10} ", "strong"), (f"{fit(plain(was), 22)}", "plain"), (plain(master), "plain")))
        for address in status.addresses if status else ():
            here = "unknown" if silent else f"on {address.interface} here" if address.present else "not on this node"
            lines.append(((f" {'':<10} ", "plain"), (f"{fit(address.address, 22)}", "plain"), (here, "plain")))
        return lines

    @staticmethod
    def _show(text: Lines, lines: list[Line], title: str) -> None:
        text.styles.height = len(lines) + 1
        text.show(lines, rule(title, COLUMNS, strong=True))

    # what is done ------------------------------------------------------------------------------

    def on_input_changed(self) -> None:
        """The command line follows the fields."""
        self.paint()

    def on_input_submitted(self) -> None:
        """Enter in a field goes to the buttons, it never confirms."""
        self.query_one("#cancel").focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The mouse, or enter on a button."""
        doing = {"confirm": self.action_confirm, "simulate": self.action_simulate}
        doing.get(event.button.id or "", self.action_cancel)()

    def action_cancel(self) -> None:
        """From a field to the buttons; from there away."""
        if isinstance(self.focused, Input) and self._phase == "asking":
            self.query_one("#cancel").focus()
        else:
            self.dismiss()

    def action_simulate(self) -> None:
        """The same on the engine's model; the dialog stays."""
        move = self._move
        if move is not None and not self.console.refuse():
            self.run_worker(later(show_simulation, self.console, move), exclusive=True, group="simulate")

    def action_copy_command(self) -> None:
        """The command line that does the same."""
        move = self._move
        if move is not None and not self._wrong_hold():
            self.console.copy(self.console.command_line(self._command(move), self.query_one("#reason", Input).value))
        elif move is not None:
            self.console.say(self._wrong(move), "warning")

    def _wrong_hold(self) -> bool:
        try:
            short_seconds(parse_duration(self.query_one("#hold", Input).value or "0"))
        except ValueError:
            return True
        return False

    def action_confirm(self) -> None:
        """Do it, once."""
        move = self._move
        if self._phase != "asking" or move is None:
            self.say_decided()
            return
        wrong = self._wrong(move)
        if wrong:
            self.console.say(wrong, "warning")
            return
        command, reason = self._command(move), self.query_one("#reason", Input).value
        self._phase, self._before = "waiting", move
        self._after_seq = self.console.store.last_seq
        self._result = [((" asking the engine ...", "dim"),)]
        for row in self.query(".inputs"):
            row.display = False
        self.query_one("#cancel", Button).label = "Close"
        self.query_one("#cancel").focus()
        self.paint()
        self.run_worker(later(self._perform, command, reason))

    def _progress(self, text: str) -> None:
        self._result = [((f" {plain(text)}", "plain"),)]
        self.paint()

    async def _perform(self, command: Failover, reason: str) -> None:
        status = self.console.store.instances.get(self._instance)
        address = status.addresses[0].address if status is not None and status.addresses else ""
        from hatui.counting import counted  # what starts programs is loaded when something moves

        async with counted("" if isinstance(self.console.link, ReplayLink) else address) as pings:
            await self._ask(command, reason)
        self._pings = pings.words
        self.paint()

    async def _ask(self, command: Failover, reason: str) -> None:
        try:
            reply = await self.console.perform(command, reason, self._progress)
        except EngineLost as lost:
            self._result = [((" the engine was lost before it answered: the outcome is unknown", "bad"),)]
            self._result += [((f" {text}", "plain"),) for text in wrap(plain(str(lost)), COLUMNS - 2)]
        except Refused as refused:
            self._result = [((f" refused [{refused.code}]", "bad"),), ((f" {plain(refused.reason)}", "plain"),)]
        else:
            self._reply = reply
        self._phase = "done"
        self.paint()

    def _answer(self, reply: Reply) -> list[Line]:
        lines = outcome_lines(reply)
        if reply.outcome is Outcome.REFUSED:
            return lines  # what is told of the instance meanwhile is somebody else's
        told = measured(self.console.store, self._instance, self._after_seq)
        expected = self._before.expected if self._before else 0
        if told and reply.outcome is Outcome.DONE:
            forecast_words = f" (expected {seconds(expected)})" if expected else ""
            lines.append(((f" measured: {plain(told)}{forecast_words}", "good"),))
        elif told:
            lines.append(((f" {plain(told)}", "bad"),))
        if self._pings:
            lines.append(((f" {self._pings}", "good" if self._pings.startswith("0 of ") else "bad"),))
        if reply.outcome is Outcome.DONE:
            words = plain(self.console.command_line(Release(self._instance)))
            lines.append(((" U on the dashboard releases it, or", "dim"),))
            lines.append(((f" {words}", "dim"),))
        return lines
