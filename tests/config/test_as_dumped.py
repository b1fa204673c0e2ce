"""What only the dump of keepalived 2.2.7 tells: which of two values counts, and what a wrong one leaves behind."""

from __future__ import annotations

import pytest

from engine.config.model import NS_PER_S, Fifo, Track
from tests.config.corpus import settings
from tests.config.reading import codes, config, reading, with_lines

TRACKERS = "track_file tf {\n file /tmp/tf\n}\nvrrp_track_process tp {\n process nginx\n}\n"
GROUP = "vrrp_sync_group G {\n group {\n V\n }\n}\n"


@pytest.mark.parametrize(
    ("written", "used"),
    [
        ("a\\#b", b"a"),
        ("a\\!b", b"a"),
        ('"a#b"', b"a#b"),
        ('"a\\#b"', b"a\\#b"),
        ("ab \\", b"ab\\"),
    ],
)
def test_password_is_what_keepalived_sends(written: str, used: bytes) -> None:
    """A wrong reading would be another password than the peer's."""
    lines = ("authentication {", "auth_type PASS", f"auth_pass {written}", "}")
    found = config(reading(with_lines(*lines))).instances[0]
    assert found.authentication.key == used.ljust(8, b"\0")


def test_escape_outside_quotes_is_told_with_its_place() -> None:
    loaded = reading(with_lines("priority 7\\# x {"))
    (told,) = [one for one in loaded.diagnostics if one.code == "C-ESCAPE"]
    assert (told.line, told.column, told.severity) == (7, 14, "warning")
    assert config(loaded).instances[0].priority == 7
    assert codes(loaded) == ["C-ESCAPE"], "the brace behind it is of the comment"
    assert config(reading(settings("router_id a\\#b"))).globals.router_id == "a#b", "global_defs is read once"


@pytest.mark.parametrize("keyword", ["notify_fifo", "vrrp_notify_fifo"])
def test_first_fifo_and_first_script_count(keyword: str) -> None:
    text = settings(f"{keyword} /a", f"{keyword} /b", f"{keyword}_script /c", f"{keyword}_script /d")
    loaded = reading(text)
    found = getattr(config(loaded).globals, "fifo" if keyword == "notify_fifo" else "vrrp_fifo")
    assert isinstance(found, Fifo)
    assert (found.path, found.script and found.script.argv) == ("/a", ("/c",))
    assert codes(loaded).count("C-REPEATED") == 2
    assert {one.exit_code for one in loaded.diagnostics if one.code == "C-REPEATED"} == {5}


@pytest.mark.parametrize(("number", "used"), [("0", 1), ("-3", 1), ("100", 99), ("50", 50), ("x", 1), ("7x", 7)])
def test_realtime_priority_is_cut_to_its_range(number: str, used: int) -> None:
    assert config(reading(settings(f"vrrp_rt_priority {number}"))).globals.rt_priority == used


@pytest.mark.parametrize("keyword", ["vrrp_rlimit_rttime", "checker_rlimit_rttime", "bfd_rlimit_rttime"])
def test_wrong_limit_of_time_is_no_limit(keyword: str) -> None:
    (told,) = [one for one in reading(settings(f"{keyword} x")).diagnostics if one.code == "C-VALUE"]
    assert told.why == "keepalived then sets no limit."


@pytest.mark.parametrize(
    ("line", "field", "used"),
    [
        ("garp_master_delay 7s", "master_delay", 7 * NS_PER_S),
        ("garp_master_delay 1.5", "master_delay", NS_PER_S),
        ("garp_master_delay -0", "master_delay", 0),
        ("garp_master_delay -7s", "master_delay", 5 * NS_PER_S),
        ("garp_master_repeat x", "master_repeat", 1),
        ("garp_lower_prio_repeat x", "lower_prio_repeat", 0),
    ],
)
def test_number_that_goes_on_wrongly_counts_as_far_as_it_goes(line: str, field: str, used: int) -> None:
    loaded = reading(with_lines(line))
    assert getattr(config(loaded).instances[0].announce, field) == used
    assert any(one.exit_code == 5 for one in loaded.diagnostics)


def test_delay_with_a_unit_is_microseconds_and_said_so() -> None:
    loaded = reading(with_lines("preempt_delay 7s"))
    assert config(loaded).instances[0].preempt_delay == 7000
    (told,) = [one for one in loaded.diagnostics if one.code == "C-VALUE"]
    assert told.why == "keepalived uses 0.000007."


def test_wrong_priority_is_100_where_state_master_would_mean_255() -> None:
    assert config(reading(with_lines("state MASTER", "priority 500"))).instances[0].priority == 100
    assert config(reading(with_lines("priority 10", "priority x"))).instances[0].priority == 100
    assert config(reading(with_lines("priority x", "priority 10"))).instances[0].priority == 10


@pytest.mark.parametrize(
    ("tracks", "in_group", "of_owner"),
    [
        ("track_file {\ntf\n}", Track("tf", 0), Track("tf", 0)),
        ("track_file {\ntf weight 3\n}", None, None),
        ("track_process {\ntp weight 3\n}", Track("tp", 3), Track("tp", 3)),
        ("track_interface {\neth1 weight 3\n}", Track("eth1", 0), None),
    ],
)
def test_weights_in_a_group_and_of_an_owner(tracks: str, in_group: Track | None, of_owner: Track | None) -> None:
    """A weight of processes stays, one of interfaces means FAULT, one of files goes unless it is 1."""
    for text, wanted in ((with_lines(tracks) + GROUP, in_group), (with_lines(tracks, "priority 255"), of_owner)):
        found = config(reading(TRACKERS + text)).instances[0].tracking
        assert (*found.files, *found.processes, *found.interfaces) == (() if wanted is None else (wanted,))


def test_lines_that_end_in_carriage_returns_substitute_alike() -> None:
    text = "$X=7\n$Y=garp_master_delay 3 \\\n  garp_master_repeat 2\n" + with_lines("priority $X", "$Y")
    plain, returned = (config(reading(one)) for one in (text, text.replace("\n", "\r\n")))
    assert returned.fingerprint == plain.fingerprint
    assert returned.instances[0].priority == 7


@pytest.mark.parametrize(
    ("written", "argv", "told"),
    [
        ("process a -b c", ("a", "-b", "c"), []),
        ('process a "-b c" d', ("a", "-b c", "d"), []),
        ("process 'a b' c", ("'a", "b'", "c"), []),
        ('process "a b c"', ("a b c",), ["C-MEANING"]),
    ],
)
def test_program_is_the_first_word_whatever_the_manual_says(
    written: str, argv: tuple[str, ...], told: list[str]
) -> None:
    loaded = reading(f"vrrp_track_process p {{\n {written}\n}}\n" + with_lines("track_process {\np\n}"))
    found = config(loaded).processes[0]
    assert (found.argv, found.full_command) == (argv, len(argv) > 1)
    assert codes(loaded) == told


@pytest.mark.parametrize("tail", ["/24", "-5", "-5/24", ""])
def test_tail_of_an_address_is_left_out(tail: str) -> None:
    text = with_lines(f"mcast_src_ip 10.211.55.22{tail}", "unicast_peer {", f"10.211.55.23{tail}", "}")
    found = config(reading(text)).instances[0]
    assert (found.source, found.unicast_peers[0].address) == ("10.211.55.22", "10.211.55.23")
