"""Track scripts and notify commands: failing and passing samples."""

from __future__ import annotations

import pytest

from tests.config.lint_case import instance, mended, only, script, told

SAFE = "global_defs {\n    script_user nobody\n    enable_script_security\n}\n"
CASES = [
    # code, fails, passes
    ("L-SCRIPT-ARGS", script(command="/bin/check web"), script(command='"/bin/check web"')),
    ("L-SCRIPT-ARGS", script(command="killall -0 nginx"), script(command="/bin/check")),
    ("L-SCRIPT-SHELL", script(command='"/bin/check web || exit 1"'),
     script(command="\"/bin/sh -c '/bin/check || exit 1'\"")),
    ("L-SCRIPT-SHELL", script(command='"</dev/tcp/127.0.0.1/80"'),
     script(command='"/bin/check --url http://a/?b=1&c=2"')),
    ("L-SCRIPT-SHELL", instance('notify_master "/bin/echo x > /tmp/y"'), instance('notify_master "/bin/echo x"')),
    ("L-SCRIPT-PATH", script(command='"pidof nginx"'), script(command='"/bin/pidof nginx"')),
    ("L-PROCESS-CHECK", script(command='"killall -0 nginx"'), script(command='"/usr/bin/curl -sf localhost"')),
    ("L-PROCESS-CHECK", script(command='"/usr/bin/pgrep -x nginx"'),
     script(command='"/usr/local/bin/mypgrep -x nginx"')),
    ("L-PROCESS-CHECK", script(command='"/bin/pidof nginx"'), script(command='"/bin/kill -1 5"')),
    ("L-PROCESS-CHECK", script(command="\"/bin/sh -c 'kill -0 `cat /run/x.pid`'\""), script(command='"/bin/x kill"')),
    ("L-TIMEOUT", script("timeout 3"), script("timeout 2")),
    ("L-TIMEOUT", script("timeout 3"), script("timeout 3\n    interval 4")),
    ("L-TIMEOUT", script("interval 1\n    fall 1"), script("interval 1\n    fall 2")),
    ("L-NOTIFY", instance("notify_master /bin/x MASTER"), instance('notify_master "/bin/x MASTER"')),
    ("L-NOTIFY", instance("notify_backup /bin/x backup"), instance("notify_backup /bin/x root")),
    ("L-NOTIFY", instance("notify /bin/x --fast"), instance("notify /bin/x keepalived_script adm")),
    ("L-NOTIFY", instance("notify /bin/x one two three"), instance("notify /bin/x")),
    ("L-NOTIFY", instance("notify_stop /bin/x\nnotify_stop /bin/y"),
     instance("notify_stop /bin/x\nnotify_fault /bin/y")),
    ("L-SCRIPT-USER", script(), SAFE + script()),
    ("L-SCRIPT-USER", script(), script("user nobody")),
    ("L-SCRIPT-USER", instance("notify /bin/x"), instance("notify /bin/x nobody")),
    ("L-SCRIPT-SECURITY", script(), SAFE + script()),
    ("L-SCRIPT-SECURITY", instance("notify /bin/x"), instance()),
]  # fmt: skip


@pytest.mark.parametrize(("code", "fails", "passes"), CASES, ids=[case[0] for case in CASES])
def test_rule_finds_the_failing_sample_and_spares_the_passing_one(code: str, fails: str, passes: str) -> None:
    found = told(fails, code)
    assert len(found) == 1
    assert found[0].why
    assert found[0].todo
    assert told(passes, code) == []


@pytest.mark.parametrize(
    ("code", "before", "after"),
    [
        ("L-SCRIPT-ARGS", script(command="/bin/check  web  1"), script(command='"/bin/check  web  1"')),
        ("L-NOTIFY", instance("notify_master /bin/x MASTER # go"), instance('notify_master "/bin/x MASTER" # go')),
    ],
)
def test_fix_quotes_the_command(code: str, before: str, after: str) -> None:
    assert mended(before, code) == after
    assert mended(after, code) == after


def test_hints_that_most_files_have_are_information() -> None:
    for code in ("L-SCRIPT-USER", "L-SCRIPT-SECURITY", "L-PROCESS-CHECK", "L-SCRIPT-PATH"):
        assert only(script(command='"killall -0 nginx"'), code).severity == "info"


def test_script_without_account_under_script_security_is_a_warning() -> None:
    secure = "global_defs {\n    enable_script_security\n}\n"
    assert only(secure + script(), "L-SCRIPT-USER").severity == "warning"
    assert told(secure + script("user nobody"), "L-SCRIPT-USER") == []


def test_several_scripts_without_user_are_told_once() -> None:
    one = only(script(name="one") + script(name="two") + instance("notify /bin/x"), "L-SCRIPT-USER")
    assert one.what.startswith("script (and 2 more) runs as keepalived_script or root")


def test_settings_that_may_stand_in_another_file_are_not_called_missing() -> None:
    for code in ("L-SCRIPT-USER", "L-SCRIPT-SECURITY"):
        assert told("include global.conf\n" + script(), code) == []
        assert told("global_defs {\n@one script_user a\n@one enable_script_security\n}\n" + script(), code) == []


def test_command_from_a_parameter_without_value_is_not_judged() -> None:
    assert told(script(command="$CHECK web"), "L-SCRIPT-ARGS") == []
    assert told(script(command='"$DIR/check web"'), "L-SCRIPT-PATH") == []
