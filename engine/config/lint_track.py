"""Rules about what is tracked: references, weights, the instance's own interface, sync groups.

The invariant: with one file alone, what a weight does to the election is said as a condition on the other node's
priority; it is said as a fact only in `lint_pairs`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

from engine.config.diagnostic import Diagnostic, Fix
from engine.config.expand import Statement
from engine.config.lint_scope import TRACKABLE, InstanceView, Scope, members, number, unknown
from engine.config.syntax import Token

SMALL_WEIGHT = 2
"""Weights up to this are remarked on when the other node's priority is not known."""
_NOUNS = {"track_script": "script", "track_file": "file", "track_process": "process"}


def untracked(scope: Scope) -> Iterator[Diagnostic]:
    """Defined, but nobody tracks it. Source: keepalived.conf(5) vrrp_script."""
    used = {
        (child.keyword, line.keyword)
        for block in scope.blocks("vrrp_instance", "vrrp_sync_group")
        for child in block.children or ()
        if child.keyword in TRACKABLE
        for line in child.children or ()
    }
    for (kind, name), block in scope.definitions.items():
        if (kind, name) in used or not name or unknown(name) or scope.may_be_said(kind, name):
            continue
        noun = _NOUNS[kind]
        never = "is never run" if kind == "track_script" else "counts for nothing"
        home = _home(scope, block)
        fix, todo = None, ""
        if home is not None:
            fix = _reference(scope, kind, name, home)
            todo = f"List it in {kind} of {home.keyword} {home.name}."
        elif not scope.instances:
            todo = f"There is no vrrp_instance yet that could track it; without one, remove the {noun}."
        elif all(one.statement.line < block.line for one in scope.instances):
            todo = f"Move {block.keyword} {name} above the instance, and list it in the {kind} block there."
        yield scope.say(
            "L-TRACK-REF",
            "warning",
            block,
            f"{noun} {name} {never}: no instance or sync group lists it in {kind}",
            word=1,
            todo=todo,
            fix=fix,
        )


def _home(scope: Scope, block: Statement) -> Statement | None:
    """Where a reference belongs without doubt: the only instance, or the one group of all instances."""
    groups = {id(one.sync_group): one.sync_group for one in scope.instances}
    if len(scope.instances) == 1 and scope.instances[0].sync_group is None:
        home = scope.instances[0].statement
    elif len(groups) == 1 and scope.instances and scope.instances[0].sync_group is not None:
        home = scope.instances[0].sync_group
    else:
        return None
    order = {path: place for place, path in enumerate(scope.loaded.trees)}
    defined = (order.get(block.file, 0), block.line)
    return home if defined < (order.get(home.file, 0), home.line) or block.file != home.file else None


def _reference(scope: Scope, kind: str, name: str, home: Statement) -> Fix | None:
    title = f"track {name} in {home.keyword} {home.name}"
    existing = next((child for child in reversed(home.children or ()) if child.keyword == kind), None)
    if existing is not None:
        return scope.insert(title, existing, [name])
    return scope.insert(title, home, [f"{kind} {{", f"\t{name}", "}"])


def undefined(scope: Scope) -> Iterator[Diagnostic]:
    """Named in a track block, but not defined, or only below. Source: keepalived.conf(5) track_script."""
    positions = {id(one): place for place, one in enumerate(scope.loaded.statements)}
    for block in scope.blocks("vrrp_instance", "vrrp_sync_group"):
        for child in block.children or ():
            for line in (child.children or ()) if child.keyword in TRACKABLE else ():
                name = line.keyword
                definition = scope.definitions.get((child.keyword, name))
                if unknown(name):
                    continue
                if definition is None:
                    if not scope.may_be_said(*TRACKABLE[child.keyword], name):
                        yield _undefined(scope, child.keyword, line)
                elif positions[id(definition)] > positions[id(block)]:
                    yield scope.say(
                        "L-TRACK-REF",
                        "error",
                        line,
                        f"{name} is defined only below, on line {definition.line}, so this line is ignored",
                        todo=f"Move {definition.keyword} {name} above {block.keyword} {block.name}.",
                    )


def _undefined(scope: Scope, kind: str, line: Statement) -> Diagnostic:
    known = [name for of, name in scope.definitions if of == kind]
    near = difflib.get_close_matches(line.keyword, known, 1, 0.7)
    noun = _NOUNS[kind]
    hint = f" (nearest: {near[0]})" if near else ""
    return scope.say(
        "L-TRACK-REF",
        "error",
        line,
        f"no {noun} {line.keyword} is defined, so this line is ignored{hint}",
        todo=f"Define {TRACKABLE[kind][0]} {line.keyword} above, or correct the name.",
        fix=scope.replace(f"write {near[0]}", line, line.words[0], near[0]) if near else None,
    )


def small_weight(scope: Scope) -> Iterator[Diagnostic]:
    """A weight of 1 or 2: whether it moves anything hangs on the other node's priority."""
    found: dict[int, _Small] = {}
    tracked = set()
    for view in scope.instances:
        for one in view.tracks:
            tracked.add((one.kind, one.name))
            if one.weight_at is not None and one.weight is not None and one.kind in TRACKABLE:
                small = found.setdefault(
                    id(one.weight_at), _Small(one.name, one.weight, one.weight_in, one.weight_at, [])
                )
                small.views.append(view)
    for (kind, name), block in scope.definitions.items() if len(scope.instances) == 1 else ():
        line = block.child("weight")
        weight = number(line.name) if line is not None and kind != "track_file" else None
        if line is not None and weight is not None and (kind, name) not in tracked:
            found[id(line)] = _Small(name, weight, line, line.words[1], scope.instances)
    for small in found.values():
        yield from _small(scope, small)


class _Small(NamedTuple):
    name: str
    weight: int
    line: Statement
    word: Token
    views: list[InstanceView]


def _small(scope: Scope, one: _Small) -> Iterator[Diagnostic]:
    size = abs(one.weight)
    views = [view for view in one.views if view.priority not in (None, 255) and not scope.partners(view)]
    if not 0 < size <= SMALL_WEIGHT or not views:
        return
    priority = views[0].priority or 0
    same = all(view.priority == priority for view in views)
    enough = min(priority - 1, 60)
    yield scope.say(
        "L-WEIGHT",
        "info",
        one.line,
        f"weight {one.weight} moves the address of {_names(views)} only if the other node's priority differs by less "
        f"than {size}" + (f" from {priority}" if same else ""),
        word=one.word,
        why=f"With a larger gap the node whose {one.name} fails still wins the election, and the address stays with "
        "the dead service.",
        todo="Check both files together (`hatui check FILE --peer OTHER`). Use a weight larger than the gap, such as "
        f"-{enough} for a gap of up to {enough - 1}, or no weight: a failure is then FAULT.",
    )


def _names(views: list[InstanceView]) -> str:
    return ", ".join(view.name for view in views[:3]) + (f" and {len(views) - 3} more" if len(views) > 3 else "")


def no_weight(scope: Scope) -> Iterator[Diagnostic]:
    """A script without a weight: failing means FAULT. Source: keepalived.conf(5) weight."""
    users: dict[int, tuple[Statement, list[InstanceView]]] = {}
    for view in scope.instances:
        for one in view.tracks:
            if one.kind == "track_script" and one.definition is not None and not one.explicit:
                users.setdefault(id(one.definition), (one.definition, []))[1].append(view)
    for block, views in users.values():
        yield scope.say(
            "L-WEIGHT-ZERO",
            "info",
            block,
            f"{block.name} has no weight: when it fails, {_names(views)} goes to FAULT",
            word=1,
        )


def clamped(scope: Scope) -> Iterator[Diagnostic]:
    """Weights that reach beyond 1..254. At the upper end two nodes with all checks good become equal; at the lower
    end a further failing check changes nothing, which only matters when there are several."""
    for view in scope.instances:
        if view.priority is None or view.priority == 255 or any(one.weight is None for one in view.tracks):
            continue
        swings = [(one.weight or 0) * (-1 if one.reverse else 1) for one in view.tracks if one.kind != "track_file"]
        high = view.priority + sum(swing for swing in swings if swing > 0)
        falls = [swing for swing in swings if swing < 0]
        low = view.priority + sum(falls)
        at = view.child("priority") or view.statement
        if high > 254:
            what = f"{view.name}: with all checks good the priority is {high}; 254 is used"
            yield scope.say("L-WEIGHT-CLAMP", "warning", at, what, word=1)
        if low < 1 and len(falls) > 1:
            what = f"{view.name}: with all checks failing the priority is {low}; 1 is used"
            yield scope.say("L-WEIGHT-CLAMP", "info", at, what, word=1)


def owner_tracks(scope: Scope) -> Iterator[Diagnostic]:
    """Weights at priority 255. Source: keepalived.conf(5) priority."""
    for view in scope.instances:
        weighted = [one for one in view.tracks if one.weight] if view.priority == 255 else []
        if weighted:
            yield scope.say(
                "L-OWNER-TRACK",
                "warning",
                view.child("priority") or view.statement,
                f"{view.name} has priority 255, so the weight of {', '.join(one.name for one in weighted)} is ignored",
                word=1,
            )


def own_interface(scope: Scope) -> Iterator[Diagnostic]:
    """track_interface with the instance's own interface."""
    for view in scope.instances:
        for line in view.lines("track_interface"):
            if line.keyword == view.own_interface:
                yield scope.say(
                    "L-TRACK-SELF",
                    "info",
                    line,
                    f"{line.keyword} is the interface of {view.name} and always tracked: this line is ignored",
                    fix=scope.remove(f"remove {line.keyword} from track_interface", line),
                )


def nopreempt_weights(scope: Scope) -> Iterator[Diagnostic]:
    """nopreempt with checks that only have weights: nobody takes over from a living master."""
    for view in scope.instances:
        at = view.child("nopreempt")
        checks = [one for one in view.tracks if one.kind in TRACKABLE]
        if at is None or view.state != "BACKUP" or view.priority == 255 or not checks:
            continue
        if all(one.weight for one in checks):
            names = ", ".join(one.name for one in checks)
            yield scope.say(
                "L-NOPREEMPT-WEIGHT",
                "warning",
                at,
                f"{view.name}: when {names} fails on the master, a node with nopreempt does not take over",
            )


def groups(scope: Scope) -> Iterator[Diagnostic]:
    """Sync groups. Source: keepalived.conf(5) vrrp_sync_group."""
    for group in scope.blocks("vrrp_sync_group"):
        names = list(members(group))
        if any(unknown(word.value) for word in names):
            continue
        if len(names) == 1 and not scope.may_be_said("group", group.name):
            yield scope.say("L-SYNC-SINGLE", "info", group, f"sync group {group.name} has one member", word=1)
        lines = [line for child in group.children or () if child.keyword == "group" for line in child.children or ()]
        for line in lines:
            for word in line.words:
                if word.value not in scope.names and not scope.may_be_said("vrrp_instance", word.value):
                    near = difflib.get_close_matches(word.value, scope.names, 1, 0.7)
                    yield scope.say(
                        "L-SYNC-REF",
                        "error",
                        line,
                        f"no vrrp_instance {word.value}, so this line is ignored"
                        + (f" (nearest: {near[0]})" if near else ""),
                        word=word,
                        fix=scope.replace(f"write {near[0]}", line, word, near[0]) if near else None,
                    )
        views = [scope.names[word.value] for word in names if word.value in scope.names]
        yield from _group_priorities(scope, group, views)
        yield from _group_weights(scope, group, views)


def _group_priorities(scope: Scope, group: Statement, views: list[InstanceView]) -> Iterator[Diagnostic]:
    known = {view.priority for view in views}
    if len(known) > 1 and None not in known:
        told = ", ".join(f"{view.name} {view.priority}" for view in views)
        yield scope.say(
            "L-SYNC-PRIO", "warning", group, f"members of {group.name} have different priorities: {told}", word=1
        )


def _group_weights(scope: Scope, group: Statement, views: list[InstanceView]) -> Iterator[Diagnostic]:
    if group.child("sync_group_tracking_weight") is not None or len(views) < 2:
        return
    blocks = [group, *(view.statement for view in views)]
    for one in (line for block in blocks for line in scope.tracks(block)):
        if one.weight and one.kind in ("track_interface", "track_script", "track_bfd"):
            fate = "counts as weight 0 (FAULT)" if one.kind == "track_interface" else "is dropped"
            yield scope.say(
                "L-SYNC-WEIGHT",
                "warning",
                one.statement,
                f"{one.name} with weight {one.weight} {fate} in sync group {group.name}",
            )


RULES = (
    untracked,
    undefined,
    small_weight,
    no_weight,
    clamped,
    owner_tracks,
    own_interface,
    nopreempt_weights,
    groups,
)
