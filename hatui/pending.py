"""The change of the configuration that waits for its confirmation, in figures and words.

Invariant: pure, and it promises nothing: the engine holds the timer, this tells how long it still runs by the
engine's own clock, and says so when the engine is not heard any more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from engine.messages import ConfigConfirmed, ConfigLoaded, ConfigReverted, ConfigRevertRefused, EventLine, State
from hatui.store import Store
from hatui.text import NS, Line, ago, plain

if TYPE_CHECKING:
    from hatui.drafts import Judgement

Severity = Literal["information", "warning", "error"]
LATELY = 600 * NS
"""ns for which a change that was taken back stays on line 3."""
FRESH = 10 * NS
"""ns within which an event is news: older ones come from the history."""


class Waiting(msgspec.Struct, frozen=True):
    """A change that is in use until its deadline unless somebody confirms it."""

    number: int
    previous: int
    """The revision that comes back; 0 when none is kept."""
    deadline: int
    """Engine's clock."""
    by: str
    comment: str
    since: int
    """When it came into use; 0 when this console does not know."""
    changes: tuple[str, ...]
    """What it changed, from the engine's plan."""
    node: str = ""
    """Where, of several nodes."""

    @property
    def where(self) -> str:
        """Before its name."""
        return f"{self.node} " if self.node else ""


def waiting(store: Store) -> Waiting | None:
    """The change that waits, by the engine's last word; of several nodes the one that is taken back first."""
    if store.nodes:
        found = [(node, one) for node, each in store.nodes.items() if (one := waiting(each)) is not None]
        node, first = min(found, key=lambda pair: pair[1].deadline, default=("", None))
        return None if first is None else msgspec.structs.replace(first, node=node)
    engine = store.engine
    if engine is None or not engine.confirm_revision:
        return None
    loaded = next(
        (
            row
            for row in reversed(store.config_told)
            if isinstance(row.event, ConfigLoaded) and row.event.confirm_s and row.event.by == engine.confirm_by
        ),
        None,
    )
    changes = loaded.event.changes if loaded is not None and isinstance(loaded.event, ConfigLoaded) else ()
    return Waiting(
        engine.confirm_revision,
        engine.confirm_previous,
        engine.confirm_deadline,
        plain(engine.confirm_by),
        plain(engine.confirm_comment),
        loaded.mono_ns if loaded is not None else 0,
        tuple(plain(text) for text in changes),
    )


def guarded(judged: Judgement, store: Store) -> list[str]:
    """The instances that this node serves now and that a change touches: it must be applied with a way back."""
    masters = [status.name for status in store.instances.values() if status.state is State.MASTER]
    return masters if judged.beside else [name for name in masters if name in judged.touched]


def why_not_for_good(judged: Judgement, store: Store, own: str = "") -> str:
    """Why a change must be applied with a way back; empty when it need not.

    `own` is the address of this host that the operator's own connection came to, if one did.
    """
    carrying = [
        status.name
        for status in store.instances.values()
        if (judged.beside or status.name in judged.touched)
        and own in {address.address.partition("/")[0] for address in status.addresses}
    ]
    if own and carrying:
        words = f"your own connection comes over {own} of {plain(' '.join(carrying))}"
    elif names := guarded(judged, store):
        words = f"this node is MASTER of {plain(' '.join(names))}"
    else:
        return ""
    return f"{words}: apply with a time to confirm [E-WAY-BACK]"


def login_address(environment: Mapping[str, str]) -> str:
    """The address of this host that an ssh login came to; empty where nobody logged in over a network.

    Source: ssh(1) SSH_CONNECTION.
    """
    words = environment.get("SSH_CONNECTION", "").split()
    return words[2].partition("%")[0] if len(words) == 4 else ""


def countdown(ns: int) -> str:
    """Time left as people read a countdown: 4:12, 1:04:12."""
    whole = max(0, -(-ns // NS))
    minutes, seconds = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def timer_line(store: Store, now: int, *, may_act: bool, typing: bool = False) -> Line:
    """For line 3: `config #42 reverts in 4:12  C confirm`; empty when nothing waits. While `typing` it is `esc C`."""
    one = waiting(store)
    if one is None:
        return ()
    name = f"{one.where}config #{one.number}"
    if store.nodes.get(one.node, store).silent(now):
        return ((f"{name} timer ? not heard", "unknown"),)
    left = one.deadline - now
    if left <= 0:
        return ((f"{name} is being taken back", "warn"),)
    words = (f"{name} reverts in {countdown(left)}", "warn")
    return (words, ("  esc C" if typing else "  C", "key"), (" confirm", "plain")) if may_act else (words,)


def returned(store: Store, now: int) -> str:
    """Why the last change was taken back, or could not be, as long as that is news; else empty."""
    row = store.config_told[-1] if store.config_told else None
    if row is None or now - row.mono_ns > LATELY:
        return ""
    return f"{told(row)} ({ago(row.mono_ns, now)})" if isinstance(row.event, ConfigReverted) else ""


def told(row: EventLine) -> str:
    """The end of a wait in one sentence; empty for other events."""
    match row.event:
        case ConfigReverted(revision=number, previous=previous, reason=reason):
            back = f"#{previous} is in use again" if previous else "the text before it is in use again"
            return plain(f"config #{number} was taken back: {reason}; {back}")
        case ConfigRevertRefused(revision=number, reason=reason, obstacle=obstacle):
            return plain(f"config #{number} was NOT taken back ({reason}): {obstacle}")
        case ConfigConfirmed(revision=number, by=by):
            return plain(f"config #{number} stays: confirmed by {by}")
    return ""


def news(row: EventLine, now: int) -> tuple[str, Severity]:
    """What every console says at once: sentence and severity; empty when it is no news."""
    if now - row.mono_ns > FRESH:
        return "", "information"
    severity: Severity = "information" if isinstance(row.event, ConfigConfirmed) else "warning"
    node, words = getattr(row, "node", ""), told(row)
    return f"{node}: {words}" if node and words else words, severity
