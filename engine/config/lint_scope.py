"""What a lint rule sees of a configuration, and how it speaks.

The invariant: `Scope` answers "unknown" (None) for whatever hangs on a `$NAME` without value, a file that could not
be read or a line that `@id` left out, and a rule that needs an unknown value says nothing. Places of findings are
places in the text; a fix is offered only where the text itself stands as it is read (not where a `$NAME` put it).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from engine.codes import CODES
from engine.config.build import Loaded
from engine.config.diagnostic import Diagnostic, Edit, Fix
from engine.config.expand import Statement
from engine.config.syntax import COMMENT, Node, Token, Tree, delete_lines, insert_after

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

TRACKABLE = {
    "track_script": ("vrrp_script",),
    "track_file": ("track_file", "vrrp_track_file"),
    "track_process": ("vrrp_track_process",),
}
"""Track block -> the top-level blocks that define what it names."""
_DEFAULT_WEIGHT = {"track_file": 1}
_UNRESOLVED = {"C-FILE", "C-INCLUDE", "C-LOOP", "C-SEQ"}
_BROKEN = {"C-BRACE", "C-BRACE-OPEN", "C-NO-BRACE", "C-UNCLOSED", "C-QUOTE"}


def unknown(value: str) -> bool:
    """Whether the value hangs on something that was not resolved."""
    return "$" in value or "~" in value


def number(value: str) -> int | None:
    """A whole number, or None."""
    try:
        return int(value)
    except ValueError:
        return None


def seconds(value: str) -> float | None:
    """Seconds as a decimal, or None."""
    try:
        return float(value) if value[:1].isdigit() or value[:1] == "." else None
    except ValueError:
        return None


def address(value: str) -> IPAddress | None:
    """The address of ADDRESS[/PREFIX], or None."""
    try:
        return ipaddress.ip_address(value.partition("/")[0])
    except ValueError:
        return None


class TrackLine(NamedTuple):
    """One line of a track block of an instance or of its sync group."""

    kind: str
    """track_script and so on."""
    statement: Statement
    definition: Statement | None
    """The block that defines what it names; None for interfaces, BFD, and names without definition."""
    weight: int | None
    """Resolved; None when it is unknown."""
    reverse: bool
    weight_at: Token | None
    """The number as written, on the line or in the definition."""
    weight_in: Statement
    """The statement that holds it; the line when there is none."""
    explicit: bool
    """A weight is written somewhere."""

    @property
    def name(self) -> str:
        """What is tracked."""
        return self.statement.keyword


class InstanceView:
    """One vrrp_instance block as a rule sees it."""

    def __init__(self, scope: Scope, statement: Statement) -> None:
        self.scope = scope
        self.statement = statement
        self._last: dict[str, Statement] = {}
        self._lines: dict[str, list[Statement]] = {}
        for child in statement.children or ():
            keyword = child.words[0].value
            self._last[keyword] = child
            if child.children:
                self._lines.setdefault(keyword, []).extend(child.children)

    @property
    def name(self) -> str:
        """Its name."""
        return self.statement.name

    def child(self, keyword: str) -> Statement | None:
        """The last statement of that keyword in it."""
        return self._last.get(keyword)

    def has(self, keyword: str) -> bool:
        """Whether the keyword stands in it."""
        return keyword in self._last

    def value(self, keyword: str) -> str | None:
        """The first argument as text; None when absent or unknown."""
        child = self._last.get(keyword)
        return None if child is None or unknown(child.name) else child.name

    def lines(self, keyword: str) -> list[Statement]:
        """The lines of all blocks of that keyword in it."""
        return self._lines.get(keyword, [])

    @cached_property
    def state(self) -> str | None:
        """MASTER or BACKUP as it counts; None when unknown."""
        child = self.child("state")
        if child is None:
            return "MASTER" if self.priority == 255 else "BACKUP"
        return None if unknown(child.name) else "MASTER" if child.name == "MASTER" else "BACKUP"

    @cached_property
    def priority(self) -> int | None:
        """The base priority: given, else 100 (255 with state MASTER); None when unknown."""
        child = self.child("priority")
        if child is not None:
            value = number(child.name)
            return value if value is not None and 1 <= value <= 255 else None
        state = self.child("state")
        if state is not None and unknown(state.name):
            return None
        return 255 if state is not None and state.name == "MASTER" else 100

    @cached_property
    def vrid(self) -> int | None:
        """Its VRID; None when absent or unknown."""
        return number(self.value("virtual_router_id") or "")

    @cached_property
    def family(self) -> int | None:
        """4 or 6, by VIP, source, peer, group address; None when nothing tells."""
        first = [line.keyword for line in self.lines("virtual_ipaddress")[:1]]
        sources = [self.value(word) or "" for word in ("mcast_src_ip", "unicast_src_ip")]
        peers = [line.keyword for line in self.lines("unicast_peer")[:1]]
        for text in (*first, *sources, *peers, self.value("mcast_dst_ip") or ""):
            found = address(text)
            if found is not None:
                return found.version
        return None

    @cached_property
    def version(self) -> int | None:
        """2 or 3; None when unknown."""
        child = self.child("version") or self.scope.setting("vrrp_version")
        if child is not None:
            return number(child.name) if child.name in ("2", "3") else None
        return 3 if self.family == 6 or (self.family is None and self.has("native_ipv6")) else 2

    @property
    def strict(self) -> bool:
        """vrrp_strict, globally or in the instance."""
        own = self.child("strict_mode")
        if own is not None:
            return own.name not in ("off", "no", "false")
        return self.scope.setting("vrrp_strict") is not None

    @cached_property
    def sync_group(self) -> Statement | None:
        """The sync group that lists it."""
        return self.scope.group_of.get(self.name)

    @cached_property
    def tracks(self) -> list[TrackLine]:
        """All that it tracks, its sync group's lines after its own."""
        return [*self.scope.tracks(self.statement), *(self.scope.tracks(self.sync_group) if self.sync_group else ())]

    @cached_property
    def addresses(self) -> dict[IPAddress, Statement]:
        """The advertised addresses with their lines."""
        found = {}
        for line in self.lines("virtual_ipaddress"):
            one = address(line.keyword)
            if one is not None:
                found[one] = line
        return found

    @property
    def nopreempt(self) -> bool:
        """nopreempt stands in it and counts: not with state MASTER, not at priority 255."""
        return self.has("nopreempt") and self.state == "BACKUP" and self.priority != 255

    @property
    def own_interface(self) -> str | None:
        """Its interface; None when absent or unknown."""
        return self.value("interface")


class Scope:
    """One loaded configuration, indexed for rules."""

    def __init__(self, loaded: Loaded, peers: Sequence[Loaded] = ()) -> None:
        self.loaded = loaded
        self.main = next(iter(loaded.trees), "")
        self.title = "this node"
        """What messages call it."""
        self.peers = [Scope(one) for one in peers]
        for peer in self.peers:
            names = self.main.rpartition("/")[2], peer.main.rpartition("/")[2]
            peer.title = "the other node" if self.main == peer.main else names[1] if names[0] != names[1] else peer.main
        self.top: dict[str, list[Statement]] = {}
        for one in loaded.statements:
            self.top.setdefault(one.keyword, []).append(one)
        self.instances = [InstanceView(self, one) for one in self.top.get("vrrp_instance", ())]
        self._settings: dict[str, Statement] = {
            child.keyword: child for block in self.top.get("global_defs", ()) for child in block.children or ()
        }
        self._nodes: dict[str, dict[tuple[int, int], Node]] = {}

    # what is said

    def blocks(self, *keywords: str) -> list[Statement]:
        """The top-level blocks of these keywords, in the order of the text for each."""
        return [one for keyword in keywords for one in self.top.get(keyword, ())]

    def setting(self, keyword: str) -> Statement | None:
        """The last statement of that keyword in global_defs."""
        return self._settings.get(keyword)

    @cached_property
    def definitions(self) -> dict[tuple[str, str], Statement]:
        """(track block, name) -> the first block that defines it."""
        found: dict[tuple[str, str], Statement] = {}
        for kind, keywords in TRACKABLE.items():
            for one in self.blocks(*keywords):
                found.setdefault((kind, one.name), one)
        return found

    @cached_property
    def group_of(self) -> dict[str, Statement]:
        """Instance name -> its sync group."""
        return {word.value: group for group in self.blocks("vrrp_sync_group") for word in members(group)}

    @cached_property
    def names(self) -> dict[str, InstanceView]:
        """Instances by name; the first of a name counts."""
        return {view.name: view for view in reversed(self.instances)}

    def tracks(self, block: Statement) -> list[TrackLine]:
        """The lines of the track blocks of one instance or sync group."""
        found = []
        for child in block.children or ():
            if child.keyword in TRACKABLE or child.keyword in ("track_interface", "track_bfd"):
                found += [self._track(child.keyword, line) for line in child.children or ()]
        return found

    def _track(self, kind: str, line: Statement) -> TrackLine:
        definition = self.definitions.get((kind, line.keyword))
        holder, at, reverse = line, _after(line, "weight"), any(word.value == "reverse" for word in line.words[2:])
        if at is None and definition is not None:
            weight = definition.child("weight")
            if weight is not None and len(weight.words) > 1:
                holder, at = weight, weight.words[1]
                reverse = reverse or any(word.value == "reverse" for word in weight.words[2:])
        if any(word.value == "noreverse" for word in line.words[2:]):
            reverse = False
        if at is not None:
            value = number(at.value)
        elif unknown(line.keyword) or (definition is None and kind in TRACKABLE):
            value = None
        else:
            value = _DEFAULT_WEIGHT.get(kind, 0)
        return TrackLine(kind, line, definition, value, reverse, at, holder, at is not None)

    @cached_property
    def by_vrid(self) -> dict[int, list[InstanceView]]:
        """Instances by VRID."""
        found: dict[int, list[InstanceView]] = {}
        for view in self.instances:
            if view.vrid is not None:
                found.setdefault(view.vrid, []).append(view)
        return found

    @cached_property
    def by_address(self) -> dict[IPAddress, InstanceView]:
        """The first instance that advertises an address."""
        return {one: view for view in reversed(self.instances) for one in view.addresses}

    def partners(self, view: InstanceView) -> list[InstanceView]:
        """The same virtual router in each of the other nodes' files, where it can be told."""
        found = [peer.partner(view) for peer in self.peers]
        return [one for one in found if one is not None]

    def partner(self, view: InstanceView) -> InstanceView | None:
        """Here, the virtual router that `view` is on another node: of the same VRID and address family. Where several
        interfaces have the VRID, the one of the same interface name, else the one with a common address."""
        same = [
            one
            for one in (self.by_vrid.get(view.vrid, ()) if view.vrid is not None else ())
            if one.family == view.family or None in (one.family, view.family)
        ]
        if len(same) > 1:
            near = [one for one in same if one.own_interface == view.own_interface is not None]
            same = near or [one for one in same if not view.addresses.keys().isdisjoint(one.addresses)]
        return same[0] if len(same) == 1 else None

    # what is not known

    @cached_property
    def uncertain(self) -> bool:
        """Something may be missing because it could not be read: a file, a `$NAME` that holds whole lines, or what
        stands where braces do not match."""
        if any(one.code in _UNRESOLVED or one.code in _BROKEN for one in self.loaded.diagnostics):
            return True
        return any(
            node.words and node.words[0].text.startswith("$") and not node.definition and not self._defined(node)
            for tree in self.trees_with("$")
            for node in tree.walk()
        )

    def trees_with(self, mark: str) -> Iterator[Tree]:
        """The files in which a character stands at all."""
        return (tree for tree in self.loaded.trees.values() if any(mark in line.text for line in tree.lines))

    def _defined(self, node: Node) -> bool:
        name = node.words[0].text.strip("${}").partition(" ")[0]
        return name in self.loaded.definitions or name.startswith("_")

    @cached_property
    def conditional(self) -> frozenset[str]:
        """Every word on lines that hang on an @id."""
        return frozenset(
            word.value
            for tree in self.trees_with("@")
            for root in tree.walk()
            if root.condition is not None
            for node in root.walk()
            for word in node.words
        )

    def may_be_said(self, *words: str) -> bool:
        """Whether one of the words may stand in a part that could not be read or was left out."""
        return self.uncertain or not self.conditional.isdisjoint(words)

    # how to speak

    def say(
        self,
        code: str,
        severity: str,
        at: Statement,
        what: str,
        *,
        word: int | Token = 0,
        why: str = "",
        todo: str = "",
        fix: Fix | None = None,
        exit_code: int = 0,
    ) -> Diagnostic:
        """A finding at a word of a statement; why and what to do are those of the code unless given."""
        token = at.words[min(word, len(at.words) - 1)] if isinstance(word, int) else word
        entry = CODES[code]
        return Diagnostic(
            code,
            severity,
            at.file,
            at.line,
            token.column,
            what,
            why or entry.why,
            todo or entry.todo,
            token.end_column,
            fix,
            exit_code,
        )

    # how to mend

    def node(self, statement: Statement) -> Node | None:
        """The statement as written, or None when a substitution made it."""
        if statement.file not in self._nodes:
            tree = self.loaded.trees.get(statement.file)
            walked = tree.walk() if tree else ()
            self._nodes[statement.file] = {
                (node.words[0].line, node.words[0].column): node for node in walked if node.words
            }
        node = self._nodes[statement.file].get((statement.line, statement.column))
        return node if node and node.words[0].text == statement.words[0].text else None

    def as_written(self, statement: Statement, token: Token) -> bool:
        """Whether the word stands in the text just so."""
        tree = self.loaded.trees.get(statement.file)
        found = tree.token_at(statement.line, token.column) if tree else None
        return found is not None and found.text == token.text and found.column == token.column

    def replace(self, title: str, statement: Statement, token: Token, text: str) -> Fix | None:
        """Another word in the place of `token`."""
        if not self.as_written(statement, token):
            return None
        edit = Edit(statement.file, statement.line, token.column, statement.line, token.end_column, text)
        return Fix(title, (edit,))

    def cut(self, title: str, statement: Statement, column: int, end_column: int) -> Fix:
        """Without some characters of a line."""
        return Fix(title, (Edit(statement.file, statement.line, column, statement.line, end_column, ""),))

    def remove(self, title: str, statement: Statement) -> Fix | None:
        """Without the statement. Its whole block goes when it was the only line of a block of lines."""
        node = self.node(statement)
        if node is None or node.condition or node.repeats:
            return None
        parent = node.parent
        if parent is not None and len(parent.children) == 1 and parent.keyword.startswith("track_"):
            node = parent
        edit = self._cut(statement.file, node)
        return Fix(title, (edit,)) if edit else None

    def _cut(self, file: str, node: Node) -> Edit | None:
        """The whole lines of a node, if nothing else stands on them."""
        lines = self.loaded.trees[file].lines
        first, last = lines[node.line - 1], lines[node.end_line - 1]
        before = [token for token in first.tokens if token.kind != COMMENT]
        after = [token for token in last.tokens if token.kind != COMMENT]
        end = node.closer or (node.opener if node.opener else node.words[-1])
        if not before or before[0].column != node.words[0].column or after[-1].column != end.column:
            return None
        return delete_lines(file, node.line, node.end_line)

    def insert(self, title: str, block: Statement, text: Iterable[str]) -> Fix | None:
        """Lines before the closing brace of a block, indented like its other lines. A text line may begin with tabs:
        each stands for one further step of the file's own indentation."""
        node = self.node(block)
        if node is None or node.closer is None or node.opener is None:
            return None
        closing = self.loaded.trees[block.file].lines[node.closer.line - 1]
        if closing.tokens[0].column != node.closer.column:
            return None
        inner, step = self._indentation(block.file, node)
        lines = [inner + step * (len(line) - len(line.lstrip("\t"))) + line.lstrip("\t") for line in text]
        ending = "\r" if closing.text.endswith("\r") else ""
        return Fix(title, (insert_after(block.file, node.closer.line - 1, f"{ending}\n".join(lines) + ending),))

    def _indentation(self, file: str, node: Node) -> tuple[str, str]:
        """Of the lines inside a block, and one step of it."""
        lines = self.loaded.trees[file].lines
        outer = lines[node.line - 1].indent
        for child in node.children:
            line = lines[child.line - 1]
            if child.words and child.line > node.line and line.tokens[0].column == child.words[0].column:
                inner = line.indent
                step = inner.removeprefix(outer) if inner.startswith(outer) and len(inner) > len(outer) else ""
                return inner, step or ("\t" if "\t" in inner else "    ")
        step = self._step(file)
        return outer + step, step

    def _step(self, file: str) -> str:
        """One step of the file's indentation: that of its first indented line."""
        lines = self.loaded.trees[file].lines
        return next((line.indent for line in lines if line.indent and line.tokens), "    ")


def members(group: Statement) -> Iterator[Token]:
    """The instance names in the group blocks of a sync group."""
    for child in group.children or ():
        if child.keyword == "group":
            for line in child.children or ():
                yield from line.words


def _after(line: Statement, keyword: str) -> Token | None:
    """The word after `keyword` on the line."""
    return next(
        (word for before, word in zip(line.words[1:], line.words[2:], strict=False) if before.value == keyword), None
    )
