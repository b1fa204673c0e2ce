"""enable_script_security: which scripts are refused, and what goes on without them."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from engine import programs
from engine.config.model import Command, Config, Globals, Instance, Script, Track, Tracking
from engine.core.loading import read_config
from engine.core.security import refused_scripts, without

NO_ACCOUNT = programs.DEFAULT_ACCOUNT not in {one.pw_name for one in pwd.getpwall()}


def config(**settings: object) -> Config:
    scripts = (
        Script(name="good", command=Command(argv=("/bin/true",))),
        Script(name="loose", command=Command(argv=("/tmp/check.sh",))),
        Script(name="harmless", command=Command(argv=("/tmp/check.sh",), user="nobody")),
    )
    tracks = Tracking(scripts=tuple(Track(name=one.name, weight=-10) for one in scripts))
    other = Instance(name="VI_2", interface="eth0", vrid=51)
    one = Instance(name="VI_1", interface="eth0", vrid=50, tracking=tracks)
    return Config(globals=Globals(**settings), scripts=scripts, instances=(one, other))  # type: ignore[arg-type]


def test_without_the_keyword_nothing_is_refused() -> None:
    assert refused_scripts(config(script_user="root")) == {}


def test_script_that_others_may_change_is_refused_as_root_alone() -> None:
    refused = refused_scripts(config(script_security=True, script_user="root"))
    assert set(refused) == {"loose"}
    assert refused["loose"].startswith("/tmp")


def test_first_bad_part_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        tmp_path.chmod(0o777)
        assert programs.insecure_part(str(tmp_path / "check.sh")) == f"{tmp_path} is writable by everybody"
        tmp_path.chmod(0o1777)  # sticky, as /tmp: nobody can put another file in the place of root's
        script = tmp_path / "check.sh"
        script.touch(0o755)
        assert programs.insecure_part(str(script)) == ""
        os.chown(script, 65534, 0)
        assert programs.insecure_part(str(script)) == f"{script} belongs to user 65534, not to root"
    else:
        assert programs.insecure_part(str(tmp_path / "check.sh"))


@pytest.mark.parametrize("user", ["", "no-such-user"])
def test_scripts_without_a_usable_account_are_refused(user: str) -> None:
    if not user and not NO_ACCOUNT:
        assert "good" not in refused_scripts(config(script_security=True))
        return
    refused = refused_scripts(config(script_security=True, script_user=user))
    expected = f"user {user} does not exist" if user else "no script_user is set"
    assert refused["good"].startswith(expected)
    assert "harmless" not in refused


def test_what_tracks_a_refused_script_goes_on_without_it() -> None:
    whole = config(script_security=True, script_user="root")
    kept = without(whole, ["loose"])
    assert [one.name for one in kept.scripts] == ["good", "harmless"]
    assert [track.name for track in kept.instances[0].tracking.scripts] == ["good", "harmless"]
    assert kept.instances[1] is whole.instances[1]
    assert without(whole, []) is whole


CONFIG = """\
global_defs {
    enable_script_security
    script_user root
}
vrrp_script loose {
    script "/tmp/check.sh"
}
vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 50
    virtual_ipaddress {
        10.211.55.50
    }
    track_script {
        loose
    }
}
"""


def test_reading_drops_a_refused_script_and_says_where_and_why(tmp_path: Path) -> None:
    path = tmp_path / "keepalived.conf"
    path.write_text(CONFIG)
    reading = read_config(str(path))
    assert reading.config is not None
    assert reading.config.scripts == ()
    assert reading.config.instances[0].tracking.scripts == ()
    (said,) = [one for one in reading.diagnostics if one.code == "C-SECURITY"]
    assert (said.file, said.line, said.exit_code, said.severity) == (str(path), 6, 6, "warning")
    assert said.what.startswith("script loose is refused: /tmp")
