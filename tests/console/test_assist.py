"""What may stand at a place of a configuration, and what it means."""

from __future__ import annotations

import pytest

from engine.config.syntax import parse
from hatui.assist import block_of, complete, heading_at, hover, outline
from tests.console.conftest import CONFIG

TEXT = """\
$WEB=10.0.0.1
vrrp_script chk_haproxy {
    script "/bin/true"
}
vrrp_track_process nginx {
    process nginx
}
vrrp_instance VI_1 {
    sta
    state\x20
    interface\x20
    version\x20
    advert_int\x20
    track_script {
        ch
        chk_haproxy\x20
    }
    track_process {
        n
    }
    track_interface { et }
    virtual_ipaddress {
        $W
        10.0.0.1 de
        10.0.0.1 dev\x20
    }
}
vrrp_sync_group G {
    group {
        V
    }
}
virt
"""
LINES = TEXT.split("\n")


def at(line: str, text: str = TEXT) -> list[str]:
    """What is offered at the end of the one line that reads so."""
    row = next(number for number, one in enumerate(text.split("\n"), start=1) if one.strip(" ") == line.strip(" "))
    column = len(text.split("\n")[row - 1]) + 1
    return [one.word for one in complete(parse(text), row, column, ("eth0", "eth1")).candidates]


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("sta", ["state"]),
        ("state", ["MASTER", "BACKUP"]),
        ("interface", ["eth0", "eth1"]),
        ("ch", ["chk_haproxy"]),
        ("n", ["nginx"]),
        ("V", ["VI_1"]),
        ("$W", ["$WEB"]),
        ("10.0.0.1 de", ["dev"]),
        ("10.0.0.1 dev", ["eth0", "eth1"]),
        ("advert_int", ["1"]),
        ("virt", ["virtual_server", "virtual_server_group"]),
    ],
)
def test_offers_what_may_stand_there(line: str, first: list[str]) -> None:
    assert at(line)[: len(first)] == first


def test_offers_the_words_behind_a_script_that_are_not_yet_there() -> None:
    assert at("chk_haproxy") == ["weight", "reverse", "noreverse"]


def test_offers_in_braces_on_the_same_line() -> None:
    row = next(number for number, one in enumerate(LINES, start=1) if "track_interface" in one)
    offer = complete(parse(TEXT), row, LINES[row - 1].index("et }") + 3, ("eth0", "lo"))
    assert [one.word for one in offer.candidates] == ["eth0"]
    assert offer.start == LINES[row - 1].index("et }") + 1


def test_offers_only_words_of_the_block_the_most_used_first_and_no_old_ones() -> None:
    text = "vrrp_instance A {\n    \n}\n"
    offer = complete(parse(text), 2, 5)
    words = [one.word for one in offer.candidates]
    assert "virtual_router_id" in words[:30]
    assert "router_id" not in words
    assert "lvs_sync_daemon_interface" not in words
    assert all(one.note for one in offer.candidates)


def test_word_that_is_whole_is_no_offer() -> None:
    text = "vrrp_instance A {\n    priority\n}\n"
    assert "priority" not in [one.word for one in complete(parse(text), 2, 13).candidates]


def test_place_behind_the_end_of_the_text_is_the_top_level() -> None:
    assert "vrrp_instance" in [one.word for one in complete(parse(""), 9, 1).candidates]


def test_hover_names_form_default_and_age_of_the_keyword() -> None:
    tree = parse(CONFIG)
    row = CONFIG.splitlines().index("        advert_int      1") + 1
    found = hover(tree, row, 10)
    assert found is not None
    assert found.usage.startswith("advert_int")
    assert found.default == "1"
    assert found.since == "2.2.7"
    assert found.argument == ""
    assert hover(tree, 3, 1) is None


def test_hover_on_an_argument_names_its_range() -> None:
    tree = parse("vrrp_instance A {\n    priority 100\n}\n")
    found = hover(tree, 2, 15)
    assert found is not None
    assert found.argument == "NUMBER 1..255"


def test_hover_on_a_later_word_tells_of_that_word() -> None:
    text = "vrrp_instance A {\n    track_script {\n        chk weight 5\n    }\n}\n"
    found = hover(parse(text), 3, 15)
    assert found is not None
    assert found.usage.startswith("weight")


def test_outline_lists_blocks_with_their_names_and_depth() -> None:
    headings = outline(parse(TEXT))
    assert [(one.depth, one.keyword, one.name) for one in headings][:6] == [
        (0, "vrrp_script", "chk_haproxy"),
        (0, "vrrp_track_process", "nginx"),
        (0, "vrrp_instance", "VI_1"),
        (1, "track_script", ""),
        (1, "track_process", ""),
        (1, "track_interface", ""),
    ]
    inside = heading_at(headings, LINES.index("        ch") + 1)
    assert inside is not None
    assert headings[inside].keyword == "track_script"
    assert heading_at(headings, 1) is None
    found = block_of(headings, "VI_1")
    assert found is not None
    assert LINES[found.line - 1] == "vrrp_instance VI_1 {"
    assert block_of(headings, "nobody") is None
