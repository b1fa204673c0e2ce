"""Parts of the console are loaded when they are first used; here is what happens when one cannot be.

Invariant: a part that is missing or of another version, since hatui was upgraded meanwhile, ends nothing: what was
asked for is not done, that is said with its code, and everything that is on the screens stays.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ParamSpec, TypeVar

from textual.message import Message
from textual.message_pump import MessagePump
from textual.worker import WorkerFailed, WorkType

_With = ParamSpec("_With")
_Result = TypeVar("_Result")


MISSING = (ImportError, SyntaxError)
"""What loading a part of another version ends in."""


def said(error: BaseException) -> str:
    """The sentence about it."""
    what = getattr(error, "name", "") or getattr(error, "filename", "") or str(error)
    return f"{what} cannot be loaded: hatui was changed on this host; start hatui again [E-UPGRADED]"


def later(
    work: Callable[_With, Coroutine[Any, Any, _Result]], *given: _With.args, **named: _With.kwargs
) -> WorkType[_Result]:
    """Work for a worker. None of it is there before the worker begins: one that is replaced at once leaves nothing."""
    return partial(work, *given, **named)


class Late(MessagePump):
    """Takes messages, and lives on when a part that one of them needs cannot be loaded."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except MISSING as error:
            self.app.notify(said(error), severity="error", timeout=30, markup=False)


class LateApp(Late):
    """The same of what runs beside the messages: workers and timers."""

    def _handle_exception(self, error: Exception) -> None:
        cause = error.error if isinstance(error, WorkerFailed) else error
        if isinstance(cause, MISSING):
            self.app.notify(said(cause), severity="error", timeout=30, markup=False)
        else:
            super()._handle_exception(error)  # type: ignore[misc]  # of the app that this is mixed into
