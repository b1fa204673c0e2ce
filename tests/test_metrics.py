"""`hatui metrics`: Prometheus text with keepalived-exporter's names, whole files, the engine that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from engine.messages import Snapshot
from hatui import metrics
from hatui.cli import main
from hatui.store import Connection, LinkState, Store
from tests.console.recording import DB, NOW, SESSION, SNAPSHOT
from tests.fake_engine import FakeEngine

_NAMES = """
    keepalived_up keepalived_vrrp_state keepalived_advertisements_received_total keepalived_advertisements_sent_total
    keepalived_become_master_total keepalived_release_master_total keepalived_packet_length_errors_total
    keepalived_advertisements_interval_errors_total keepalived_ip_ttl_errors_total
    keepalived_invalid_type_received_total keepalived_address_list_errors_total
    keepalived_authentication_invalid_total keepalived_authentication_mismatch_total
    keepalived_authentication_failure_total keepalived_priority_zero_received_total
    keepalived_priority_zero_sent_total keepalived_script_status
"""
EXPORTER = _NAMES.split()
SAMPLE = re.compile(r'[a-z_]+(\{[a-z_]+="(?:[^"\\]|\\.)*"(,[a-z_]+="(?:[^"\\]|\\.)*")*\})? -?[0-9.]+')


@pytest.fixture
def text() -> str:
    store = Store()
    for line in SESSION:
        store.apply(line)
    store.apply(LinkState(Connection.LIVE, NOW))
    return metrics.written(metrics.families_of(store, NOW))


def test_text_is_what_prometheus_reads(text: str) -> None:
    seen: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE"):
            name = line.split()[2]
            assert name not in seen, "each metric stands in one piece"
            seen.add(name)
            assert line.split()[3] == ("counter" if name.endswith("_total") else "gauge")
        elif not line.startswith("#"):
            assert SAMPLE.fullmatch(line), line


@pytest.mark.parametrize("name", EXPORTER)
def test_names_of_keepalived_exporter_are_there(text: str, name: str) -> None:
    assert f"# TYPE {name} " in text


def test_figures_are_those_of_the_engine(text: str) -> None:
    lines = text.splitlines()
    for line in (
        "keepalived_up 1",
        'keepalived_vrrp_state{iname="VI_WEB",intf="eth0",vrid="51",ip_address="10.0.0.100/24"} 2',
        'keepalived_vrrp_state{iname="VI_DB",intf="eth1",vrid="54",ip_address="10.0.0.50/24"} 3',
        'keepalived_advertisements_sent_total{iname="VI_API",intf="eth0",vrid="52"} 760',
        'keepalived_script_status{name="chk_haproxy"} 0',
        'hatui_priority{iname="VI_API",intf="eth0",vrid="52"} 98',
        'hatui_base_priority{iname="VI_API",intf="eth0",vrid="52"} 120',
        "hatui_engine_worst_late_seconds 0.006",
        'hatui_tracker_duration_seconds{kind="script",name="chk_haproxy"} 0.21',
        'hatui_state_seconds{iname="VI_DB",intf="eth1",vrid="54"} 249',
    ):
        assert line in lines, line


def test_label_with_a_quote_does_not_break_the_line() -> None:
    store = Store()
    store.apply(Snapshot((msgspec.structs.replace(DB, name='a"b\\c'),), 0, NOW))
    assert 'iname="a\\"b\\\\c"' in metrics.written(metrics.families_of(store, NOW))


def test_what_is_not_known_is_absent() -> None:
    store = Store()
    store.apply(msgspec.structs.replace(SNAPSHOT, statuses=()))
    text = metrics.written(metrics.families_of(store, NOW))
    assert "hatui_engine_info" not in text
    assert "keepalived_vrrp_state" not in text


def test_command_replaces_a_textfile_and_says_when_the_engine_is_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    socket, file = tmp_path / "s", tmp_path / "hatui.prom"
    with FakeEngine(socket):
        assert main(["--socket", str(socket), "metrics", "--textfile", str(file)]) == 0
        assert capsys.readouterr().out == ""
        assert "keepalived_up 1" in file.read_text()
        assert main(["--socket", str(socket), "metrics"]) == 0
        assert "keepalived_up 1" in capsys.readouterr().out
    assert main(["--socket", str(socket), "metrics", "--textfile", str(file)]) == 3
    assert file.read_text().splitlines()[-1] == "keepalived_up 0"
    assert main(["--socket", str(socket), "metrics", "--textfile", str(tmp_path / "no" / "where")]) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["hatui.prom"]
