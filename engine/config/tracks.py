"""What is tracked: vrrp_script, track_file, vrrp_track_process, bfd_instance, and the lines that name them.

Invariant: a track line gets the weight that counts, its own or that of what it names; a name must have
been defined above its use. Source: keepalived.conf(5) track_script, track_interface, track_file,
track_process, track_bfd.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import msgspec

from engine.config import values
from engine.config.context import Context, TrackLines, Values
from engine.config.expand import Statement
from engine.config.model import NS_PER_S, BfdSession, Script, Track, TrackedFile, TrackedProcess
from engine.config.syntax import Token

LIMIT = {"track_interface": 253, "track_script": 253, "track_bfd": 253, "track_file": 254, "track_process": 254}
DEFINED_BY = {
    "track_script": "vrrp_script",
    "track_file": "track_file",
    "track_process": "vrrp_track_process",
    "track_bfd": "bfd_instance",
}


def track_block(context: Context, block: Statement, into: TrackLines) -> None:
    """All lines of one track_* block."""
    kind = block.keyword
    places: dict[str, tuple[list[Track], Mapping[str, Any]]] = {
        "track_script": (into.scripts, context.scripts),
        "track_file": (into.files, context.files),
        "track_process": (into.processes, context.processes),
        "track_bfd": (into.bfd, context.bfd),
        "track_interface": (into.interfaces, {}),
    }
    into_list, known = places[kind]
    for line in block.children or ():
        name = line.words[0].value
        default: tuple[int, bool] | None = (0, False)
        if kind != "track_interface":
            default = _own_weight(context, kind, line, known)
        if default is None:
            continue
        if any(track.name == name for track in into_list):
            context.say(
                "C-REPEATED",
                line,
                exit_code=5,
                keyword=f"{kind} {name}",
                consequence="keepalived keeps the first line",
            )
            continue
        made = _track(context, kind, line, *default)
        if made is None:
            continue
        into_list.append(made)
        if kind == "track_script":
            context.tracked.add(name)


def _own_weight(context: Context, kind: str, line: Statement, known: Mapping[str, Any]) -> tuple[int, bool] | None:
    word = line.words[0]
    if word.value not in known:
        near = difflib.get_close_matches(word.value, list(known), n=1)
        nearest = f"; nearest: {near[0]}" if near else ""
        context.say("C-UNDEFINED", line, keyword=DEFINED_BY[kind], name=word.value, nearest=nearest)
        return None
    found = known[word.value]
    return found if isinstance(found, tuple) else (found.weight, found.reverse)


def _track(context: Context, kind: str, line: Statement, weight: int, reverse: bool) -> Track | None:
    words = line.words
    name = words[0].value
    if len(words) == 1:
        return Track(name, weight, reverse)

    def wrong(word: Token, what: str, consequence: str) -> None:
        context.say(
            "C-MEANING",
            line,
            word,
            what=what,
            consequence=consequence,
            todo=f"Write {name} weight NUMBER, from -{LIMIT[kind]} to {LIMIT[kind]}.",
        )

    if words[1].value != "weight":
        wrong(words[1], f"{words[1].value} is no word of a {kind} line", f"keepalived does not track {name} at all.")
        return None
    if len(words) == 2:
        wrong(words[1], f"weight of {name} has no number", f"keepalived does not track {name} at all.")
        return None
    number = values.integer(words[2].value)
    if number is None or not -254 <= number <= 254:
        wrong(words[2], f"weight {words[2].value} is no number from -254 to 254", "keepalived ignores the weight.")
        return Track(name, 0 if number is None and kind == "track_file" else weight, reverse)
    if abs(number) > LIMIT[kind]:
        wrong(words[2], f"weight {number} is cut to {LIMIT[kind]}", "254 would leave no priority.")
        number = LIMIT[kind] if number > 0 else -LIMIT[kind]
    for word in words[3:]:
        if word.value == "reverse":
            reverse = True
        elif word.value == "noreverse" and kind != "track_interface":
            reverse = False
        elif kind == "track_file" and word is words[3]:
            wrong(word, f"{word.value} is no word behind a weight", f"keepalived does not track {name} at all.")
            return None
        else:
            wrong(word, f"{word.value} is no word behind a weight", "keepalived ignores the word.")
    return Track(name, number, reverse)


def script_block(context: Context, block: Statement, name: str) -> None:
    """vrrp_script NAME."""
    fields: dict[str, Any] = {"name": name}

    def handle(statement: Statement, given: Values) -> None:
        match statement.keyword:
            case "script" if given[0] is not None:
                fields["command"] = given[0]
            case "interval" | "timeout":
                fields[statement.keyword] = _whole(context, statement, given[0])
            case "weight":
                fields["weight"], fields["reverse"] = given[0], given[1] == "reverse"
            case "rise" | "fall":
                fields[statement.keyword] = given[0]
            case "init_fail":
                fields["init_fail"] = True
            case "user":
                fields[" user"] = given[0]

    context.each(block, ("vrrp_script",), handle)
    user, group = fields.pop(" user", ("", ""))
    if "command" not in fields or not fields["command"].argv[0]:
        context.say(
            "C-MEANING",
            block,
            what=f"vrrp_script {name} has no script",
            consequence="keepalived removes it, and the lines that track it.",
            todo='Add script "COMMAND".',
        )
        return
    fields["command"] = msgspec.structs.replace(fields["command"], user=user, group=group)
    fields.setdefault("timeout", fields.get("interval", NS_PER_S))
    if name in context.scripts:
        context.say(
            "C-DUPLICATE",
            block,
            exit_code=0,
            keyword="vrrp_script",
            name=name,
            consequence="keepalived says nothing and keeps both; only the first is found by name.",
        )
        return
    context.scripts[name] = Script(**fields)
    context.script_places[name] = block


def _already(context: Context, statement: Statement) -> None:
    context.say(
        "C-REPEATED",
        statement,
        severity="error",
        exit_code=5,
        keyword=statement.keyword,
        consequence="keepalived keeps the first",
    )


def _apart(context: Context, statement: Statement, what: str) -> None:
    """Two bounds that leave nothing between them."""
    consequence, todo = "keepalived ignores this line.", "Write quorum first, and a quorum_max that is not below it."
    context.say("C-MEANING", statement, what=what, consequence=consequence, todo=todo)


def _whole(context: Context, statement: Statement, ns: int) -> int:
    """keepalived 2.2.7 knows whole seconds here, newer ones fractions."""
    word = statement.words[1]
    if ns == 0:
        context.say(
            "C-ROUNDED", statement, word, keyword=statement.keyword, value="0", used="1", why="0 would never end."
        )
        return NS_PER_S
    if "." in word.value:
        context.say("C-NEWER", statement, word, keyword=f"a fraction of a second in {statement.keyword}")
    return ns


def file_block(context: Context, block: Statement, name: str) -> None:
    """track_file NAME."""
    fields: dict[str, Any] = {"name": name}

    def handle(statement: Statement, given: Values) -> None:
        match statement.keyword:
            case "file" if "path" in fields:
                _already(context, statement)
            case "file":
                fields["path"] = given[0]
            case "weight" if "weight" in fields:
                _already(context, statement)
            case "weight":
                fields["weight"], fields["reverse"] = given[0], given[1] == "reverse"
            case "init_file":
                fields.setdefault("init_value", 0)
                for word in statement.arguments:
                    _init_word(context, statement, word, fields)

    context.each(block, (block.keyword,), handle)
    if "path" not in fields:
        context.say(
            "C-MEANING",
            block,
            what=f"track_file {name} names no file",
            consequence="keepalived leaves it out.",
            todo="Add file PATH.",
        )
        return
    context.files[name] = TrackedFile(**fields)


def _init_word(context: Context, statement: Statement, word: Token, fields: dict[str, Any]) -> None:
    """One word of init_file: a number, or overwrite."""
    number = values.integer(word.value) if word.value[:1] != "+" else None
    if word.value == "overwrite":
        fields["init_overwrite"] = True
    elif number is not None and -(2**31) <= number < 2**31:
        fields["init_value"] = number
    else:
        context.say(
            "C-VALUE",
            statement,
            word,
            keyword="init_file",
            value=word.value or '""',
            needs="NUMBER, or overwrite",
            form="[NUMBER] [overwrite]",
            consequence="keepalived leaves the word out.",
        )


def group_block(context: Context, block: Statement, name: str) -> None:
    """track_group NAME. Source: keepalived.conf(5) track_group."""
    if name in context.track_groups:
        context.say(
            "C-DUPLICATE", block, keyword="track_group", name=name, consequence="keepalived leaves the second one out."
        )
        return
    members = context.track_groups.setdefault(name, [])

    def group(statement: Statement) -> None:
        found = [word.value for line in statement.children or () for word in line.words]
        if not found:
            context.say(
                "C-MEANING",
                statement,
                severity="warning",
                what=f"track_group {name} has no members",
                consequence="No instance fails with its items.",
                todo="Name instances, or remove it.",
            )
        elif not members:
            members.extend(found)

    context.each(block, ("track_group",), lambda _statement, _given: None, {"group": group})


def whole_name(context: Context, statement: Statement) -> None:
    """A program with its parameters in one pair of quotes, as the manual has it and 2.2.7 does not."""
    context.say(
        "C-MEANING",
        statement,
        statement.words[1],
        severity="warning",
        exit_code=0,
        what=f"{statement.words[1].text} is one name, blanks and all",
        consequence="keepalived 2.2.7 looks for a program of that name, whatever its manual says, and finds none.",
        todo="Leave out the quotes: the first word is the program, the others are its parameters.",
    )


def process_block(context: Context, block: Statement, name: str) -> None:
    """vrrp_track_process NAME."""
    fields: dict[str, Any] = {"name": name}

    def handle(statement: Statement, given: Values) -> None:
        match statement.keyword:
            case "process" if "argv" in fields:
                _already(context, statement)
            case "process":
                fields["argv"] = tuple(word.value for word in statement.arguments)
                if len(statement.words) == 2 and " " in statement.name.strip():
                    whole_name(context, statement)
            case "param_match":
                fields["param_match"], fields["full_command"] = given[0] or "", True
            case "weight" if "weight" in fields:
                _already(context, statement)
            case "weight":
                fields["weight"], fields["reverse"] = given[0], given[1] == "reverse"
            case "quorum" if given[0] > fields.get("quorum_max", given[0]):
                _apart(context, statement, f"quorum {given[0]} is above quorum_max {fields['quorum_max']}")
            case "quorum_max" if 0 < given[0] < fields.get("quorum", 1) or (given[0] == 0 and "quorum" in fields):
                _apart(context, statement, f"quorum_max {given[0]} is below quorum {fields['quorum']}")
            case "quorum" | "quorum_max":
                fields[statement.keyword] = given[0]
                if given == (0,) or fields.get("quorum_max") == 0:
                    fields["quorum"] = 0  # it must not run at all
            case "delay":
                fields["fork_delay"] = fields["terminate_delay"] = given[0]
            case "fork_delay" | "terminate_delay":
                fields[statement.keyword] = given[0]
            case "full_command":
                fields["full_command"] = True

    context.each(block, ("vrrp_track_process",), handle)
    if not fields.get("argv"):
        context.say(
            "C-MEANING",
            block,
            what=f"vrrp_track_process {name} names no process",
            consequence="keepalived leaves it out.",
            todo="Add process NAME.",
        )
        return
    fields["full_command"] = fields.get("full_command", False) or len(fields["argv"]) > 1
    context.processes[name] = TrackedProcess(**fields)


def bfd_block(context: Context, block: Statement, name: str) -> None:
    """bfd_instance NAME."""
    fields: dict[str, Any] = {"name": name}
    told: set[str] = set()

    def handle(statement: Statement, given: Values) -> None:
        match statement.keyword:
            case "neighbor_ip" | "neighbour_ip":
                fields["neighbour"] = given[0]
            case "source_ip":
                fields["source"] = given[0]
            case "min_rx" | "min_tx" | "idle_tx":
                fields[statement.keyword] = given[0] // 1000  # milliseconds, read like seconds
            case "multiplier" | "max_hops":
                fields[statement.keyword] = given[0]
            case "ttl" | "hoplimit":
                fields["ttl"] = given[0]
            case "passive":
                fields["passive"] = True
            case "weight":
                fields["weight"], fields["reverse"] = given[0], given[1] == "reverse"
            case "vrrp" | "checker":
                told.add(statement.keyword)

    context.each(block, ("bfd_instance",), handle)
    if "neighbour" not in fields:
        context.say(
            "C-MEANING",
            block,
            what=f"bfd_instance {name} has no neighbour",
            consequence="keepalived leaves it out.",
            todo="Add neighbor_ip ADDRESS.",
        )
        return
    if name in context.bfd:
        context.say("C-DUPLICATE", block, keyword="bfd_instance", name=name, consequence="keepalived keeps the first.")
        return
    if told:
        fields["tells_vrrp"], fields["tells_checkers"] = "vrrp" in told, "checker" in told
    ttl = fields.setdefault("ttl", 64 if ":" in fields["neighbour"] else 255)
    hops = fields.get("max_hops", 0) % 256
    if hops > ttl:
        context.say(
            "C-ADJUSTED",
            block,
            what=f"max_hops {fields['max_hops']} of bfd_instance {name} exceeds its ttl {ttl}",
            consequence=f"keepalived uses {ttl}.",
            todo=f"Write max_hops {ttl} or less, or a greater ttl.",
        )
    fields["max_hops"] = min(hops, ttl)
    made = context.bfd[name] = BfdSession(**fields)
    what = ""
    if made.source and values.family(made.source) != values.family(made.neighbour):
        what = f"source_ip {made.source} and neighbor_ip {made.neighbour} are of two families"
    elif any(one.neighbour == made.neighbour for one in context.bfd_sessions):
        what = f"two sessions with the neighbour {made.neighbour}"
    if what:
        consequence = f"keepalived does not run {name}; what tracks it sees it down."
        context.say("C-MEANING", block, what=what, consequence=consequence, todo="Correct the address.")
    else:
        context.bfd_sessions.append(made)
