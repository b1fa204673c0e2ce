"""The entrance: `load` reads a configuration and makes the model of it, with everything that is wrong.

Invariant: reading never fails with an exception. `Loaded.config` is None only when keepalived would
refuse to run (a fatal finding, or no file); otherwise it is what keepalived 2.2.7 would run on, faulty
lines left out, and `Loaded.diagnostics` says each of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import msgspec

from engine.config import expand as expansion
from engine.config import servers, tracks
from engine.config.addresses import address_line
from engine.config.collector import uncollected
from engine.config.context import Context, Values
from engine.config.diagnostic import Diagnostic
from engine.config.expand import Definition, Statement
from engine.config.files import Reader
from engine.config.findings import exit_code
from engine.config.globals import finished, global_block
from engine.config.instances import group_block, instance_block
from engine.config.keywords import table
from engine.config.model import Config, Instance
from engine.config.resolve import Resolver, groups, sync_groups
from engine.config.routes import route_line
from engine.config.rules import rule_line
from engine.config.structure import structure
from engine.config.syntax import Tree

__all__ = ["Loaded", "exit_code", "fingerprint", "load"]


class Loaded:
    """The result of reading: the model, the findings, and the ways back to the text."""

    __slots__ = ("config", "definitions", "diagnostics", "statements", "trees")

    def __init__(
        self,
        config: Config | None,
        diagnostics: tuple[Diagnostic, ...],
        statements: tuple[Statement, ...],
        trees: dict[str, Tree],
        definitions: dict[str, Definition],
    ) -> None:
        self.config = config
        """None when it cannot run."""
        self.diagnostics = diagnostics
        """In the order of the text; fatal ones have exit_code 2 or 4."""
        self.statements = statements
        """The expanded tree as keepalived reads it: top-level statements, their `children` filled."""
        self.trees = trees
        """{absolute path: tree as written} of every file read, the main file first."""
        self.definitions = definitions
        """The $NAMEs at the end."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Every file that was read, the main file first."""
        return tuple(self.trees)


@uncollected
def load(
    main_path: str,
    read: Callable[[str], str | None],
    glob: Callable[[str], list[str]],
    config_id: str = "",
    env: Mapping[str, str] | None = None,
    *,
    draw: Callable[[int, int], int] | None = None,
    all_config: bool = False,
) -> Loaded:
    """Read, expand, structure, build: everything from the text to the model.

    `main_path` is absolute; `read` and `glob` as in `files.Reader` (`load(path, *reader)`); the rest as in
    `expand.expand`.
    """
    reader = Reader(read, glob)
    expanded = expansion.expand(main_path, reader, config_id=config_id, env=env, draw=draw, all_config=all_config)
    words = table()
    statements, misplaced = structure(expanded.flow, words)
    context = Context(words, read)
    fatal = any(one.code == "C-FILE" for one in expanded.diagnostics)
    config = _build(context, statements, expanded.sources)
    config = msgspec.structs.replace(config, without_effect=_without_effect(context, statements))
    _script_security(context, config)
    found = (*expanded.diagnostics, *misplaced, *context.sayings.all)
    stopped = fatal or any(one.code == "C-FATAL" or one.exit_code == 2 for one in found)
    order = {path: position for position, path in enumerate(expanded.sources)}
    ordered = tuple(sorted(found, key=lambda one: (order.get(one.file, 0), one.line, one.column)))
    return Loaded(None if stopped else config, ordered, tuple(statements), expanded.trees, expanded.definitions)


def _build(context: Context, statements: list[Statement], sources: tuple[str, ...]) -> Config:
    checked = context.check
    rows = {name: context.table.get((), name) for name in {one.keyword for one in statements}}
    for statement in statements:
        if statement.keyword == "global_defs":
            global_block(context, statement)
    for statement in statements:
        row = rows[statement.keyword]
        if row is None or statement.keyword == "global_defs":
            continue
        given = checked.values(statement, row)
        if given is not None:
            _top(context, statement, given)
    return _model(context, sources)


def _top(context: Context, statement: Statement, given: Values) -> None:
    """One block or setting of the top level."""
    lines = statement.children or []
    match statement.keyword:
        case "vrrp_instance" | "vrrp_sync_group" if len(statement.words) != 2:
            pass  # passed over by keepalived, and said so by the check of its arguments
        case "vrrp_instance":
            instance_block(context, statement, given[0])
        case "vrrp_sync_group":
            group_block(context, statement, given[0])
        case "vrrp_script":
            tracks.script_block(context, statement, given[0])
        case "track_file" | "vrrp_track_file":
            tracks.file_block(context, statement, given[0])
        case "vrrp_track_process":
            tracks.process_block(context, statement, given[0])
        case "bfd_instance":
            tracks.bfd_block(context, statement, given[0])
        case "track_group":
            tracks.group_block(context, statement, given[0])
        case "static_ipaddress":
            found = [address_line(context, line, static=True) for line in lines]
            default = context.globals.get(" default_interface", "eth0")
            context.static_addresses += [
                one if one.interface else msgspec.structs.replace(one, interface=default) for one in found if one
            ]
        case "static_routes":
            context.static_routes += [one for one in (route_line(context, line, static=True) for line in lines) if one]
        case "static_rules":
            context.static_rules += [one for one in (rule_line(context, line, static=True) for line in lines) if one]
        case "virtual_server":
            servers.virtual_server(context, statement)
        case "virtual_server_group":
            servers.group_of_servers(context, statement)
        case "garp_group":
            servers.garp_group(context, statement)
        case "linkbeat_interfaces" | "interface_up_down_delays":
            head = context.table.head((statement.keyword,))
            for line in lines:
                if head is not None:
                    context.check.free_line(line, head)
        case _ if statement.children is not None and context.table.head((statement.keyword,)) is None:
            context.each(statement, (statement.keyword,), lambda _statement, _given: None)


def _model(context: Context, sources: tuple[str, ...]) -> Config:
    grouped = groups(context)
    instances = [
        found
        for draft in context.instances
        if (found := Resolver(context, draft, grouped.get(draft.name)).resolve()) is not None
    ]
    _clashes(context, instances)
    instances = named_devices(instances, context.globals.get(" vmac_prefix", ""))
    for name, place in context.script_places.items():
        if name not in context.tracked:
            context.say("C-UNUSED", place, place.words[1], keyword="vrrp_script", name=name)
    config = Config(
        globals=finished(context),
        instances=tuple(instances),
        groups=sync_groups(context),
        scripts=tuple(context.scripts.values()),
        processes=tuple(context.processes.values()),
        files=tuple(context.files.values()),
        bfd=tuple(context.bfd_sessions),
        static_addresses=tuple(context.static_addresses),
        static_routes=tuple(context.static_routes),
        static_rules=tuple(context.static_rules),
        track_groups=tuple((name, tuple(members)) for name, members in context.track_groups.items()),
        sources=sources,
    )
    return msgspec.structs.replace(config, fingerprint=fingerprint(config))


def _without_effect(context: Context, statements: list[Statement]) -> tuple[tuple[str, str], ...]:
    """What stands at the top level or in global_defs and does nothing in hatui, each with a digest of its text. Not
    bfd_instance, which the model has."""
    found: dict[str, str] = {}
    for top in statements:
        of_globals = top.keyword == "global_defs"
        path = ("global_defs",) if of_globals else ()
        for one in top.children or () if of_globals else (top,):
            row = context.table.get(path, one.keyword)
            if row is None or row.effective or row.name == "bfd_instance":
                continue
            head = (*path, one.keyword) if of_globals else tuple(word.value for word in one.words)
            text = "\n".join(" ".join(word.value for word in line.words) for line in one.walk())
            name = " ".join(head)
            found[name] = hashlib.sha256((found.get(name, "") + text).encode("utf-8", "replace")).hexdigest()[:32]
    return tuple(found.items())


_WITHOUT_INSTANCE = {"startup_script", "shutdown_script", "misc_path", "notify_up", "notify_down"}
"""Commands that are run though there is no vrrp_instance."""


def _script_security(context: Context, config: Config) -> None:
    """keepalived tells anybody who runs scripts without it. Source: keepalived(8) --config-test."""
    run = [line for line in context.check.scripts if context.instances or line.keyword in _WITHOUT_INSTANCE]
    if run and not config.globals.script_security:
        context.say(
            "C-SECURITY",
            run[0],
            severity="info",
            what="scripts are run, and enable_script_security is not set",
            consequence="A script that others may change would run as root.",
            todo="Set script_user and enable_script_security in global_defs.",
        )


def named_devices(instances: list[Instance], prefix: str) -> list[Instance]:
    """Virtual MAC devices without a name get PREFIX.VRID, or PREFIX6.VRID where that is taken.
    Source: keepalived.conf(5) vmac_prefix."""
    if not prefix:
        return instances
    taken = {one.vmac.name for one in instances if one.vmac}
    named: list[Instance] = []
    for one in instances:
        vmac = one.vmac
        if vmac and not vmac.name:
            plain = f"{prefix}.{one.vrid}"
            name = f"{prefix}{one.family}.{one.vrid}" if plain in taken else plain
            taken.add(name)
            vmac = msgspec.structs.replace(vmac, name=name)
        named.append(msgspec.structs.replace(one, vmac=vmac))
    return named


def _clashes(context: Context, instances: list[Instance]) -> None:
    """Two virtual routers that would be one on the wire."""
    seen: dict[tuple[str, int, int], Instance] = {}
    places = {draft.name: draft for draft in context.instances}
    for instance in instances:
        first = seen.setdefault(instance.key, instance)
        if first is instance:
            continue
        apart = instance.unicast != first.unicast or (
            not instance.unicast and instance.group_address != first.group_address
        )
        consequence = "Both would be the same virtual router; keepalived does not start."
        if apart:
            consequence = (
                "keepalived runs both, as they send to different groups; hatui tells virtual routers apart by "
                "interface, family and VRID, as the virtual MAC does, and runs neither."
            )
        context.say(
            "C-FATAL",
            places[instance.name].at("virtual_router_id"),
            exit_code=4 if apart else 5,
            instance=instance.name,
            what=f"VRID {instance.vrid} on {instance.interface} (IPv{instance.family}) is that of {first.name}",
            consequence=consequence,
            todo="Choose another virtual_router_id, on all nodes.",
        )


def fingerprint(config: Config) -> str:
    """Hex digest of what the configuration means, whatever the files are called and where the lines stand."""
    plain = msgspec.structs.replace(
        config,
        without_effect=(),
        sources=(),
        fingerprint="",
        instances=tuple(msgspec.structs.replace(one, file="", line=0) for one in config.instances),
    )
    return hashlib.sha256(msgspec.json.encode(plain)).hexdigest()[:32]
