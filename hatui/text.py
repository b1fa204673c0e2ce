"""Figures and words as people read them: durations, ages, states, priorities, timers, command lines.

Invariant: everything here is a function of its arguments; nothing reads a clock, and no text that came
from outside reaches a screen with control characters in it. A `Line` is text in spans, each with a role
(what it means); `hatui.tcss` says once how a role looks.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from engine.messages import (
    AbortDrill,
    AnnounceNow,
    ApplyConfig,
    Command,
    ConfirmConfig,
    Failover,
    InstanceStatus,
    Maintenance,
    Release,
    Reload,
    RollbackConfig,
    RunDrill,
    RunTracker,
    State,
    StopEngine,
    Verdict,
)

Span = tuple[str, str]
"""Text and its role."""
Line = tuple[Span, ...]

ROLES = (
    "plain",
    "dim",
    "strong",
    "title",
    "key",
    "good",
    "warn",
    "bad",
    "master",
    "backup",
    "fault",
    "init",
    "unknown",
    "changed",
    "mode",
    "selected",
    "alarm",
    "lit",
)
"""Every role that a span may have; `hatui.tcss` styles `role-NAME`."""

SHADED = ("fault", "alarm", "lit")
"""Roles whose blanks are seen."""
NS = 1_000_000_000
MARKS = {"MASTER": "*", "BACKUP": "-", "FAULT": "!", "INIT": "~", "UNKNOWN": "?"}
TIME_MODES = ("local", "utc", "relative", "delta")
FAILED_EXIT_WORDS = {-1000: "could not start", -1001: "timed out"}


def plain(text: str) -> str:
    """The text with control characters and line ends made harmless."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "?" if char not in "\n\t" else " " for char in text)


def width(line: Iterable[Span]) -> int:
    """Columns of a line (ASCII by design: one character is one column)."""
    return sum(len(text) for text, _ in line)


def fit(text: str, columns: int, *, right: bool = False) -> str:
    """Exactly `columns` wide; what is cut ends in "~" so that nobody takes it for whole."""
    if columns <= 0:
        return ""
    if len(text) > columns:
        return text[: columns - 1] + "~"
    return text.rjust(columns) if right else text.ljust(columns)


def coded(text: str, columns: int) -> str:
    """A refusal in at most so many columns: what is cut off is never the code at its end."""
    words, bracket, code = text.rpartition(" [")
    if not bracket or len(text) <= columns:
        return fit(text, min(columns, len(text)))
    return f"{fit(words, max(1, columns - len(code) - 2))}{bracket}{code}"


def clip(line: Sequence[Span], columns: int) -> Line:
    """The line, cut at `columns` with "~" as the sign of the cut, between words where one ends near enough."""
    if width(line) <= columns:
        return tuple(line)
    kept: list[Span] = []
    room = columns - 1
    for text, role in line:
        if len(text) > room:
            kept.append((_whole_words(text, room) + "~", role))
            break
        kept.append((text, role))
        room -= len(text)
    return tuple(kept)


WORD = 14
"""Characters that are given up for not cutting a word."""


def _whole_words(text: str, room: int) -> str:
    """The beginning of a text, without the word that does not fit whole."""
    blank = text.rfind(" ", max(0, room - WORD), room)
    return text[:room] if blank <= 0 or text[room] == " " else text[: blank + 1]


def spread(left: Sequence[Span], right: Sequence[Span], columns: int, fill: str = " ") -> Line:
    """Left and right in one line of `columns`; the left side is cut when both do not fit."""
    right = clip(right, columns)
    room = columns - width(right)
    left = clip(left, max(0, room - 1)) if width(left) > room - 1 else tuple(left)
    gap = columns - width(left) - width(right)
    return (*left, (fill * gap, "dim" if fill != " " else "plain"), *right)


def rule(title: str, columns: int, right: str = "", *, strong: bool = False) -> Line:
    """The title line of a pane: `- Events ------------ all instances --`."""
    left: list[Span] = [("- ", "dim"), (title, "title" if strong else "strong"), (" ", "dim")]
    tail: list[Span] = [(f" {right} ", "dim"), ("--", "dim")] if right else []
    return spread(left, tail, columns, "-")


def joined(line: Sequence[Span]) -> list[Span]:
    """Neighbours of one role as one span, blanks with whatever stands before them: fewer octets to a terminal."""
    found: list[Span] = []
    for text, role in line:
        if not text:
            continue
        if found and (found[-1][1] == role or (not text.strip() and found[-1][1] not in SHADED)):
            found[-1] = (found[-1][0] + text, found[-1][1])
        else:
            found.append((text, role))
    return found


def wrap(text: str, columns: int) -> list[str]:
    """The text in lines of at most `columns`, broken at blanks."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        pieces = [word[at : at + columns] for at in range(0, len(word), columns)]
        for piece in pieces:
            if line and len(line) + 1 + len(piece) > columns:
                lines.append(line)
                line = piece
            else:
                line = f"{line} {piece}" if line else piece
    if line:
        lines.append(line)
    return lines


def duration(ns: int) -> str:
    """Four to six characters: 0.2s, 42s, 12m40s, 3h04m, 3d04h, 412d."""
    ns = max(0, ns)
    if ns < 10 * NS - NS // 20:
        return f"{ns / NS:.1f}s"
    whole = ns // NS
    if whole < 60:
        return f"{whole}s"
    minutes, seconds = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h{minutes:02d}m"
    days, hours = divmod(hours, 24)
    return f"{days}d{hours:02d}h" if days < 100 else f"{days}d"


def ago(at: int, now: int) -> str:
    """How long ago an instant was; "never" for the instant 0."""
    return f"{duration(now - at)} ago" if at else "never"


def seconds(ns: int, digits: int = 2) -> str:
    """Plain seconds: 3.65s."""
    return f"{ns / NS:.{digits}f}s"


def interval(ns: int) -> str:
    """An advert interval without needless zeros: 1s, 0.5s, 0.01s."""
    return f"{ns / NS:.3f}".rstrip("0").rstrip(".") + "s"


def parse_duration(text: str) -> int:
    """Seconds of 90, 90s, 30m, 2h, 1h30m, 2d.

    Raises: ValueError for anything else.
    """
    text = text.strip().lower()
    if re.fullmatch(r"\d+", text):
        return int(text)
    match = re.fullmatch(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text)
    if not text or match is None:
        raise ValueError(f"{plain(text)!r} is no duration: write 90s, 30m or 2h")
    days, hours, minutes, secs = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + secs


def grouped(number: int) -> str:
    """A count with blanks between its thousands: 4 813."""
    return f"{number:,}".replace(",", " ")


def short_seconds(whole: int) -> str:
    """The reverse of parse_duration, shortest form: 1800 is 30m."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"


def clock(wall_ns: int, mode: str = "local", *, digits: int = 0) -> str:
    """Time of day, local or UTC, with so many digits of a second."""
    moment = datetime.fromtimestamp(wall_ns // NS, tz=UTC)
    if mode != "utc":
        moment = moment.astimezone()
    text = moment.strftime("%H:%M:%S")
    if digits:
        text += f".{wall_ns % NS // 10 ** (9 - digits):0{digits}d}"
    return text


def moment(wall_ns: int, now_wall: int, mode: str, *, digits: int = 0) -> str:
    """An instant in the chosen time mode, as wide as a clock ("delta" needs a neighbour: shown as local)."""
    if mode == "relative":
        columns = 8 + (digits + 1 if digits else 0)
        return fit("-" + duration(now_wall - wall_ns), columns, right=True)
    return clock(wall_ns, mode, digits=digits)


def state_word(state: str) -> str:
    """BACKUP is written small: it owns nothing."""
    return "backup" if state == "BACKUP" else state


def mark(state: str) -> str:
    """The ASCII mark before a state's word."""
    return MARKS.get(state, "?")


def priorities(status: InstanceStatus) -> str:
    """In use / base, always both: " 98/120"; "--" in use while the instance does not run."""
    used = "--" if status.state in (State.FAULT, State.INIT) else str(status.priority)
    return f"{used:>3}/{status.base_priority}"


def master_of(status: InstanceStatus) -> str:
    """Who is master: "this node", ADDRESS/PRIORITY, or "nobody known"."""
    if status.state is State.MASTER:
        return "this node"
    if not status.master:
        return "not known"
    return f"{status.master}/{status.master_priority}" if status.master_priority else status.master


def timer(status: InstanceStatus, now: int) -> str:
    """The running timer, counting down: `adv  0.6s`, `down 3.1s`; words when it bites."""
    if not status.timer or not status.deadline:
        return "--"
    left = max(0, status.deadline - now)
    if status.timer == "master-down" and status.missed:
        return f"missed {status.missed} of {adverts_to_miss(status)}"
    names = {
        "advert": "adv",
        "master-down": "down",
        "startup-delay": "start",
        "hand-over": "hand",
        "preempt-delay": "wait",
    }
    return f"{names.get(status.timer, status.timer):<4} {duration(left):>4}"


def adverts_to_miss(status: InstanceStatus) -> int:
    """How many adverts in a row make a backup take over (3 unless configured otherwise)."""
    if not status.master_advert_interval:
        return 3
    return max(1, round((status.master_down_interval - status.skew) / status.master_advert_interval))


FINE = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589\u2588"
"""Bars of 0 to 8 eighths."""
FINE_CELLS = str.maketrans({".": "\u2840", ":": "\u28e0", "!": "\u28ff"})
"""The adverts line in braille; what was rejected stays an x."""


def timer_bar(status: InstanceStatus, now: int, cells: int = 6, *, fine: bool = False) -> str:
    """How much of the running timer has passed: `[###...]`, or in eighths of a cell."""
    whole = status.master_down_interval if status.timer == "master-down" else status.advert_interval
    if not status.deadline or whole <= 0:
        return ""
    passed = min(1.0, max(0.0, 1 - (status.deadline - now) / whole))
    if fine:
        full, rest = divmod(int(passed * cells * 8 + 0.5), 8)
        return "[" + (FINE[8] * full + FINE[rest]).ljust(cells)[:cells] + "]"
    full = min(cells, int(passed * cells + 0.5))
    return "[" + "#" * full + "." * (cells - full) + "]"


def skew_time(version: int, priority: int, advert_interval: int) -> int:
    """How much later than a master-down a backup with this priority takes over.
    Source: RFC 3768 5.3.1, RFC 9568 6.1"""
    unit = NS if version == 2 else advert_interval
    return (256 - priority) * unit // 256


def exit_words(status: int | None) -> str:
    """How a script ended."""
    if status is None:
        return "not run yet"
    if status in FAILED_EXIT_WORDS:
        return FAILED_EXIT_WORDS[status]
    return f"killed by signal {-status}" if status < 0 else f"exit {status}"


def verdict_role(verdict: Verdict) -> str:
    """The role of a verdict: a packet that was obeyed, sent, or failed a test."""
    if verdict in (Verdict.OK, Verdict.SENT, Verdict.NONE):
        return "good" if verdict is Verdict.OK else "dim"
    return "warn" if verdict in (Verdict.UNSEEN, Verdict.NOT_RUNNING, Verdict.OWN) else "bad"


def _limits(command: RunDrill) -> list[tuple[str, ...]]:
    """The options that change a plan, and the override."""
    told = [(f"--{name}", getattr(command, f"{name}_s")) for name in ("budget", "limit", "baseline")]
    found: list[tuple[str, ...]] = []
    found += [(option, f"{value:g}s") for option, value in told if value > 0 or (option == "--baseline" and value == 0)]
    found += [("--repeat", str(command.repeat))] if command.repeat else []
    found += [("--tracker", command.tracker)] if command.tracker else []
    found += [("--real-link",)] if command.real_link else []
    return found + ([("--override", command.override)] if command.override else [])


def command_line(command: Command, reason: str = "") -> str:
    """The same wish on the command line."""
    match command:
        case Failover(instance=name, method=method, hold_s=hold, dry_run=dry):
            words = ["hatui", "failover", name, f"--{method}"]
            words += ["--hold", short_seconds(int(hold))] if hold else []
            words += ["--dry-run"] if dry else []
            words += ["--override", command.override] if command.override else []
        case Release(instance=name):
            words = ["hatui", "release", name]
        case AnnounceNow(instance=name):
            words = ["hatui", "announce", name] if name else ["hatui", "announce"]
        case Reload():
            words = ["hatui", "reload"]
        case ApplyConfig(confirm_s=confirm):
            words = ["hatui", "config", "apply", *(["--confirm", short_seconds(int(confirm))] if confirm else [])]
        case ConfirmConfig(revision=number):
            words = ["hatui", "config", "confirm", *([str(number)] if number else [])]
        case RollbackConfig(revision=number):
            words = ["hatui", "config", "rollback", *([str(number)] if number else [])]
        case Maintenance(instance=name, on=on, for_s=time_s, persist=persist):
            words = ["hatui", "maintenance", "on" if on else "off", *([name] if name else [])]
            words += ["--for", short_seconds(int(time_s))] if time_s else []
            words += ["--persist"] if persist else []
        case RunTracker(name=name):
            words = ["hatui", "trackers", "--run", name]
        case RunDrill(plan=plan, instance=name, simulate=simulate):
            words = ["hatui", "drill", "run", plan, name, *(["--simulate"] if simulate else [])]
            words += [word for option in _limits(command) for word in option]
        case AbortDrill():
            words = ["hatui", "drill", "abort"]
        case StopEngine():
            words = ["systemctl", "stop", "hatui-engine"]
        case _:
            words = ["hatui", "status"]
    if reason:
        words += ["--reason", reason]
    return shlex.join(words)
