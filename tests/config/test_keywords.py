"""The keyword table: complete, well formed, and used as the only truth."""

from __future__ import annotations

import pytest

from engine.config.keywords import Path, table, where
from engine.config.model import Config, Globals, Instance, Script
from tests.config import corpus, corpus_lines
from tests.config.reading import codes, reading, with_lines

TABLE = table()
ROWS = [row for path in TABLE.paths for row in TABLE.block(path).values()]
KINDS = {
    *("flag", "bool", "int", "dec", "text", "word", "name", "ifname", "ip", "ip4", "ip6", "mcast4", "mcast6", "port"),
    *(
        "path",
        "oneof",
        "switch",
        "extra",
        "bufs",
        "umask",
        "checks",
        "cpus",
        "codes",
        "granularity",
        "hex",
        "end",
        "once",
        "again",
    ),
    *("cmd", "cmd1", "user", "block", "lines", "words", "octets", "pattern"),
}


def test_table_holds_the_whole_inventory() -> None:
    assert len(TABLE) >= 915
    counts = {path: len(TABLE.block(path)) for path in TABLE.paths}
    assert counts[()] == 25
    assert counts["global_defs",] == 140
    assert counts["vrrp_instance",] >= 70
    assert counts["virtual_server", "real_server", "HTTP_GET", "url", "regex_options"] == 24
    assert counts["static_routes",] == 49
    assert counts["vrrp_instance", "virtual_rules"] == 35


def test_rows_are_well_formed() -> None:
    for row in ROWS:
        assert row.effect.endswith("."), row
        assert row.tier in set("SABC")
        assert row.since in ("2.2.7", "later")
        assert {term.kind for term in row.form} <= KINDS, row
        for term in row.form:
            if term.low and term.high and term.kind in ("int", "dec"):
                assert float(term.low) <= float(term.high)
        optional = [term.optional for term in row.arguments]
        assert optional == sorted(optional), f"{row}: what may be absent comes last"
        assert row.usage.startswith(row.name)


def test_blocks_with_words_of_their_own_are_opened_by_a_row() -> None:
    for path in TABLE.paths:
        if path in ((), ("preprocessor",)):
            continue
        row = TABLE.get(path[:-1], path[-1])
        assert row, path
        inline = any(term.kind in ("words", "word") for term in row.arguments)
        assert row.opens or inline, path


def test_every_keyword_of_the_table_is_accepted_in_its_block() -> None:
    for name, text in corpus.generated():
        if name.endswith("|good"):
            found = reading(text)
            assert "C-UNKNOWN" not in codes(found), name
            assert "C-BRACE" not in codes(found), name


def test_words_without_effect_are_named_once() -> None:
    loaded = reading("global_defs {\n enable_dbus\n}\n" + with_lines("debug 1", "debug 2"))
    named = [one.what.split()[0] for one in loaded.diagnostics if one.code == "C-NO-EFFECT"]
    assert named == ["enable_dbus", "debug"]


@pytest.mark.parametrize(
    ("path", "wrong", "right"),
    [
        (("vrrp_instance",), "priorty", "priority"),
        (("vrrp_instance",), "virtual_router-id", "virtual_router_id"),
        (("vrrp_instance",), "Interface", "interface"),
        (("global_defs",), "routerid", "router_id"),
        ((), "vrrp_instanse", "vrrp_instance"),
        (("vrrp_instance",), "zzzzzz", None),
    ],
)
def test_nearest_word(path: Path, wrong: str, right: str | None) -> None:
    assert TABLE.nearest(path, wrong) == right


def test_homes_of_a_misplaced_word() -> None:
    assert ("vrrp_instance",) in TABLE.homes("priority")
    assert TABLE.homes("nosuchword") == ()
    assert where(("vrrp_instance", "authentication")) == "vrrp_instance / authentication"
    assert where(()) == "the top level"


def test_usage_is_what_one_writes() -> None:
    def usage(path: Path, name: str) -> str:
        row = TABLE.get(path, name)
        assert row
        return row.usage

    assert usage(("vrrp_instance",), "priority") == "priority NUMBER 1..255"
    assert usage((), "vrrp_instance") == "vrrp_instance NAME { ... }"
    assert usage(("vrrp_instance",), "virtual_ipaddress") == "virtual_ipaddress { lines }"
    assert usage(("vrrp_instance",), "state") == "state MASTER|BACKUP"
    assert usage(("global_defs",), "smtp_server") == "smtp_server WORD [PORT]"


def default(path: Path, name: str) -> str:
    row = TABLE.get(path, name)
    assert row
    return row.default


def test_defaults_of_the_table_are_those_of_the_model() -> None:
    plain = Instance(name="x", interface="x", vrid=1)
    assert default(("vrrp_instance",), "priority").split(",")[0] == str(plain.priority)
    assert default(("vrrp_script",), "rise") == str(Script.__struct_defaults__[-3])
    assert default(("global_defs",), "vrrp_mcast_group4") == plain.group_address
    assert default(("global_defs",), "vrrp_down_timer_adverts") == str(plain.down_timer_adverts)
    assert default(("global_defs",), "vrrp_garp_master_repeat") == str(plain.announce.master_repeat)
    assert default(("global_defs",), "smtp_connect_timeout") == str(Globals().smtp_connect_timeout // 10**9)
    assert Config().globals == Globals()


def test_corpus_has_a_case_for_every_row_of_the_table() -> None:
    cases = (*corpus.generated(), *corpus_lines.inside(), *corpus_lines.preprocessor("/etc"))
    covered = {tuple(name.rsplit("|", 2)[:2]) for name, _ in cases}
    rows = {(".".join(path), row.name) for path in TABLE.paths for row in TABLE.block(path).values()}
    assert rows - covered == set()
