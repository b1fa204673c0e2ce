"""The model of virtual servers beside what keepalived 2.2.7 says about them, as recorded by `record_lvs`."""

from __future__ import annotations

import pytest

from engine.config.keywords import table
from engine.config.lvs import load_balancing
from tests.config import corpus_lvs, record_lvs
from tests.config.lvs_dump import parts, written
from tests.config.reading import reading

FILES = corpus_lvs.files()
KNOWN: dict[tuple[str, str], str] = {
    ("services", "Hashed = disabled"): "its dump never shows this flag as enabled",
    ("services", "Hashed = enabled"): "the same",
    ("inherited", "quorum = 0, hysteresis = 4294967295"): "0 - 1 without a sign, where all servers have weight 0",
    ("inherited", "quorum = 0, hysteresis = 0"): "the same",
    (
        "unknown group",
        "VS VIP = 10.100.2.2, VPORT = 0 #0",
    ): "a mark that is no number leaves it the address of the line before; that service is left out here",
    ("unknown group", "VS VIP = 10.100.2.2, VPORT = 0 | RIP = 10.100.4.2 #0"): "the same",
}
"""(file, part or line) -> why it differs."""
LOGGED_BY_ALL = {name for name, text in FILES.items() if "checker_log_all_failures" in text}
"""There each checker logs, which the dump does not show."""


def differences(name: str, dump: str) -> list[tuple[str, str]]:
    """(part or line, what to read) of all that differs."""
    theirs = parts(dump)
    ours = written(load_balancing(reading(FILES[name]).statements))
    wrong = [(title, f"only keepalived: {title}") for title in theirs if title not in ours]
    wrong += [(title, f"only here: {title}") for title in ours if title not in theirs]
    for title in ours.keys() & theirs.keys():
        mine, other = sorted(ours[title]), sorted(theirs[title])
        if name in LOGGED_BY_ALL:
            mine, other = ([line for line in one if not line.startswith("Log all")] for one in (mine, other))
        wrong += [(line, f"{title}: only here: {line}") for line in mine if line not in other]
        wrong += [(line, f"{title}: only keepalived: {line}") for line in other if line not in mine]
        if not wrong and mine != other:
            wrong.append((title, f"{title}: {other}, model {mine}"))
    return wrong


@pytest.mark.parametrize("name", sorted(FILES))
def test_virtual_servers_have_the_values_of_keepalived(name: str) -> None:
    dump = record_lvs.recorded(name)
    assert dump.split("\n", 1)[0].endswith(record_lvs.digest(FILES[name])), "the corpus has changed: make lvs-dumps"
    found = differences(name, dump)
    wrong = [said for about, said in found if (name, about) not in KNOWN]
    assert not wrong, "\n".join(wrong)
    assert {about for about, _ in found} == {about for file, about in KNOWN if file == name}


def test_the_corpus_has_every_keyword_of_virtual_servers() -> None:
    words = table()
    whole = " ".join(FILES.values()).split()
    for path in words.paths:
        if path[:1] == ("virtual_server",) and path[-1] != "regex_options":
            missing = [row.name for row in words.block(path).values() if row.since == "2.2.7" and row.name not in whole]
            assert not missing, path
