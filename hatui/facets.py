"""One instance from all sides: state, trackers, addresses, notify scripts, its block of the configuration, history.

Invariant: pure; each tab is a list of rows with keys, made of what the engine said. What it did not say, or what is
no longer believed, is called unknown; a secret is never in a row.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import msgspec

from engine.config.syntax import Node, parse
from engine.messages import (
    AddressesMoved,
    AddressLost,
    AddressStatus,
    Check,
    ConfigText,
    Counters,
    EventLine,
    InstanceStatus,
    InterfaceStatus,
    PacketLine,
    ScriptRan,
    State,
    StateChanged,
    TrackerRun,
    TrackerStatus,
)
from hatui.drafts import Masks
from hatui.frames import summary
from hatui.sentences import event as told_of
from hatui.sentences import if_lost, readiness
from hatui.store import Row
from hatui.text import (
    Line,
    ago,
    duration,
    exit_words,
    interval,
    master_of,
    plain,
    priorities,
    seconds,
    state_word,
    width,
    wrap,
)

TABS = ("State", "Trackers", "VIPs", "Notify", "Config", "History")


LEAST = 20
"""Columns below which a text is not folded but reached sideways."""


class Item(msgspec.Struct, frozen=True):
    """One row of a tab."""

    key: Hashable
    line: Line
    opens: str = ""
    """What enter does with it: run (a tracker), why (a change)."""
    name: str = ""
    """Of the tracker."""
    seq: int = 0
    """Of the change."""


def _head(text: str) -> Item:
    return Item(("head", text), ((f" {text}", "title"),))


def _fact(label: str, text: str, role: str = "plain") -> Item:
    return Item(label, ((f"   {label:<22} ", "dim"), (plain(text), role)))


def said(text: str, role: str = "dim") -> Item:
    """A row that says why there is no other."""
    return Item(("said", text), ((f"   {plain(text)}", role),))


def folded(items: Iterable[Item], columns: int) -> list[tuple[Item, int, Line]]:
    """Each row in as many lines, numbered from 0, as it takes: what does not fit goes on below its last text."""
    rows: list[tuple[Item, int, Line]] = []
    for item in items:
        *before, (text, role) = item.line
        lead = width(before)
        if lead + len(text) <= columns or columns - lead < LEAST:
            rows.append((item, 0, item.line))
            continue
        first, *more = wrap(text, columns - lead)
        rows.append((item, 0, (*before, (first, role))))
        rows += [(item, at, ((" " * lead, "plain"), (piece, role))) for at, piece in enumerate(more, 1)]
    return rows


def merged(told: Iterable[Row], past: Sequence[EventLine], *, several: bool = False) -> list[EventLine]:
    """What this console was told and what it asked for, once each, oldest first. Numbers of `several` engines are
    no order among each other: there the past goes on with what was told later."""
    if several:
        last = past[-1].wall_ns if past else 0
        return [*past, *(row for row in told if isinstance(row, EventLine) and row.wall_ns > last)]
    found = {row.seq: row for row in past}
    found.update((row.seq, row) for row in told if isinstance(row, EventLine))
    return [found[seq] for seq in sorted(found)]


# State -----------------------------------------------------------------------------------------


def state_tab(status: InstanceStatus, now: int, *, believed: bool, linked: Sequence[Check] = ()) -> list[Item]:
    """Every timer and counter, as a list."""
    word = state_word(status.state)
    why = f"{status.last_cause.value} {status.last_detail}".strip()
    items = [_head("Now")]
    if believed:
        items.append(_fact("state", f"{word} for {duration(now - status.since)}: {why}", status.state.value.lower()))
    else:
        items.append(_fact("state", f"UNKNOWN (was {word}): the engine is silent", "unknown"))
    if status.hold_kind:
        until = f"{duration(status.hold_until - now)} more" if status.hold_until else "until released"
        items.append(_fact("hold", f"{status.hold_kind} by {status.hold_by or 'an operator'}, {until}", "warn"))
    items += [_fact("fault", fault, "bad") for fault in status.faults]
    silent = ("unknown", "unknown", "the engine is silent")
    ready, role, sentence = readiness(status, now, linked) if believed else silent
    items += [
        _fact("ready", f"{ready}: {sentence}", role),
        _fact("if lost", if_lost(status) if believed else "unknown"),
        _fact("priority in use/base", priorities(status).strip() if believed else f"unknown/{status.base_priority}"),
        _fact("master", master_of(status) if believed else f"unknown (was {master_of(status)})"),
        _fact("last other router", _peer(status, now)),
        _head("Timers"),
        _fact("running", _running(status, now) if believed else "unknown"),
        _fact("advert interval", interval(status.advert_interval)),
        _fact("of the master", interval(status.master_advert_interval)),
        _fact("skew time", seconds(status.skew, 3)),
        _fact("master-down interval", seconds(status.master_down_interval, 3)),
        _fact("missed in a row", str(status.missed), "warn" if status.missed else "plain"),
        _fact("near misses", str(status.near_misses), "warn" if status.near_misses else "plain"),
        _fact("ARP/NA announced", ago(status.announced_at, now)),
        _head("Configuration"),
        _fact("interface, vrid", f"{status.interface}, {status.vrid}, VRRPv{status.version}, IPv{status.family}"),
        _fact("adverts are sent from", status.source or "none: the interface has no address for it"),
        _fact("way", "unicast" if status.unicast else "multicast"),
        _fact("preempt, accept", f"{_yes(status.preempt)}, {_yes(status.accept)}"),
        _fact("virtual MAC", status.vmac or "no"),
        _fact("authentication", status.authentication),
        _fact("sync group", status.sync_group or "none"),
        _head(f"Counters (transitions {status.transitions})"),
    ]
    for field in msgspec.structs.fields(Counters):
        count = getattr(status.counters, field.name)
        bad = field.name.endswith(("_err", "_failure", "_mismatch")) or "_ext_" in field.name
        items.append(_fact(field.name, f"{count}", "dim" if not count else "warn" if bad else "plain"))
    return items


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _peer(status: InstanceStatus, now: int) -> str:
    if not status.peer:
        return "none was ever heard"
    return f"{status.peer} priority {status.peer_priority}, heard {ago(status.heard_at, now)}"


def _running(status: InstanceStatus, now: int) -> str:
    if not status.timer or not status.deadline:
        return "none"
    return f"{status.timer}, ends in {seconds(max(0, status.deadline - now))}"


# Trackers ---------------------------------------------------------------------------------------


def trackers_tab(
    status: InstanceStatus, trackers: Iterable[TrackerStatus], runs: Sequence[TrackerRun] | None, now: int
) -> list[Item]:
    """Each tracker and its last runs, the newest on top. `runs` is None while they are not known."""
    items: list[Item] = []
    for one in trackers:
        if status.name not in one.tracked_by:
            continue
        word, role = {True: ("ok", "good"), False: ("FAIL", "bad"), None: ("no result yet", "dim")}[one.good]
        weight = next((line for line in status.ledger if line.name == one.name and line.kind == one.kind), None)
        points = "" if weight is None else "FAULT" if weight.fault else f"{weight.contribution:+d}"
        about = f"{one.streak} in a row (rise {one.rise}, fall {one.fall})"
        key = (one.kind, one.name)
        items.append(
            Item(
                key,
                (
                    (f" {points:>5}  ", "warn" if points not in ("", "+0") else "dim"),
                    (f"{one.kind} {plain(one.name):<18} ", "strong"),
                    (f"{word:<5} ", role),
                    (about, "dim"),
                ),
                "run" if one.kind == "script" else "",
                one.name,
            )
        )
        if one.kind == "script":
            items += _run_items(one, runs, now)
    for line in status.ledger:
        if line.kind not in ("interface", "link"):
            continue
        word, role = ("ok", "good") if line.good else ("FAIL", "bad")
        figure = "FAULT" if line.fault else f"{line.contribution:+d}"
        text = f"{line.kind} {plain(line.name):<18} "
        items.append(
            Item(
                (line.kind, line.name),
                ((f" {figure:>5}  ", "dim"), (text, "strong"), (f"{word:<5} ", role), (plain(line.detail), "dim")),
            )
        )
    return items or [said("nothing is tracked: only its own interface decides")]


def _run_items(one: TrackerStatus, runs: Sequence[TrackerRun] | None, now: int) -> list[Item]:
    if runs is None:
        return [Item(("asking", one.name), ((" " * 8 + "its last runs are not known", "dim"),))]
    found: list[Item] = []
    for run in reversed(runs):
        if run.name != one.name:
            continue
        tail = run.output.strip().splitlines()
        role = "plain" if run.exit_status == 0 else "warn"
        found.append(
            Item(
                (one.name, run.at),
                (
                    (f"        {duration(now - run.at):>7} ago  ", "dim"),
                    (f"{exit_words(run.exit_status):<16} ", role),
                    (f"{seconds(run.duration):>6}  ", "plain"),
                    (plain(tail[-1]) if tail else "", "dim"),
                ),
                "run",
                one.name,
            )
        )
    return found or [Item(("none", one.name), ((" " * 8 + "no run has ended yet", "dim"),))]


# VIPs ------------------------------------------------------------------------------------------


def vips_tab(
    status: InstanceStatus,
    interfaces: dict[str, InterfaceStatus],
    events: Sequence[EventLine],
    packets: Iterable[PacketLine],
    now: int,
    *,
    believed: bool,
) -> list[Item]:
    """Each address: whether it is there, who put it there, when it was announced last and by which MAC."""
    heard = _announcements(packets)
    mine = status.vmac or (interfaces[status.interface].mac if status.interface in interfaces else "")
    items: list[Item] = []
    for one in status.addresses:
        word, role = ("set", "good") if one.present else ("not here", "dim")
        if not believed:
            word, role = "unknown", "unknown"
        elif one.present != (status.state is State.MASTER):
            word, role = ("STILL HERE", "bad") if one.present else ("MISSING", "bad")
        items.append(
            Item(
                one.address,
                (
                    (f" {plain(f'{one.address}/{one.prefix}'):<24} ", "strong"),
                    (f"{plain(one.interface):<10} ", "plain"),
                    (word, role),
                    ("" if one.advertised else "   not in adverts", "dim"),
                ),
            )
        )
        items.append(_under(one, "by whom", _setter(one, status, events, now)))
        sent = "never since this engine runs"
        if status.announced_at:
            sent = f"{ago(status.announced_at, now)} by this node" + (f", {mine}" if mine else "")
        items.append(_under(one, "announced", sent))
        last = heard.get(one.address)
        text = "no ARP or NA for it was seen while this console looked"
        if last is not None:
            packet, mac = last
            who = "this node" if packet.direction == "out" else "ANOTHER STATION"
            text = f"{ago(packet.mono_ns, now)}, {mac}, {who}"
        foreign = last is not None and last[0].direction == "in" and status.state is State.MASTER
        items.append(_under(one, "on the wire", text, "bad" if foreign else "plain"))
    return items or [said("no address is configured", "warn")]


def _under(one: AddressStatus, label: str, text: str, role: str = "plain") -> Item:
    return Item((one.address, label), ((f"   {label:<12} ", "dim"), (plain(text), role)))


def _setter(one: AddressStatus, status: InstanceStatus, events: Sequence[EventLine], now: int) -> str:
    for row in reversed(events):
        happened = row.event
        if getattr(happened, "instance", "") != status.name:
            continue
        if isinstance(happened, AddressLost) and happened.address == one.address:
            end = "and put back by the engine" if happened.restored else "and not put back"
            return f"removed by somebody else {ago(row.mono_ns, now)}, {end}"
        if isinstance(happened, AddressesMoved) and any(
            text.partition("/")[0] == one.address for text in happened.addresses
        ):
            return f"{'set' if happened.present else 'removed'} by the engine {ago(row.mono_ns, now)}"
    return "not known: the events here do not reach back so far" if one.present else "-"


def _announcements(packets: Iterable[PacketLine]) -> dict[str, tuple[PacketLine, str]]:
    """The last gratuitous ARP or NA of each address, and the MAC it names."""
    found: dict[str, tuple[PacketLine, str]] = {}
    for packet in packets:
        if packet.kind == "advert":
            continue
        mac = packet.frame[6:12].hex(":")
        for address in summary(packet.frame).addresses:
            found[address] = packet, mac
    return found


# Notify ------------------------------------------------------------------------------------------


def notify_tab(status: InstanceStatus, events: Sequence[EventLine], now: int) -> list[Item]:
    """The notify scripts that ran, the newest on top."""
    names = {status.name, status.sync_group} - {""}
    items: list[Item] = []
    for row in reversed(events):
        ran = row.event
        if not isinstance(ran, ScriptRan) or ran.instance not in names:
            continue
        good = ran.exit_status == 0
        group = f"group {plain(ran.instance)}  " if ran.instance != status.name else ""
        items.append(
            Item(
                row.seq,
                (
                    (f" {duration(now - row.mono_ns):>7} ago  ", "dim"),
                    (f"{exit_words(ran.exit_status):<16} ", "good" if good else "bad"),
                    (f"{seconds(ran.duration):>6}  ", "plain"),
                    (group + plain(" ".join(ran.argv)), "plain"),
                ),
            )
        )
        for at, text in enumerate(ran.output.strip().splitlines()[-3:]):
            items.append(Item((row.seq, at), ((" " * 14 + plain(text), "dim"),)))
    return items or [said("no notify script of it has run, as far as the journal reaches")]


# Config ------------------------------------------------------------------------------------------


def block_of(files: Sequence[ConfigText], name: str) -> list[Item]:
    """The vrrp_instance of that name as it is written, with the file and line numbers; secrets as fingerprints."""
    for file in files:
        text = Masks().mask(file.text)
        node = _instance_node(text, name)
        if node is None:
            continue
        lines = text.splitlines()
        items = [Item(("head", file.path), ((f" {plain(file.path)}", "title"),))]
        for number, line in enumerate(lines[node.line - 1 : node.end_line], start=node.line):
            items += [Item(number, ((f" {number:>5}  ", "dim"), (plain(line.expandtabs(4)), "plain")))]
        return items
    return [said("its block is not written as such: it comes from a definition, a sequence or an expansion")]


def _instance_node(text: str, name: str) -> Node | None:
    for node in parse(text).walk():
        words = [token.text for token in node.arguments]
        if node.keyword == "vrrp_instance" and words and words[0].strip('"') == name:
            return node
    return None


# History ----------------------------------------------------------------------------------------


def history_tab(name: str, events: Sequence[EventLine], when: Sequence[str], now: int) -> list[Item]:
    """The changes of its state, the newest on top; `when` are their times as shown, in the order of `events`."""
    items: list[Item] = []
    for row, moment in zip(reversed(events), reversed(when), strict=True):
        change = row.event
        if not isinstance(change, StateChanged) or change.instance != name:
            continue
        told = told_of(change)
        role = {"bad": "bad", "good": "good"}.get(told.severity, "plain")
        items.append(
            Item(
                row.seq,
                (
                    (f" {moment}  ", "dim"),
                    (f"{duration(now - row.mono_ns):>7} ago  ", "dim"),
                    (f"{told.what:<18} ", role),
                    (f"{change.priority:>3}  ", "dim"),
                    (told.detail, "plain"),
                ),
                "why",
                seq=row.seq,
            )
        )
    return items or [said("no change of its state is in the journal")]
