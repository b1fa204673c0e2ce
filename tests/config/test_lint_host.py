"""What takes facts of the host to say."""

from __future__ import annotations

from engine.config.diagnostic import Diagnostic
from engine.config.lint import findings, lint
from engine.config.lint_host import Host
from tests.config.lint_case import instance, read, script


def host(*addresses: str, promotes: bool = False, refused: dict[tuple[str, str], str] | None = None) -> Host:
    return Host(lambda path, user: (refused or {}).get((path, user), ""), lambda _: addresses, lambda _: promotes)


def told(text: str, code: str, where: Host) -> list[Diagnostic]:
    return [one for one in lint(read(text), host=where) if one.code == code]


NOBODY = host(refused={("/bin/check", "nobody"): "it does not exist"})
TWO = instance() + instance(name="VI_2", vrid=61, vip="10.0.0.101/24")


def test_script_that_would_be_refused_is_told_with_the_reason() -> None:
    text = script("user nobody", command='"/bin/check web"')
    (one,) = told(text, "L-SCRIPT", NOBODY)
    assert one.severity == "error"
    assert one.what == "script /bin/check cannot be run: it does not exist"
    assert told(text, "L-SCRIPT", host()) == []


def test_default_account_and_the_user_of_a_notify_command_count() -> None:
    defs = "global_defs {\n script_user nobody\n}\n"
    assert told(defs + script(command="/bin/check"), "L-SCRIPT", NOBODY)
    assert told(defs + script("user root", command="/bin/check"), "L-SCRIPT", NOBODY) == []
    assert told(instance("notify /bin/check nobody"), "L-SCRIPT", NOBODY)
    assert told(instance('notify "/bin/check nobody"'), "L-SCRIPT", NOBODY) == []


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
