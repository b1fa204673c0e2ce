"""The table of instances and the panes about one of them, from frozen statuses.

Invariant: state is mark + word (colour repeats it), priorities are always two, and while the engine is
silent every state reads UNKNOWN with what it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from engine.messages import Check, InstanceStatus, LedgerLine, State, TrackerStatus
from hatui.sentences import if_lost, readiness
from hatui.text import (
    FINE_CELLS,
    Line,
    Span,
    ago,
    duration,
    exit_words,
    fit,
    interval,
    mark,
    master_of,
    plain,
    priorities,
    rule,
    seconds,
    spread,
    state_word,
    timer,
    timer_bar,
    width,
    wrap,
)
from hatui.widgets.rows import Lines, Rows


class InstanceRow(msgspec.Struct, frozen=True):
    """One instance and what belongs to it, at one instant."""

    status: InstanceStatus
    now: int
    believed: bool
    """False while the engine is silent."""
    cells: str
    """The adverts line, oldest first."""
    heard: int = 0
    """Last sign of life; how old the state is while it is not believed."""

    fine: bool = False
    """Finer characters than ASCII."""

    linked: tuple[Check, ...] = ()
    """What other nodes say, to which this console has a link."""

    @property
    def ready(self) -> tuple[str, str, str]:
        """Would a failover now succeed: word, role, sentence."""
        if not self.believed:
            return "unknown", "unknown", "the engine is silent"
        return readiness(self.status, self.now, self.linked)

    @property
    def state(self) -> str:
        """UNKNOWN while it cannot be believed."""
        return self.status.state.value if self.believed else "UNKNOWN"

    @property
    def role(self) -> str:
        """The role of the state."""
        return self.state.lower()


MASTER_COLUMNS = 13
"""Of the column MASTER on the smallest screen."""


class Column(msgspec.Struct, frozen=True):
    """One column of the table."""

    title: str
    columns: int
    cell: Callable[[InstanceRow], Span]
    right: bool = False


def _state(row: InstanceRow) -> Span:
    return state_word(row.state), row.role


def _master(row: InstanceRow) -> Span:
    if not row.believed:
        return f"was {state_word(row.status.state)}", "unknown"
    return master_of(row.status), "plain" if row.status.master or row.status.state is State.MASTER else "dim"


def _master_short(row: InstanceRow) -> Span:
    """Without the priority where both do not fit: an address that is cut is none."""
    text, role = _master(row)
    return (text if len(text) <= MASTER_COLUMNS or not row.believed else text.partition("/")[0]), role


def _prio(row: InstanceRow) -> Span:
    status = row.status
    changed = row.believed and status.state in (State.MASTER, State.BACKUP) and status.priority != status.base_priority
    return priorities(status), "warn" if changed else "plain" if row.believed else "dim"


def _timer(row: InstanceRow) -> Span:
    if not row.believed:
        return "--", "dim"
    bites = row.status.timer == "master-down" and row.status.missed > 0
    return timer(row.status, row.now), "warn" if bites else "plain"


def _timer_wide(row: InstanceRow) -> Span:
    text, role = _timer(row)
    bar = timer_bar(row.status, row.now, fine=row.fine) if row.believed and role == "plain" else ""
    return f"{text:<11}{bar}", role


def _since(row: InstanceRow) -> Span:
    if not row.believed:
        return (duration(row.now - row.heard), "unknown") if row.heard else ("--", "dim")
    return duration(row.now - row.status.since), "plain"


def _ready(row: InstanceRow) -> Span:
    word, role, _ = row.ready
    return word, role


def _cells(count: int) -> Callable[[InstanceRow], Span]:
    def cell(row: InstanceRow) -> Span:
        text = row.cells[-count:]
        role = "warn" if any(char in text for char in "!x") else "dim"
        return text.translate(FINE_CELLS) if row.fine else text, role

    return cell


def table_columns(columns: int, names: int) -> list[Column]:
    """The columns of the table on a screen so wide; `names` is the longest name."""
    name = Column("INSTANCE", 10, lambda row: (plain(row.status.name), "strong"))
    state = Column("STATE", 7, _state)
    prio = Column("PRIO", 8, _prio)
    master = Column("MASTER", MASTER_COLUMNS, _master_short)
    since = Column("SINCE", 7, _since)
    vrid = Column("VRID", 4, lambda row: (str(row.status.vrid), "plain"))
    ready = Column("READY", 9, _ready)
    if columns >= 140:
        wide: list[Column] = [
            name,
            Column("IF", 5, lambda row: (plain(row.status.interface), "plain")),
            vrid,
            Column("VER", 3, lambda row: (f"v{row.status.version}", "plain")),
            state,
            prio,
            Column("MASTER IS", 19, _master),
            since,
            Column("TIMER", 19, _timer_wide),
            ready,
            Column("ADVERTS, the last 150s", 30, _cells(30)),
            Column("FLAPS", 5, lambda row: (str(row.status.transitions), "plain")),
        ]
    elif columns >= 100:
        wide = [name, vrid, state, prio, Column("MASTER", 19, _master), since, Column("TIMER", 11, _timer), ready]
        wide.append(Column("ADVERTS 60s", 12, _cells(12)))
    else:
        wide = [name, state, prio, master, since, Column("TIMER", 11, _timer), Column("ADVERTS 60s", 12, _cells(12))]
    spare = columns - 3 - sum(column.columns + 1 for column in wide)
    grown = max(name.columns, min(names, name.columns + max(0, spare)))
    whole = msgspec.structs.replace(name, columns=grown, cell=lambda row: (_name(row.status.name, grown), "strong"))
    return [whole if column is name else column for column in wide]


def _name(words: str, columns: int) -> str:
    """Of a name with its node the end is kept, in which nodes differ, and the instance."""
    words = plain(words)
    return f"~{words[len(words) - columns + 1 :]}" if ":" in words and len(words) > columns else words


STATES = (State.FAULT, State.MASTER, State.BACKUP, State.INIT)
SORTS: dict[str, Callable[[InstanceStatus], tuple[object, ...]]] = {
    "": lambda _: (),
    "INSTANCE": lambda status: (status.name,),
    "STATE": lambda status: (STATES.index(status.state), status.name),
    "PRIO": lambda status: (-status.priority, status.name),
    "SINCE": lambda status: (-status.since, status.name),
    "FLAPS": lambda status: (-status.transitions, status.name),
}
"""Column -> what the table is sorted by; the first is the order of the configuration."""


def table_head(columns: Sequence[Column], sort: str = "") -> Line:
    """The titles; the column that is sorted by carries `^`."""
    line = "   "
    for column in columns:
        title = column.title + ("^" if sort and column.title == sort else "")
        line += fit(title, column.columns) + " "
    return ((line, "dim"),)


def table_line(row: InstanceRow, columns: Sequence[Column], *, marked: bool = False) -> Line:
    """One instance."""
    sign = "#" if row.believed and row.status.hold_kind == "maintenance" else mark(row.state)
    spans: list[Span] = [(" ", "plain"), (sign, row.role), ("=" if marked else " ", "key")]
    for column in columns:
        text, role = column.cell(row)
        shown = fit(text, column.columns, right=column.right)
        if role == "fault":  # it is reversed: only the word
            spans += [(shown.rstrip(), role), (" " * (len(shown) - len(shown.rstrip()) + 1), "plain")]
        else:
            spans.append((shown + " ", role))
    return tuple(spans)


class InstanceTable(Rows):
    """All instances; keys are their names. A row is made when it is seen."""

    WIDENS = True

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  Textual's name
        super().__init__(id=id)
        self._statuses: Sequence[InstanceStatus] = ()
        self._make: Callable[[InstanceStatus], InstanceRow] | None = None
        self._nothing = ""
        self._marked = ""
        self._columns: Sequence[Column] = ()

    @property
    def head_scrolls(self) -> bool:
        """It names the columns."""
        return True

    def tell(
        self,
        statuses: Sequence[InstanceStatus],
        make: Callable[[InstanceStatus], InstanceRow],
        nothing: str = "",
        sort: str = "",
        marked: str = "",
    ) -> None:
        """Show the instances, or why there are none; one of them may be marked."""
        self._statuses, self._make, self._nothing = statuses, make, nothing
        self._marked = marked
        self._columns = table_columns(self.room or 80, max((len(one.name) for one in statuses), default=0))
        self.show_rows((), [status.name for status in statuses], table_head(self._columns, sort))

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self._statuses) or bool(self._nothing)

    def body_at(self, index: int) -> Line:
        """One instance."""
        if not self._statuses or self._make is None:
            return ((f"   {self._nothing}", "dim"),)
        status = self._statuses[index]
        return table_line(self._make(status), self._columns, marked=status.name == self._marked)

    def under_at(self, index: int) -> str:
        """The marked row is shaded too."""
        marked = index < len(self._statuses) and self._statuses[index].name == self._marked
        return super().under_at(index) or ("marked" if marked else "")


def detail_title(row: InstanceRow, columns: int, *, focus: bool = False) -> Line:
    """`- VI_API ---- eth0 vrid 52 v3 multicast adv 1s --`"""
    status = row.status
    way = "unicast" if status.unicast else "multicast"
    about = f"{status.interface} vrid {status.vrid} v{status.version} {way} adv {interval(status.advert_interval)}"
    return rule(plain(status.name), columns, plain(about), strong=focus)


def address_spans(row: InstanceRow) -> list[list[Span]]:
    """Each virtual address and whether it is really on its interface, by the kernel's word."""
    found: list[list[Span]] = []
    for address in row.status.addresses:
        word, role = ("set", "good") if address.present else ("not here", "dim")
        if not row.believed:
            word, role = "unknown", "unknown"
        elif address.present != (row.status.state is State.MASTER):
            word, role = ("STILL HERE", "bad") if address.present else ("MISSING", "bad")
        where = f" {address.interface}" if address.interface != row.status.interface else ""
        found.append([(plain(f"{address.address}/{address.prefix}{where} "), "plain"), (word, role), ("   ", "plain")])
    return found


def ledger_text(line: LedgerLine) -> str:
    """`-22 chk_haproxy FAIL exit 1`"""
    if line.kind == "base":
        return f"{line.contribution} base"
    name = plain(line.name or line.kind)
    state = {True: "ok", False: "FAIL", None: "no result yet"}[line.good] if line.kind != "hold" else "hold"
    detail = f" {plain(line.detail)}" if line.detail else ""
    if line.fault:
        return f"FAULT {name} {state}{detail}"
    return f"{line.contribution:+d} {name} {state}{detail}"


def ledger_role(line: LedgerLine) -> str:
    """Red for a fault, yellow for what takes points away."""
    if line.fault:
        return "bad"
    if line.good is False or (line.kind not in ("base", "owner") and line.contribution < 0):
        return "warn"
    return "plain"


def _labelled(label: str, spans: Sequence[Span]) -> Line:
    return ((f" {label:<9} ", "dim"), *spans)


def addresses_lines(row: InstanceRow, columns: int, most: int) -> list[Line]:
    """The addresses in at most so many lines, the rest as a number."""
    lines: list[Line] = []
    line: list[Span] = []
    cells = address_spans(row)
    for at, cell in enumerate(cells):
        if line and width(line) + width(cell) > columns - 11:
            if len(lines) == most - 1:
                line.append((f"and {len(cells) - at} more", "dim"))
                break
            lines.append(tuple(line))
            line = []
        line += cell
    lines.append(tuple(line) if line else (("none configured", "warn"),))
    return [_labelled("VIPs" if not at else "", spans) for at, spans in enumerate(lines)]


def detail_lines(row: InstanceRow, columns: int, rows: int) -> list[Line]:
    """What an operator asks first, in the order of asking."""
    status, now = row.status, row.now
    lines = addresses_lines(row, columns, max(1, rows - 4))
    options = f"vmac {'yes' if status.vmac else 'no'}   preempt {_yes(status.preempt)} "
    if width(lines[0]) + len(options) + 2 <= columns:
        lines[0] = spread(lines[0], [(options, "dim")], columns)
    spans: list[Span] = []
    for entry in status.ledger:
        spans += [(ledger_text(entry), ledger_role(entry)), ("  ", "plain")]
    used = "not running" if status.state in (State.FAULT, State.INIT) else f"= {status.priority} in use"
    lines.append(_labelled("Priority", [*spans, (used, "strong" if row.believed else "dim")]))
    lines.append(_labelled("Peer", _peer(status, now)))
    word, role, sentence = row.ready
    lines.append(_labelled("Ready", [(f"{word}: ", role), (plain(sentence), "plain")]))
    lines.append(_labelled("If lost", [(if_lost(status) if row.believed else "unknown", "plain")]))
    return lines


def _peer(status: InstanceStatus, now: int) -> list[Span]:
    if not status.peer:
        return [("no other router was ever heard", "dim")]
    spans: list[Span] = [(f"{plain(status.peer)}   prio {status.peer_priority}   ", "plain")]
    spans.append((f"heard {ago(status.heard_at, now)}", "plain"))
    spans.append((f"   missed {status.missed}", "warn" if status.missed else "plain"))
    spans.append((f"   near-miss {status.near_misses}", "warn" if status.near_misses else "plain"))
    return spans


def facts_lines(row: InstanceRow, columns: int, rows: int) -> list[Line]:
    """The wide pane: the detail, and timers, options and counters below it."""
    status, counters = row.status, row.status.counters
    place = f"{status.interface} {'unicast' if status.unicast else 'multicast'} from {status.source or 'no address'}"
    lines = [_labelled("interface", [(plain(place), "plain")]), *addresses_lines(row, columns, 2)]
    timers = f"{seconds(status.advert_interval, 3)} (master {seconds(status.master_advert_interval, 3)})"
    timers += f"  skew {seconds(status.skew, 3)}  down {seconds(status.master_down_interval, 3)}"
    lines.append(_labelled("advert", [(timers, "plain")]))
    options = f"{_yes(status.preempt)}   accept {_yes(status.accept)}   vmac {status.vmac or 'no'}"
    lines.append(_labelled("preempt", [(plain(options), "plain")]))
    group = f"   sync group {status.sync_group}" if status.sync_group else ""
    lines.append(_labelled("auth", [(plain(status.authentication + group), "plain")]))
    counts = f"rx {counters.advert_rcvd}   tx {counters.advert_sent}   became master {counters.become_master}"
    lines.append(_labelled("counters", [(counts, "plain")]))
    if status.peer:
        heard = f"{plain(status.peer)}   prio {status.peer_priority}   heard {ago(status.heard_at, row.now)}"
        lines.append(_labelled("peer", [(heard, "plain")]))
        near = f"{status.near_misses}   missed in a row now {status.missed}"
        lines.append(_labelled("near-miss", [(near, "warn" if status.near_misses or status.missed else "plain")]))
    else:
        lines.append(_labelled("peer", _peer(status, row.now)))
    lines.append(_labelled("announced", [(f"ARP/NA {ago(status.announced_at, row.now)}", "plain")]))
    word, role, sentence = row.ready
    said = wrap(plain(sentence), max(20, columns - 13 - len(word))) or [""]
    lines.append(_labelled("Ready", [(f"{word}: ", role), (said[0], "plain")]))
    lines += [_labelled("", [(text, "plain")]) for text in said[1:3]]
    lines.append(_labelled("If lost", [(if_lost(status) if row.believed else "unknown", "plain")]))
    return lines[:rows] if rows else lines


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def ladder_lines(row: InstanceRow, trackers: dict[str, TrackerStatus]) -> list[Line]:
    """The priority as a column of figures: base, each contribution, the sum in use."""
    status = row.status
    lines: list[Line] = []
    for entry in status.ledger:
        if entry.kind == "base":
            lines.append(((f"  {entry.contribution:>4}  ", "strong"), ("base", "plain")))
            continue
        tracker = trackers.get(entry.name)
        state = {True: "ok", False: "FAIL", None: "--"}[entry.good]
        words = f"{plain(entry.name or entry.kind):<14} {state}"
        if tracker is not None and tracker.last_run:
            words += f" {exit_words(tracker.exit_status)}, {duration(row.now - tracker.last_run)} ago"
        elif entry.detail:
            words += f" {plain(entry.detail)}"
        figure = "FAULT" if entry.fault else f"{entry.contribution:+d}"
        lines.append(((f"  {figure:>4}  ", ledger_role(entry)), (words, ledger_role(entry))))
    lines.append((("  ----", "dim"),))
    used = "--" if status.state in (State.FAULT, State.INIT) else str(status.priority)
    peer = f"   last heard: {status.peer} with {status.peer_priority}" if status.peer else ""
    lines.append(((f"  {used:>4}  ", "strong"), ("in use", "strong"), (plain(peer), "dim")))
    return lines


class InstancePane(Lines):
    """Lines about the selected instance."""
