"""What takes facts of the host to say."""

from __future__ import annotations

import pytest

from engine.config.diagnostic import Diagnostic
from engine.config.lint import findings, host_findings, lint
from engine.config.lint_host import Host
from tests.config.lint_case import instance, read, script


def host(
    *addresses: str,
    promotes: bool = False,
    refused: dict[tuple[str, str], str] | None = None,
    insecure: str = "",
    accounts: tuple[str, ...] = ("root", "nobody"),
    interfaces: tuple[str, ...] = ("eth0", "eth1"),
) -> Host:
    return Host(
        refuses=lambda path, user, _: (refused or {}).get((path, user), ""),
        insecure=lambda _, user, _group: insecure if user in ("", "root") else "",
        account=lambda user, _: "" if user in accounts else f"user {user} does not exist",
        interfaces=lambda: interfaces,
        addresses=lambda _: addresses,
        promotes=lambda _: promotes,
    )


def told(text: str, code: str, where: Host) -> list[Diagnostic]:
    return [one for one in lint(read(text), host=where) if one.code == code]


NOBODY = host(refused={("/bin/check", "nobody"): "it does not exist"})
TWO = instance() + instance(name="VI_2", vrid=61, vip="10.0.0.101/24")


def test_script_that_would_be_refused_is_told_with_the_reason() -> None:
    text = script("user nobody", command='"/bin/check web"')
    (one,) = told(text, "L-SCRIPT", NOBODY)
    assert (one.severity, one.exit_code) == ("error", 5)
    assert one.what == "script /bin/check cannot be run: it does not exist"
    assert told(text, "L-SCRIPT", host()) == []


def test_default_account_and_the_user_of_a_notify_command_count() -> None:
    defs = "global_defs {\n script_user nobody\n}\n"
    assert told(defs + script(command="/bin/check"), "L-SCRIPT", NOBODY)
    assert told(defs + script("user root", command="/bin/check"), "L-SCRIPT", NOBODY) == []
    assert told(instance("notify /bin/check nobody"), "L-SCRIPT", NOBODY)
    assert told(instance('notify "/bin/check nobody"'), "L-SCRIPT", NOBODY) == []


@pytest.mark.parametrize(
    "text",
    [
        "global_defs {{\n startup_script /bin/true {user}\n}}\n",
        'global_defs {{\n shutdown_script "/bin/true a" {user} {user}\n}}\n',
        "virtual_server 10.0.0.1 80 {{\nreal_server 10.0.0.2 80 {{\nMISC_CHECK {{\nuser {user}\n}}\n}}\n}}\n",
    ],
)
def test_account_of_a_program_outside_vrrp_must_exist(text: str) -> None:
    (one,) = told(text.format(user="nosuch") + instance(), "L-SCRIPT", host())
    assert (one.severity, one.exit_code) == ("error", 5)
    assert one.what.endswith("cannot be run: user nosuch does not exist")
    assert told(text.format(user="nobody") + instance(), "L-SCRIPT", host()) == []


def test_mail_server_must_be_known_when_a_configuration_is_tested() -> None:
    text = "global_defs {{\n smtp_server {name}\n}}\n"

    def asked(name: str) -> list[tuple[str, int]]:
        known = host()._replace(resolves=lambda one: one == "mail.example.org")
        found = host_findings(read(text.format(name=name) + instance()), known)
        return [(one.severity, one.exit_code) for one in found if one.code == "L-MAIL-SERVER"]

    assert asked("mial.example.org 25") == [("error", 5)]
    assert asked("mail.example.org 25") == asked("10.0.0.1") == asked("fe80::1") == []
    assert told(text.format(name="mial.example.org") + instance(), "L-MAIL-SERVER", host()) == [], "no editor waits"


def test_addresses_alone_in_their_network_take_each_other_along() -> None:
    assert len(told(TWO, "L-PROMOTE", host("10.9.0.1/24"))) == 1
    assert told(TWO, "L-PROMOTE", host("10.0.0.1/24")) == []
    assert told(TWO, "L-PROMOTE", host("10.9.0.1/24", promotes=True)) == []
    assert told(TWO, "L-PROMOTE", host()) == []
    assert told(TWO.replace("10.0.0.101/24", "10.0.0.101/32"), "L-PROMOTE", host("10.9.0.1/24")) == []
    assert told(TWO.replace("VI_2 {", "VI_2 {\npromote_secondaries"), "L-PROMOTE", host("10.9.0.1/24")) == []


def test_without_a_host_nothing_is_said_of_it() -> None:
    codes = {one.code for one in findings(read(script("user nobody", command="/nowhere") + TWO))}
    assert not codes & {"L-SCRIPT", "L-PROMOTE"}


SECURE = "global_defs {\n enable_script_security\n}\n"
PEERS = "unicast_src_ip 10.0.0.1\nunicast_peer {\n 10.0.0.2\n}"


def test_program_that_others_may_change_is_refused_under_script_security_and_a_danger_without() -> None:
    text = script(command="/bin/check")
    where = host(insecure="/bin is writable by everybody")
    (one,) = told(text, "L-SCRIPT", where)
    assert (one.severity, one.exit_code) == ("warning", 0)
    assert one.what == "script /bin/check runs as root: /bin is writable by everybody"
    (one,) = told(SECURE + text, "L-SCRIPT", where)
    assert (one.severity, one.exit_code) == ("error", 5)
    assert told(SECURE + script("user nobody", command="/bin/check"), "L-SCRIPT", where) == []
    (one,) = told(SECURE + instance("notify /bin/check"), "L-SCRIPT", where)
    assert one.exit_code == 0  # keepalived -t does not look at these


def test_account_that_does_not_exist_is_told_where_it_is_named() -> None:
    text = "global_defs {\n script_user nosuch\n}\n"
    (one,) = told(text, "L-SCRIPT", host())
    assert (one.line, one.exit_code) == (2, 5)
    assert told(text.replace("nosuch", "nobody"), "L-SCRIPT", host()) == []


@pytest.mark.parametrize(
    "text",
    [
        instance("interface eth9"),
        instance("track_interface {\n eth9\n}"),
        instance(vip="10.0.0.100/24 dev eth9"),
        instance("virtual_routes {\n 10.1.0.0/16 via 10.0.0.9 dev eth9\n}"),
        instance("virtual_rules {\n iif eth9 table 5\n}"),
        "static_ipaddress {\n 10.8.8.8/24 dev eth9\n}\n",
        "vrrp_sync_group G {\n track_interface {\n eth9\n }\n}\n",
    ],
)
def test_interface_that_is_not_there_is_told_unless_it_may_come(text: str) -> None:
    (one,) = told(text, "L-INTERFACE", host())
    assert (one.severity, one.exit_code) == ("warning", 5)
    assert one.what == "there is no interface eth9 on this host"
    assert told(text, "L-INTERFACE", host(interfaces=("eth0", "eth9"))) == []
    assert told("global_defs {\n dynamic_interfaces\n}\n" + text, "L-INTERFACE", host()) == []


def test_device_that_the_file_makes_itself_is_not_missed() -> None:
    text = instance("use_vmac vrrp.60") + instance("track_interface {\n vrrp.60\n}", name="VI_2", vrid=61)
    assert told(text, "L-INTERFACE", host()) == []


def test_source_that_is_not_on_the_interface_is_told() -> None:
    (one,) = told(instance(PEERS), "L-UNICAST", host("10.0.0.7/24"))
    assert one.what == "unicast_src_ip 10.0.0.1 is not on eth0"
    assert told(instance(PEERS), "L-UNICAST", host("10.0.0.1/24")) == []
    assert told(instance(PEERS), "L-UNICAST", host()) == []


def test_virtual_addresses_on_the_interface_are_not_taken_for_its_own() -> None:
    assert len(told(TWO, "L-PROMOTE", host("10.9.0.1/24", "10.0.0.100/24"))) == 1
