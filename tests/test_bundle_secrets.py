"""Planted secrets: wherever a configuration, an event or a status may carry one, the bundle carries none."""

from __future__ import annotations

import asyncio
import json
import string

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine import messages as m
from hatui.bundling import collect
from tests.fake_engine import NOW, WALL, engine_status, instance

HELLO = m.Hello("0.1.0", "lb-a", "operator", "root", (), NOW, WALL)
PASSWORDS = st.text(string.ascii_letters + string.digits + "%&*+,-./:;<=>?@^_`|~", min_size=6, max_size=16).map(
    lambda text: "9" + text + "q"
)
"""As people choose them: printable, without what ends a word or begins a comment."""
KEYS = st.binary(min_size=32, max_size=32).map(bytes.hex)
PLAIN = "vrrp_instance VI_1 {{\n    authentication {{\n        auth_type PASS\n        auth_pass {0}\n    }}\n}}\n"
WAYS = (
    PLAIN,
    PLAIN.replace("{0}", '"{0}"'),
    "$VRRP_PASS={0}\n" + PLAIN.replace("{0}", "$VRRP_PASS"),
    "$WORD = {0}\n" + PLAIN.replace("{0}", "${{WORD}}"),
    "$BLOCK=\\\n    auth_pass {0}\nvrrp_instance VI_1 {{\n    authentication {{\n        $BLOCK\n    }}\n}}\n",
    PLAIN.replace("        auth_pass", "        @lb1 auth_pass"),
    'vrrp_script chk {{\n    script "/bin/chk --password {0}"\n}}\n',
    'vrrp_instance VI_1 {{\n    notify "/bin/notify {0} x" root\n}}\n',
    "vrrp_instance VI_1 {{\n    notify_master /bin/notify {0}\n}}\n",
    'vrrp_instance VI_1 {{\n    notify_backup "/bin/curl -u admin:{0} https://10.0.0.1/"\n}}\n',
    'global_defs {{\n    startup_script "/bin/up TOKEN={0}"\n}}\n',
    'virtual_server 10.0.0.1 80 {{\n    quorum_up "/bin/q {0}"\n}}\n',
    'virtual_server 10.0.0.1 80 {{\n    MISC_CHECK {{\n        misc_path "/bin/m {0}"\n    }}\n}}\n',
)
KEY_WAYS = (
    "vrrp_instance VI_1 {{\n    auth_hmac {{\n        key 1 hex:{0}\n        active_key 1\n    }}\n}}\n",
    "vrrp_instance VI_1 {{\n    auth_hmac {{\n        key 1 0x{0}\n        active_key 1\n    }}\n}}\n",
    "key 1 hex:{0}\nactive_key 1\n",
    "$HMAC_KEY=hex:{0}\nvrrp_instance VI_1 {{\n    auth_hmac {{\n        key 1 $HMAC_KEY\n    }}\n}}\n",
)


def planted(secret: str, configuration: str) -> dict[str, str]:
    """The files of a bundle of an engine that repeats the secret wherever it can."""
    events: tuple[m.Event, ...] = (
        m.CommandLogged("anna", "pid 7", "apply-config", f"the password is {secret}", m.Outcome.DONE),
        m.LogLine("warning", f'refused "{secret}" (of 10.0.0.9)'),
        m.ScriptRan("VI_1", ("/bin/notify", secret, "INSTANCE", "VI_1", "MASTER", "100"), 0, 1, f"said {secret}"),
        m.StateChanged(
            "VI_1",
            m.State.BACKUP,
            m.State.MASTER,
            m.Cause.REJECTED_ADVERTS,
            f"{secret} differs",
            evidence=(m.Evidence(NOW, "rejected", f"password {secret}"),),
        ),
        m.TrackerChanged("script", "chk", good=False, detail=f"exit 1: {secret}"),
    )
    rows = tuple(m.EventLine(at + 1, NOW, WALL, event) for at, event in enumerate(events))
    tracker = m.TrackerStatus("script", "chk", good=True, output=f"prints {secret}")
    present = m.Snapshot((instance(), tracker, engine_status()), 10, NOW, WALL)
    finding = m.FindingStatus("D-AUTH", "D-AUTH", "error", "VI_1", f"not {secret}", (f"it is {secret}",))

    async def ask(command: m.Command, _extra_s: float) -> m.Reply:
        match command:
            case m.GetConfig():
                return m.Reply(1, m.Outcome.DONE, files=(m.ConfigText("/etc/a.conf", configuration, "d"),))
            case m.GetEvents():
                return m.Reply(1, m.Outcome.DONE, events=rows)
            case m.GetJournal():
                return m.Reply(1, m.Outcome.DONE, snapshots=(present,))
            case m.Diagnose():
                return m.Reply(1, m.Outcome.DONE, findings=(finding,))
        return m.Reply(1, m.Outcome.DONE)

    return asyncio.run(collect(ask, HELLO, present, 3600 * 10**9))


def absent(secret: str, files: dict[str, str]) -> None:
    """It is in none of them, nor as JSON or a first part that auth_pass keeps would write it."""
    for name, text in files.items():
        assert secret not in text, name
        assert json.dumps(secret)[1:-1] not in text, name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(PASSWORDS, st.sampled_from(WAYS))
@example("hunter2x9", WAYS[2])
@example("a.b<c>1", WAYS[9])
def test_planted_password_is_in_no_file_of_the_bundle(secret: str, way: str) -> None:
    absent(secret, planted(secret, way.format(secret)))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(KEYS, st.sampled_from(KEY_WAYS))
def test_planted_key_is_in_no_file_of_the_bundle(key: str, way: str) -> None:
    absent(key, planted(key, way.format(key)))


def test_what_is_no_secret_stays() -> None:
    way = WAYS[7].replace('x" root', 'eth0 10.0.0.50" root') + "global_defs {{\n    smtp_server 10.0.0.50\n}}\n"
    files = planted("hunter2x", way.format("hunter2x"))
    assert 'notify "/bin/notify (left out)"' in files["config/0-a.conf"]
    assert "smtp_server 10.0.0.50" in files["config/0-a.conf"]
    assert '["/bin/notify","(left out)","INSTANCE","VI_1","MASTER"' in files["events.jsonl"]
    assert "(of 10.0.0.9)" in files["events.jsonl"]
