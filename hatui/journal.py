"""Events as a list to look through: their kind and severity, the filter, the order; kept up while they stream in.

Invariant: pure; each event is tested once, whatever is painted, those that are there already in slices from the newest
on, and a row is reached by its place without going over the others: a hundred thousand events cost what the visible
ones cost.

Its filter has the comparisons of `hatui.filters` (`==`, `!=`, `~`, `&&`, `||`, `!`) and shares its plain words and its
errors, but not its grammar: what happened is told in sentences, so a value here goes on to the next `&&` or `||`
without quotation marks (`what==script chk_disk`), `>` and parentheses are part of what is looked for
(`MASTER -> FAULT`), and a text without any comparison is a regular expression. In a filter of packets each of these
means something else.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import overload

import msgspec

from engine.messages import (
    AddressesMoved,
    AddressLost,
    AdvertRejected,
    CommandLogged,
    ConfigConfirmed,
    ConfigLoaded,
    ConfigRefused,
    ConfigReverted,
    ConfigRevertRefused,
    EffectRefused,
    Event,
    EventLine,
    HandOverFinished,
    HandOverStarted,
    HoldChanged,
    InterfaceStateChanged,
    LowerPriorityHeard,
    MasterChanged,
    NearMiss,
    PriorityChanged,
    ScriptRan,
    StateChanged,
    TrackerChanged,
)
from hatui.filters import FilterError, text_filter
from hatui.sentences import event as told_of
from hatui.store import GapRow, Row, SaidRow
from hatui.text import clock, moment

KINDS: dict[str, tuple[type, ...]] = {
    "transition": (StateChanged, MasterChanged, HandOverStarted, HandOverFinished, HoldChanged, AddressesMoved),
    "near-miss": (NearMiss,),
    "advert": (AdvertRejected, LowerPriorityHeard),
    "tracker": (TrackerChanged, PriorityChanged),
    "netlink": (InterfaceStateChanged, AddressLost, EffectRefused),
    "notify": (ScriptRan,),
    "config": (ConfigLoaded, ConfigRefused, ConfigConfirmed, ConfigReverted, ConfigRevertRefused),
    "operator": (CommandLogged,),
}
"""Kinds of events; whatever is in none of them is of the engine (or of a drill, by its name)."""
_KIND_OF = {event: kind for kind, events in KINDS.items() for event in events}
WORDS: dict[str, str] = {
    "kind": f"{' '.join(KINDS)} drill engine gap console",
    "severity": "bad warn good info",
    "instance": "instance, interface or process",
    "what": "what happened",
    "detail": "how, by whom, with which figures",
    "type": "the event's name on the control socket",
    "cause": "cause of a transition",
    "by": "who asked for it",
    "code": "code of a refusal",
}
AUDIT = "kind==operator"
CONSOLE = "console"
"""Kind of what this console said itself, and where it happened."""
ORDERS = ("newest first", "worst first", "faults only")
_RANKS = {"bad": 0, "warn": 1}
_TERM = re.compile(r"""(!?)\s*(\w+)\s*(==|!=|~)\s*(?:"([^"]*)"|(\S.*))""")
_JOINT = re.compile(r"\s*(?:&&|\|\|)\s*|\w\s*(?:==|!=|~)\s*[\w\"]")
"""What makes a text the language and not a regular expression."""
Test = Callable[["Row"], bool]


def kind(row: Row) -> str:
    """The kind of an event."""
    if isinstance(row, SaidRow):
        return CONSOLE
    return "gap" if not isinstance(row, EventLine) else kind_of(row.event)


def kind_of(event: Event) -> str:
    """The same of an event alone."""
    known = _KIND_OF.get(type(event))
    if known is not None:
        return known
    return "drill" if type(event).__name__.startswith("Drill") else "engine"


def severity(row: Row) -> str:
    """bad, warn, good or info."""
    if isinstance(row, SaidRow):
        return row.severity
    return told_of(row.event).severity if isinstance(row, EventLine) else "warn"


def where(row: EventLine, instance: str) -> str:
    """What an event is about; where several nodes are seen, also on which of them it happened."""
    node = getattr(row, "node", "")
    if not node or instance.startswith(f"{node}:"):
        return instance
    return node if instance in ("", "-") else f"{node}:{instance}"


def text(row: Row) -> str:
    """One row as text, for filters and copying."""
    if isinstance(row, SaidRow):
        return f"{CONSOLE}  {row.words}"
    if not isinstance(row, EventLine):
        return row.words
    told = told_of(row.event)
    return f"{where(row, told.instance)}  {told.what}  {told.detail}"


def facts(row: Row) -> Mapping[str, str]:
    """What a filter can ask of a row."""
    if isinstance(row, SaidRow):
        said = {"kind": CONSOLE, "severity": row.severity, "instance": CONSOLE, "what": "said", "detail": row.words}
        return {**said, "type": "console-message"}
    if not isinstance(row, EventLine):
        return {"kind": "gap", "severity": "warn", "instance": "", "what": "missed", "detail": str(row.events)}
    told, happened = told_of(row.event), row.event
    return {
        "kind": kind_of(happened),
        "severity": told.severity,
        "instance": where(row, told.instance),
        "what": told.what,
        "detail": told.detail,
        "type": str(happened.__struct_config__.tag),
        "cause": str(getattr(happened, "cause", "")),
        "by": str(getattr(happened, "by", "")),
        "code": str(getattr(happened, "code", "")),
    }


def event_filter(wanted: str) -> Test:
    """Words or a regular expression (`!` before it inverts), or the language: `kind==operator && by~anna`.

    `==` and `!=` compare whole values, `~` is a regular expression, `&&` binds closer than `||`.

    Raises: FilterError.
    """
    wanted = wanted.strip()
    if not wanted:
        return lambda _: True
    if not _JOINT.search(wanted):
        return _words(wanted)
    either = [[_term(part) for part in re.split(r"\s*&&\s*", group)] for group in re.split(r"\s*\|\|\s*", wanted)]
    return lambda row: any(all(test(row) for test in group) for group in either)


def _words(wanted: str) -> Test:
    matches = text_filter(wanted)
    return lambda row: matches(f"{kind(row)}  {severity(row)}  {text(row)}")


def _term(part: str) -> Test:
    if not part:
        raise FilterError("a comparison is missing beside && or ||")
    found = _TERM.fullmatch(part)
    if found is None:
        return _words(part)
    inverted, word, operator, quoted, bare = found.groups()
    value = quoted if quoted is not None else bare.strip()
    if word not in WORDS:
        raise FilterError(f"{word} is no word of a filter: {' '.join(WORDS)}")
    if word in ("kind", "severity") and operator != "~" and value not in WORDS[word].split():
        raise FilterError(f"{word} is never {value}: {WORDS[word]}")
    if operator == "~":
        try:
            pattern = re.compile(value, re.IGNORECASE)
        except re.error as error:
            raise FilterError(f"not a regular expression: {error.msg}") from error
        return lambda row: bool(pattern.search(facts(row).get(word, ""))) != bool(inverted)
    equal = (operator == "==") != bool(inverted)
    return lambda row: (facts(row).get(word, "").lower() == value.lower()) == equal


def check_event(wanted: str) -> str:
    """What is wrong with a filter; empty when it is one."""
    try:
        event_filter(wanted)
    except FilterError as error:
        return str(error)
    return ""


def transition(row: Row | None) -> bool:
    """Whether it is a change of an instance's state."""
    return isinstance(row, EventLine) and isinstance(row.event, StateChanged)


class _Rank:
    """Rows of one rank, oldest first, each with its number."""

    def __init__(self) -> None:
        self.numbers: deque[int] = deque()
        self.rows: deque[Row] = deque()

    def __len__(self) -> int:
        return len(self.rows)

    def add(self, number: int, row: Row) -> None:
        """The next one, or one before all others."""
        if not self.numbers or number > self.numbers[-1]:
            self.numbers.append(number)
            self.rows.append(row)
        else:
            self.numbers.appendleft(number)
            self.rows.appendleft(row)

    def forget(self, before: int) -> None:
        """Rows that have left the ring."""
        while self.numbers and self.numbers[0] < before:
            self.numbers.popleft()
            self.rows.popleft()


SLICE = 1_000
"""Events of the ring that are looked at in one go: about 10 ms."""


class EventView(Sequence[Row]):
    """A filtered, ordered, pausable view on the ring of events: a sequence, the first row on top."""

    def __init__(self, *, said: bool = False) -> None:
        """`said`: also what the console has said itself."""
        self.filter = ""
        self._said = said
        self.order = ORDERS[0]
        self.paused = False
        self.waiting = 0
        """Events that came since the pause, whether they match or not."""
        self.tested = 0
        """How many events were ever looked at."""
        self.unsearched = 0
        """The oldest events of the ring were not looked at yet: so many."""
        self._test: Callable[[Row], bool] = event_filter("")
        self._ranks: tuple[_Rank, ...] = (_Rank(),)
        self._anew = True
        self._taken = 0
        """Number of the event after the newest one that was taken."""
        self._searched = 0
        """Events with a smaller number were not looked at."""
        self._newest: Row | None = None
        self._revision = 0
        self._generation = -1

    def set_filter(self, wanted: str) -> None:
        """Another filter; takes effect with the next update.

        Raises: FilterError.
        """
        self._test = event_filter(wanted)
        self.filter = wanted
        self._anew = True

    def set_order(self, order: str) -> None:
        """Another of ORDERS; takes effect with the next update."""
        self.order = order
        self._anew = True

    def update(self, events: deque[Row], revision: int, generation: int = 0) -> None:
        """Take what came since the last time, and look at the next slice of what was not looked at. `revision` counts
        all events that ever came, `generation` how often older ones were put before them, or the ring began anew."""
        fresh = self._fresh(events, revision, generation)
        if fresh < 0:
            self._ranks = tuple(_Rank() for _ in range(1 if self.order == ORDERS[0] else 3))
            self._anew, self._searched, fresh = False, self._taken, 0
        elif self.paused:
            revision -= fresh
        else:
            self._take(list(islice(reversed(events), fresh)), fresh)
            fresh = 0
        self._revision, self._generation, self.waiting = revision, generation, fresh
        if not fresh:
            self._newest = events[-1] if events else None
        first = self._taken + fresh - len(events)
        self._search(events, first)
        if not self.paused:
            for rank in self._ranks:
                rank.forget(first)

    def _fresh(self, events: deque[Row], revision: int, generation: int) -> int:
        """How many have come since; -1 when everything has to be looked at again."""
        if self._anew:
            return -1
        more = revision - self._revision
        if generation == self._generation:
            return more
        last = islice(reversed(events), more + 1)
        return next((at for at, row in enumerate(last) if row is self._newest), -1)

    def _take(self, rows: Sequence[Row], fresh: int) -> None:
        """Of so many that came, those that are still there, the newest first."""
        self._taken += fresh - len(rows)
        for row in reversed(rows):
            self._put(self._taken, row)
            self._taken += 1

    def _search(self, events: deque[Row], first: int) -> None:
        """The next slice, from the newest on; all of it where nothing is asked of an event."""
        trivial = not self.filter and len(self._ranks) == 1
        stop = first if trivial else max(first, self._searched - SLICE)
        if stop < self._searched:
            piece = list(islice(events, stop - first, self._searched - first))
            for number, row in zip(range(self._searched - 1, stop - 1, -1), reversed(piece), strict=True):
                self._put(number, row)
            self._searched = stop
        self.unsearched = max(0, self._searched - first)

    def _put(self, number: int, row: Row) -> None:
        self.tested += 1
        if not self._test(row) or (not self._said and isinstance(row, SaidRow)):
            return
        rank = 0
        if len(self._ranks) > 1:
            rank = _RANKS.get(severity(row), 2)
            if rank and self.order == ORDERS[2]:
                return
        self._ranks[rank].add(number, row)

    def pause(self) -> None:
        """Freeze, or go on with the next update."""
        self.paused = not self.paused

    def __len__(self) -> int:
        return sum(map(len, self._ranks))

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        for rank in self._ranks:
            if 0 <= index < len(rank):
                return rank.rows[-1 - index]
            index -= len(rank)
        raise IndexError(index)


DAY = 24 * 3600 * 1_000_000_000


def when(wall_ns: int, now_wall: int, mode: str, columns: int) -> str:
    """An instant in so many columns (8 or more): the time of day, and the date instead once it is a day ago."""
    if mode != "relative" and now_wall - wall_ns > DAY:
        day, time = date(wall_ns, mode)[5:], clock(wall_ns, mode)[:5]
        return (f"{day} {time}" if columns >= 11 else day).ljust(columns)
    return moment(wall_ns, now_wall, mode, digits=columns - 9 if columns > 9 else 0)


def date(wall_ns: int, mode: str = "local") -> str:
    """2025-11-22, local or UTC."""
    day = datetime.fromtimestamp(wall_ns // 1_000_000_000, tz=UTC)
    return (day if mode == "utc" else day.astimezone()).strftime("%Y-%m-%d")


def json_line(row: EventLine | GapRow) -> bytes:
    """One row as the control socket says it, with its end of line; a gap as the engine's gap."""
    if isinstance(row, EventLine):
        return msgspec.json.encode(row) + b"\n"
    return msgspec.json.encode({"type": "gap", "events": row.events, "v": 1}) + b"\n"


def name(row: Row) -> str:
    """Kind, type and number of a row."""
    if isinstance(row, SaidRow):
        return "said by this console"
    return f"{kind(row)}, {row.event.__struct_config__.tag} {row.seq}" if isinstance(row, EventLine) else "gap"


def about(row: Row) -> list[tuple[str, str]]:
    """Every field of an event as label and text, evidence left to `why`."""
    if isinstance(row, SaidRow):
        return [("said", row.words), ("by", "this console; the engine's journal does not have it")]
    if not isinstance(row, EventLine):
        return [("missed", f"{row.events} events: this console was away or too slow, and the journal had them no more")]
    happened = row.event
    if isinstance(happened, CommandLogged):
        result = " ".join(filter(None, (happened.outcome.value, happened.code, happened.text)))
        return [
            ("who", f"{happened.by} from {happened.origin}"),
            ("what", happened.command),
            ("why", happened.reason or "no reason given"),
            ("result", result),
        ]
    found: list[tuple[str, str]] = []
    fields: Mapping[str, object] = {name: getattr(happened, name) for name in happened.__struct_fields__}
    for field, value in fields.items():
        if value in ("", (), None) or field == "evidence":
            continue
        if isinstance(value, bool):
            shown = "yes" if value else "no"
        else:
            shown = "  ".join(map(str, value)) if isinstance(value, tuple) else str(value)
        found.append((field.replace("_", " "), shown))
    return found
