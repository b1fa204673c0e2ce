"""Rules about the text itself: leftovers of merges, terminals, templates and samples, and words that do nothing.

The invariant: these rules look at files as they are written, so they also see lines that reading skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.config.diagnostic import Diagnostic
from engine.config.expand import Statement
from engine.config.keywords import table
from engine.config.lint_scope import Scope, seconds
from engine.config.syntax import COMMENT, WORD, Node, Token

_MERGE = re.compile(r"(<{7}|>{7})(\s|$)|={7}\s*$|\|{7}(\s|$)")
_PROMPT = re.compile(r"\s*(?:\[[^\]\s]+@[^\]]*\]|[\w.-]+@[\w.-]+:\S*)\s*[#$%>]")
_PLACEHOLDER = re.compile(
    r"<\S+|__[A-Z][A-Z0-9_]*__|%[A-Z][A-Z0-9_]+%"
    r"|(?:CHANGE|REPLACE|FILL|EDIT)[-_]?(?:ME|THIS|IN|WITH[-_A-Z0-9]*)|YOUR[-_][A-Z0-9_-]+|[A-Z_]+_GOES(?:_HERE)?(?:/\w+)?|TODO|FIXME|XXX+"
    r"|(?=.*[xX])(?:[xX]{1,3}|\d{1,3})(?:\.(?:[xX]{1,3}|\d{1,3})){3}(?:/\d+)?"
)
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|<%.*?%>")
_SAMPLE_MAIL = ("@firewall.loc",)
_OFF = {"0", "off", "no", "false"}
_SUSPECT = re.compile(
    r";|[<%]|__|[xX]\.|\.[xX]|CHANGE|REPLACE|FILL|EDIT|YOUR|GOES|TODO|FIXME|XXX|nb_get|lvs_id|nat_mask"
)
"""Every word that `_words` could remark on has one of these in it."""
RETIRED = {"nb_get_retry": "retry", "lvs_id": "router_id", "nat_mask": ""}
"""Retired word -> the present one, or nothing when it has no effect any more."""
_COMMANDS = {"script", "process", "misc_path", "quorum_up", "quorum_down", "startup_script", "shutdown_script"}


def _statement(file: str, token: Token) -> Statement:
    """A place in the text as a statement, to speak about."""
    return Statement((token,), token.text, file, token.line)


def leftovers(scope: Scope) -> Iterator[Diagnostic]:
    """Merge markers, shell prompts, template marks."""
    for file, tree in scope.loaded.trees.items():
        for line in tree.lines:
            if line.blank:
                continue
            text = line.text
            whole = Token(WORD, text.strip(), text.strip(), line.number, len(line.indent) + 1, len(text.rstrip()) + 1)
            if text[0] in "<>=|" and _MERGE.match(text):
                what = f"a merge conflict marker: {text.strip()[:20]}"
                yield scope.say("L-MERGE", "error", _statement(file, whole), what)
            elif "@" in text and _PROMPT.match(text):
                what = "this looks like the prompt of a shell"
                yield scope.say("L-PASTE", "error", _statement(file, whole), what)
            elif "{" in text or "<%" in text:
                found = _TEMPLATE.search(text)
                if found and found.start() < _comment_column(line.tokens) - 1:
                    what = f"{found[0]} was not filled in"
                    yield scope.say("L-PLACEHOLDER", "warning", _statement(file, whole), what)


def _comment_column(tokens: tuple[Token, ...]) -> int:
    return next((token.column for token in tokens if token.kind == COMMENT), 1 << 30)


def words(scope: Scope) -> Iterator[Diagnostic]:
    """Placeholders, semicolons, retired words."""
    for file, tree in scope.loaded.trees.items():
        if not any(_SUSPECT.search(line.text) for line in tree.lines):
            continue
        for node in tree.walk():
            if node.words and not node.definition:
                yield from _words(scope, file, node)


def _words(scope: Scope, file: str, node: Node) -> Iterator[Diagnostic]:
    if not any(_SUSPECT.search(word.text) for word in node.words):
        return
    at = Statement(node.words, "", file, node.line)
    last = node.words[-1]
    if not last.quoted and last.text.endswith(";") and last.text != ";" and node.keyword not in _COMMANDS:
        fix = scope.cut("remove the semicolon", at, last.end_column - 1, last.end_column)
        what = f"{last.text} ends in a semicolon, which becomes part of the value"
        yield scope.say("L-SEMICOLON", "warning", at, what, word=last, fix=fix)
    named = node.is_block and not node.keyword.endswith("_server")
    for word in node.arguments:
        if named and word.text[0] != "<":
            continue
        if not word.quoted and _PLACEHOLDER.fullmatch(word.value) and node.keyword not in _COMMANDS:
            what = f"{node.keyword} {word.value} looks like a placeholder"
            yield scope.say("L-PLACEHOLDER", "warning", at, what, word=word)
            break
    listed = node.parent is not None and node.parent.keyword in ("virtual_ipaddress", "unicast_peer")
    if listed and _PLACEHOLDER.fullmatch(node.keyword):
        yield scope.say("L-PLACEHOLDER", "warning", at, f"{node.keyword} looks like a placeholder")
    if node.keyword in RETIRED:
        better = RETIRED[node.keyword]
        where = node.parent.keyword if node.parent is not None else "this place"
        yield scope.say(
            "L-RETIRED",
            "warning",
            at,
            f"{node.keyword} is an old name of {better}" if better else f"{node.keyword} in {where} has no effect",
            todo=f"Write {better}." if better else "Remove the line.",
            fix=scope.replace(f"write {better}", at, node.words[0], better)
            if better
            else scope.remove(f"remove {node.keyword}", at),
        )


def switches(scope: Scope) -> Iterator[Diagnostic]:
    """A keyword without arguments that is given one."""
    rows = table()
    for top in scope.loaded.statements:
        for one in top.walk():
            if len(one.words) < 2 or one.children is not None:
                continue
            row = rows.get(one.path, one.keyword)
            if row is None or not row.form or row.form[0].kind != "flag" or row.arguments:
                continue
            word = one.words[1]
            off = word.value.lower() in _OFF
            yield scope.say(
                "L-FLAG-ARG",
                "warning",
                one,
                f"{one.keyword} is on, whatever {word.value} says: it takes no value",
                word=1,
                todo=f"Remove the line to have {one.keyword} off." if off else f"Remove {word.value}.",
                fix=None
                if off or not scope.as_written(one, word)
                else scope.cut(f"remove {word.value}", one, one.words[0].end_column, one.words[-1].end_column),
            )


def parameters(scope: Scope) -> Iterator[Diagnostic]:
    """A $NAME that is defined nowhere. Source: keepalived.conf(5) PARAMETER SUBSTITUTION."""
    if any(one.code in ("C-FILE", "C-INCLUDE", "C-LOOP") for one in scope.loaded.diagnostics):
        return
    if not any(scope.trees_with("$")):
        return
    told: set[str] = set()
    for top in scope.loaded.statements:
        for one in top.walk():
            if one.keyword in _COMMANDS or one.keyword.startswith("notify"):
                continue
            for word in one.words if "$" in one.raw else ():
                found = re.search(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?", word.value)
                if found and found[1] not in told and not word.quoted:
                    told.add(found[1])
                    if found[1] in scope.loaded.definitions:
                        how = f"write ${{{found[1]}}} where no blank follows it, and define it above"
                        what = f"${found[1]} is not filled in here: {how}"
                    else:
                        what = f"${found[1]} is not defined"
                    yield scope.say("L-VARIABLE", "warning", one, what, word=word)


def conditions(scope: Scope) -> Iterator[Diagnostic]:
    """An @id before a block whose lines are not marked. Source: keepalived.conf(5) CONDITIONAL CONFIGURATION."""
    for tree in scope.trees_with("@"):
        file = tree.file
        for node in tree.walk():
            if node.condition is None or not node.is_block or node.closer is None or not node.words:
                continue
            closing = tree.lines[node.closer.line - 1].tokens[0]
            marked = node.closer.line == node.line or closing.text.startswith("@")
            if marked and all(child.condition or child.line == node.line for child in node.children):
                continue
            at = Statement((node.condition, *node.words), "", file, node.line)
            what = f"{node.condition.text} leaves out only this line, not the block that {node.keyword} opens"
            yield scope.say("L-CONDITION", "warning", at, what)


def samples(scope: Scope) -> Iterator[Diagnostic]:
    """What the packaged sample leaves behind, and settings that come too late."""
    at = scope.setting("router_id")
    if at is not None and at.name == "LVS_DEVEL":
        yield scope.say("L-ROUTER-ID", "info", at, "router_id LVS_DEVEL is the sample's", word=1)
    for block in scope.blocks("global_defs"):
        mails = [line for child in block.children or () for line in (child, *(child.children or ()))]
        found = next((line for line in mails if any(each in line.raw.lower() for each in _SAMPLE_MAIL)), None)
        if found is not None:
            yield scope.say("L-EMAIL-SAMPLE", "info", found, f"{found.words[-1].value} is the sample's", word=99)
    for keyword in ("vrrp_garp_interval", "vrrp_gna_interval"):
        at = scope.setting(keyword)
        if at is not None and len(at.words) > 1 and seconds(at.name) == 0:
            what = f"{keyword} 0 is out of range for keepalived 2.2.7; no interval is the default"
            yield scope.say("L-GARP-ZERO", "info", at, what, word=1, fix=scope.remove(f"remove {keyword}", at))


def order(scope: Scope) -> Iterator[Diagnostic]:
    """global_defs below an instance. Source: keepalived copies announcement defaults when an instance opens."""
    seen: Statement | None = None
    for top in scope.loaded.statements:
        if top.keyword == "vrrp_instance":
            seen = top
        elif top.keyword == "global_defs" and seen is not None:
            late = [one for one in top.children or () if re.match(r"vrrp_(garp|gna|min_garp)", one.keyword)]
            if late:
                what = f"{late[0].keyword} does not reach {seen.name}, which stands above it"
                yield scope.say("L-GARP-ORDER", "warning", late[0], what)


RULES = (leftovers, words, switches, parameters, conditions, samples, order)
