"""The rules of the protocol that a configuration can break: what is refused, corrected, or the default."""

from __future__ import annotations

import pytest

from engine.config.build import Loaded
from engine.config.lint import lint
from engine.config.model import NS_PER_S, Authentication, Config
from engine.messages import SendAdvert
from tests.config.reading import config, instance, reading, with_lines
from tests.scenarios.rig import Rig, interface

KEY = "00112233445566778899aabbccddeeff" * 2
STRICT = "global_defs {\n vrrp_strict\n}\n"


def six(*addresses: str, lines: str = "", strict: bool = True) -> Loaded:
    """An IPv6 instance with these addresses in this order."""
    placed = "\n".join(f"        {one}" for one in addresses)
    return reading(
        (STRICT if strict else "")
        + "vrrp_instance V {\n    interface eth0\n    virtual_router_id 5\n"
        + f"    {lines}\n    virtual_ipaddress {{\n{placed}\n    }}\n}}\n"
    )


def words(loaded: Loaded, code: str) -> list[str]:
    return [one.what for one in loaded.diagnostics if one.code == code]


def test_strict_wants_the_link_local_address_first_over_ipv6() -> None:
    """V3-6.1-01: said under vrrp_strict, as keepalived does, which runs on it all the same. Whatever
    the order, and whether strict or not, the link-local address leads on the wire (V3-5.2.9-02)."""
    for addresses in (("fd00::50/64", "fe80::50/64"), ("fd00::50/64",)):
        (told,) = [one for one in six(*addresses).diagnostics if "link-local" in one.what]
        assert (told.code, told.severity) == ("C-ADJUSTED", "warning")
    right = six("fe80::50/64", "fd00::50/64")
    assert words(right, "C-ADJUSTED") == []
    assert [one.address for one in config(right).instances[0].addresses] == ["fe80::50", "fd00::50"]
    backwards = config(six("fd00::50/64", "fe80::50/64")).instances[0]
    rig = Rig(Config(instances=(backwards,)))
    rig.give(interface(own=True))
    rig.become_master("V")
    sent = next(one for one in rig.outputs if isinstance(one, SendAdvert))
    assert sent.data[8:10] == b"\xfe\x80"


@pytest.mark.parametrize(
    ("line", "field", "good", "bad"),
    [
        ("virtual_router_id {}", "vrid", (1, 255), (0, 256)),
        ("priority {}", "priority", (1, 254), (0, 256)),
    ],
)
def test_ranges_of_vrid_and_priority(line: str, field: str, good: tuple[int, ...], bad: tuple[int, ...]) -> None:
    """YG-06, V3-5.2.3-01, V2-5.3.3-01; the default priority is 100."""
    for value in good:
        assert getattr(instance(line.format(value)), field) == value
    for value in bad:
        assert any(one.severity in ("error", "warning") for one in reading(with_lines(line.format(value))).diagnostics)
    assert instance().priority == 100


@pytest.mark.parametrize(("given", "centiseconds"), [("0.01", 1), ("40.95", 4095), ("0", None), ("40.96", None)])
def test_ranges_of_the_interval_of_version_3(given: str, centiseconds: int | None) -> None:
    """YG-06, V3-6.1-02."""
    loaded = reading(with_lines("version 3", f"advert_int {given}"))
    if centiseconds is None:
        assert [one.code for one in loaded.diagnostics if one.severity != "info"]
        assert NS_PER_S // 100 <= config(loaded).instances[0].advert_interval <= 4095 * NS_PER_S // 100
    else:
        assert config(loaded).instances[0].advert_interval == centiseconds * NS_PER_S // 100


@pytest.mark.parametrize(
    ("strict", "lines", "accept"),
    [
        (True, ("version 3",), False),
        (True, ("version 2",), False),
        (True, ("version 3", "accept"), True),
        (True, ("version 3", "priority 255"), True),
        (False, ("version 3",), True),
        (False, ("version 3", "no_accept"), False),
        (False, ("no_accept", "priority 255"), True),
    ],
)
def test_addresses_answer_by_default_unless_strict(strict: bool, lines: tuple[str, ...], accept: bool) -> None:
    """V3-6.1-08: off by the RFC and under vrrp_strict, on in keepalived otherwise; an owner always accepts."""
    assert instance(*lines, before=STRICT if strict else "").accept is accept


def test_version_2_has_no_accept_mode_under_strict() -> None:
    """V2-6.1-04"""
    loaded = reading(STRICT + with_lines("version 2", "accept"))
    assert any("accept" in one for one in words(loaded, "C-ADJUSTED"))
    assert config(loaded).instances[0].accept is False


@pytest.mark.parametrize(
    ("given", "seconds", "findings"),
    [
        (None, 1, []),
        ("1", 1, []),
        ("255", 255, []),
        ("0.5", 1, ["C-ROUNDED"]),
        ("1.5", 2, ["C-ROUNDED"]),
        ("256", 1, ["C-RANGE"]),
        ("0", 1, ["C-RANGE"]),
    ],
)
def test_interval_of_version_2_is_whole_seconds_1_to_255(given: str | None, seconds: int, findings: list[str]) -> None:
    """V2-5.3.7-01: what does not fit into the octet is corrected with a finding, as keepalived does."""
    loaded = reading(with_lines("version 2", *([f"advert_int {given}"] if given else [])))
    assert config(loaded).instances[0].advert_interval == seconds * NS_PER_S
    assert [one.code for one in loaded.diagnostics if one.code in ("C-ROUNDED", "C-RANGE", "C-NUMBER")] == findings


@pytest.mark.parametrize(
    ("before", "lines"),
    [
        ("", ("version 3", "authentication {", "auth_type PASS", "auth_pass 1111", "}")),
        (STRICT, ("authentication {", "auth_type PASS", "auth_pass 1111", "}")),
        ("", ("authentication {", "auth_type PASS", "}")),
        ("", ("authentication {", "auth_type AH", "}")),
    ],
)
def test_authentication_without_meaning_is_left_out_with_a_warning(before: str, lines: tuple[str, ...]) -> None:
    """AU-C-01: with version 3, under strict, without a password."""
    loaded = reading(before + with_lines(*lines))
    assert words(loaded, "C-ADJUSTED")
    assert config(loaded).instances[0].authentication == Authentication()


def test_ah_is_left_out_over_ipv6_with_a_warning() -> None:
    """AU-C-01."""
    lines = "version 2\n authentication {\n auth_type AH\n auth_pass 1111\n }"
    loaded = six("fe80::50/64", lines=lines, strict=False)
    assert any("AH" in one for one in words(loaded, "C-ADJUSTED"))
    assert config(loaded).instances[0].authentication == Authentication()


@pytest.mark.parametrize(("priority", "state"), [(150, "BACKUP"), (255, "MASTER")])
def test_ah_begins_as_backup_to_hear_a_sequence_first(priority: int, state: str) -> None:
    """AU-C-01: but an owner begins as master."""
    lines = ("state MASTER", f"priority {priority}", "authentication {", "auth_type AH", "auth_pass 1111", "}")
    loaded = reading(with_lines(*lines))
    one = config(loaded).instances[0]
    assert (one.initial_state, one.authentication.kind) == (state, "ah")
    assert bool(words(loaded, "C-ADJUSTED")) is (state == "BACKUP")


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("a" * 32, b"a" * 32),
        ("b" * 64, b"b" * 64),
        (f"hex:{KEY}", bytes.fromhex(KEY)),
        ("file:/etc/keepalived/key", b"k" * 40),
        ("c" * 31, None),
        ("d" * 65, None),
        (f"hex:{KEY[:62]}", None),
        ("hex:zz" + KEY, None),
        ("file:/etc/keepalived/none", None),
    ],
)
def test_key_of_auth_hmac_is_text_digits_or_a_file_of_32_to_64_octets(text: str, octets: bytes | None) -> None:
    """KH-08"""
    lines = ("version 3", "auth_hmac {", f"key 1 {text}", "active_key 1", "}")
    loaded = reading(with_lines(*lines), {"/etc/keepalived/key": "k" * 40 + "\n"})
    auth = config(loaded).instances[0].auth_hmac
    assert auth is not None
    assert [one.key for one in auth.keys] == ([] if octets is None else [octets])
    assert bool(words(loaded, "C-ADJUSTED")) is (octets is None)
    assert text not in " ".join(str(one) for one in loaded.diagnostics), "a key is never shown"


@pytest.mark.parametrize(("number", "good"), [(1, True), (255, True), (0, False), (256, False)])
def test_key_id_of_auth_hmac_is_1_to_255(number: int, *, good: bool) -> None:
    """KH-08"""
    loaded = reading(with_lines("version 3", "auth_hmac {", f"key {number} {'k' * 32}", "}"))
    auth = config(loaded).instances[0].auth_hmac
    assert auth is not None
    assert [one.key_id for one in auth.keys] == ([number] if good else [])
    assert [one.code for one in loaded.diagnostics if one.code != "C-NEWER"] == ([] if good else ["C-RANGE"])


def test_auth_hmac_rules_authentication_out() -> None:
    """KH-08: keepalived drops the older of the two, and lint says so."""
    lines = ("auth_hmac {", f"key 1 {'k' * 32}", "active_key 1", "}")
    old = ("authentication {", "auth_type PASS", "auth_pass 1111", "}")
    loaded = reading(with_lines("version 2", *lines, *old))
    one = config(loaded).instances[0]
    assert one.auth_hmac is not None
    assert one.authentication == Authentication()
    assert "L-HMAC" in [finding.code for finding in lint(loaded, [])]


@pytest.mark.parametrize(
    ("lines", "priority"),
    [((), 100), (("state BACKUP",), 100), (("state MASTER",), 255), (("state MASTER", "priority 90"), 90)],
)
def test_priority_follows_the_state_when_none_is_given(lines: tuple[str, ...], priority: int) -> None:
    """KA-06"""
    assert instance(*lines).priority == priority
