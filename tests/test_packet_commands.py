"""`hatui capture`, `decode` and `vrids`: what they print and write, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.messages import Gap, Message, Outcome, PacketLine, Reply, Request, Subscribe, Verdict
from engine.protocol.packet.pcapng import Pcapng, masked, secret_octets
from hatui import offline
from hatui.cli import main
from hatui.commands.vrids import free_ranges
from hatui.saving import Taken, save
from tests.console.recording import API, DB, DNS, ENGINE, WEB, advert, gratuitous_arp, packet, packets
from tests.fake_engine import FakeEngine

ROOT = Path(__file__).resolve().parent.parent
PACKETS = packets()
SECRET = b"1111"
Hatui = Callable[..., tuple[int, str, str]]


@pytest.fixture
def socket_path(tmp_path: Path) -> Path:
    return tmp_path / "engine.sock"


@pytest.fixture
def hatui(capfd: pytest.CaptureFixture[str], socket_path: Path) -> Hatui:
    """Run a command; exit status, standard output, standard error."""

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(["--socket", str(socket_path), *arguments])
        told = capfd.readouterr()
        return status, told.out, told.err

    return run


def telling(*lines: Message) -> Callable[[Request], list[Message]]:
    """An engine that says these lines to whoever wants packets."""

    def answer(request: Request) -> list[Message]:
        done: list[Message] = [Reply(request.id, Outcome.DONE)]
        wants = isinstance(request.command, Subscribe) and "packets" in request.command.topics
        return done + list(lines) if wants else done

    return answer


def engine_of(path: Path, *lines: Message) -> FakeEngine:
    return FakeEngine(path, WEB, API, DNS, DB, ENGINE, answer=telling(*lines))


def tshark(path: Path, *fields: str) -> list[list[str]]:
    words = ["tshark", "-r", str(path), "-T", "fields", *(word for field in fields for word in ("-e", field))]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


# capture -----------------------------------------------------------------------------------------------


def test_capture_prints_a_line_each_with_the_verdict(hatui: Hatui, socket_path: Path) -> None:
    with engine_of(socket_path, *PACKETS):
        status, out, err = hatui("capture", "-c", "9")
    assert status == 0
    lines = out.splitlines()
    assert len(lines) == 9
    words = "eth0     out  10.0.0.11 > 224.0.0.18  v2 vrid 51 prio 150 adv 1s auth pw  10.0.0.100  VI_WEB  sent"
    assert lines[0].endswith(words)
    assert err == "9 packets, 0 did not match, 0 lost\n"


def test_capture_filters_and_counts_what_was_lost(hatui: Hatui, socket_path: Path) -> None:
    with engine_of(socket_path, *PACKETS[:20], Gap(packets=17), *PACKETS[20:]):
        status, out, err = hatui("capture", "-f", "vrid==51 && verdict==rejected", "-c", "3")
    assert status == 0
    assert all(line.endswith("VI_WEB  x auth-type: authentication none, ours is pass") for line in out.splitlines())
    assert err.startswith("3 packets, ")
    assert err.endswith(", 17 lost\n")


def test_capture_refuses_a_wrong_filter_before_it_connects(hatui: Hatui) -> None:
    status, out, err = hatui("capture", "-f", "prio=50")
    assert (status, out) == (2, "")
    assert "write prio==50" in err
    assert hatui("capture", "-c", "none")[0] == 2


def test_capture_as_json_keeps_secrets(hatui: Hatui, socket_path: Path) -> None:
    with engine_of(socket_path, *PACKETS):
        _, out, _ = hatui("capture", "--json", "-c", "4")
        _, bare, _ = hatui("capture", "--json", "-c", "1", "--with-secrets")
    records = [json.loads(line) for line in out.splitlines()]
    assert [one["verdict"] for one in records] == ["sent", "sent", "ok", "sent"]
    assert records[0]["vrid"] == 51
    assert records[0]["v"] == 1
    assert SECRET.hex() not in records[0]["frame"]
    assert SECRET.hex() in json.loads(bare)["frame"]


def test_capture_writes_pcapng_that_tshark_reads(hatui: Hatui, socket_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "some.pcapng"
    with engine_of(socket_path, *PACKETS):
        status, out, _ = hatui("capture", "-w", str(path), "-c", str(len(PACKETS)))
    assert (status, out) == (0, "")
    rows = tshark(path, "vrrp.virt_rtr_id", "vrrp.prio", "frame.interface_name", "frame.comment", "frame.time_epoch")
    assert len(rows) == len(PACKETS)
    assert rows[0][:3] == ["51", "150", "eth0"]
    assert rows[0][3] == "verdict sent by VI_WEB,secret octets are zeroed"
    assert float(rows[0][4]) == pytest.approx(PACKETS[0].wall_ns / 1e9, abs=1e-6)
    assert SECRET not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


def test_capture_never_replaces_a_file_unless_told(hatui: Hatui, socket_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("mine")
    with engine_of(socket_path, *PACKETS):
        status, _, err = hatui("capture", "-w", str(path), "-c", "1")
        assert status == 1
        assert "exists: name another file, or say --force" in err
        assert path.read_text() == "mine"
        assert hatui("capture", "-w", str(path), "-c", "1", "--force")[0] == 0
    assert len(tshark(path, "frame.number")) == 1
    with engine_of(socket_path):
        assert hatui("capture", "-w", str(tmp_path / "no" / "where"))[0] == 1


def test_capture_into_a_pipe_is_a_whole_stream(hatui: Hatui, socket_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "piped"
    with engine_of(socket_path, *PACKETS), path.open("wb") as file:
        argv = [sys.executable, "-m", "hatui.cli", "--socket", str(socket_path), "capture", "-w", "-", "-c", "5"]
        done = subprocess.run(argv, stdout=file, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert done.returncode == 0
    assert len(tshark(path, "frame.number")) == 5


def test_capture_without_or_with_a_lost_engine_says_so(hatui: Hatui, socket_path: Path, tmp_path: Path) -> None:
    assert hatui("capture")[0] == 3
    path = tmp_path / "cut.pcapng"
    with engine_of(socket_path, *PACKETS[:3]) as engine:
        argv = [sys.executable, "-m", "hatui.cli", "--socket", str(socket_path), "capture", "-w", str(path)]
        running = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        engine.wait_for(lambda: path.exists() and path.stat().st_size > 300)
        engine.hang_up()
        _, err = running.communicate(timeout=20)
    assert running.returncode == 3
    assert "3 packets until then" in err
    assert len(tshark(path, "frame.number")) == 3


def test_capture_ends_with_0_on_an_interrupt(socket_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "until.pcapng"
    with engine_of(socket_path, *PACKETS[:3]) as engine:
        argv = [sys.executable, "-m", "hatui.cli", "--socket", str(socket_path), "capture", "-w", str(path)]
        running = subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, cwd=ROOT)
        engine.wait_for(lambda: path.exists() and path.stat().st_size > 300)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=20)
    assert running.returncode == 0
    assert err.endswith("3 packets, 0 did not match, 0 lost\n")


# decode ------------------------------------------------------------------------------------------------


def test_decode_of_our_own_capture_still_knows_the_verdicts(hatui: Hatui, tmp_path: Path) -> None:
    path = tmp_path / "ours.pcapng"
    save(str(path), PACKETS, "pcapng")
    status, out, err = hatui("decode", str(path))
    assert status == 1
    assert err == f"{len(PACKETS)} packets, 0 malformed, 3 rejected by the engine, 0 of other protocols\n"
    assert sum("BAD: authentication none, ours is pass" in line for line in out.splitlines()) == 3
    status, out, err = hatui("decode", str(path), "-f", "vrid==53")
    assert status == 0
    assert len(out.splitlines()) == 12
    assert f"{len(PACKETS) - 12} do not match" in err
    again = [one for one in offline.packets(str(path)) if one is not None]
    assert [one.verdict for one in again] == [one.verdict for one in PACKETS]
    assert [one.instance for one in again] == [one.instance for one in PACKETS]
    assert [one.direction for one in again if one.kind == "advert"] == [
        one.direction for one in PACKETS if one.kind == "advert"
    ]
    assert [one.wall_ns for one in again] == [one.wall_ns for one in PACKETS]
    assert [one.frame for one in again] == [masked(one).frame for one in PACKETS]


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda frame: frame[:40] + b"\0\0" + frame[42:], Verdict.CHECKSUM),
        (lambda frame: frame[:34] + bytes([0x51]) + frame[35:], Verdict.VERSION),
        (lambda frame: frame[:34] + bytes([0x22]) + frame[35:], Verdict.TYPE),
        (lambda frame: frame[:37] + bytes([9]) + frame[38:], Verdict.LENGTH),
        (lambda frame: frame[:50], Verdict.TOTAL_LENGTH),
        (lambda frame: frame[:22] + bytes([254]) + frame[23:], Verdict.TTL),
    ],
)
def test_foreign_capture_is_judged_by_its_octets_alone(
    change: Callable[[bytes], bytes], verdict: Verdict, tmp_path: Path
) -> None:
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    frame = change(advert("10.0.0.11", 51, 150, "10.0.0.100"))
    wrpcap(str(tmp_path / "one.pcap"), [Ether(frame)])
    (one,) = offline.packets(str(tmp_path / "one.pcap"))
    assert one is not None
    assert one.verdict is verdict
    assert one.detail


def test_file_for_the_console_keeps_the_newest(tmp_path: Path) -> None:
    save(str(tmp_path / "all"), PACKETS, "pcapng")
    read = offline.opened(str(tmp_path / "all"), 10)
    assert (len(read.packets), read.count, read.other) == (10, len(PACKETS), 0)
    assert read.now == PACKETS[-1].wall_ns


# saving ------------------------------------------------------------------------------------------------


def test_secrets_are_written_only_when_asked_for(tmp_path: Path) -> None:
    save(str(tmp_path / "zeroed"), PACKETS, "pcapng")
    save(str(tmp_path / "bare"), PACKETS, "pcapng", with_secrets=True)
    save(str(tmp_path / "text"), PACKETS, "text", with_secrets=True)
    assert SECRET not in (tmp_path / "zeroed").read_bytes()
    assert SECRET in (tmp_path / "bare").read_bytes()
    assert SECRET not in (tmp_path / "text").read_bytes()
    lines = (tmp_path / "text").read_text().splitlines()
    assert len(lines) == len(PACKETS)
    assert lines[1].lstrip().startswith("+0.088s")


def test_masking_zeroes_exactly_the_secret_octets() -> None:
    line = PACKETS[0]
    bare = masked(line).frame
    assert all(bare[at] == (0 if at in secret_octets(line.frame) else line.frame[at]) for at in range(len(bare)))
    arp = packet(1, 0, gratuitous_arp("10.0.0.1"), "", Verdict.NONE, kind="arp")
    assert masked(arp) is arp


def test_saving_never_replaces_unless_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "taken"
    path.write_text("mine")
    with pytest.raises(Taken):
        save(str(path), PACKETS, "text")
    assert path.read_text() == "mine"
    assert save(str(path), PACKETS, "text", replace=True) == path.stat().st_size

    def broken() -> object:
        yield PACKETS[0]
        raise OSError(28, os.strerror(28))

    with pytest.raises(Exception, match="No space left"):
        save(str(tmp_path / "half"), broken(), "pcapng")  # type: ignore[arg-type]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["taken"]


def test_two_interfaces_are_two_interfaces_in_the_file(tmp_path: Path) -> None:
    blocks = Pcapng()
    other: PacketLine = msgspec.structs.replace(PACKETS[0], interface="eth1")
    path = tmp_path / "two"
    path.write_bytes(blocks.begin() + b"".join(blocks.add(one) for one in (PACKETS[0], other, PACKETS[1])))
    assert tshark(path, "frame.interface_name") == [["eth0"], ["eth1"], ["eth0"]]


# vrids -------------------------------------------------------------------------------------------------


def test_vrids_tells_used_and_free(hatui: Hatui, socket_path: Path) -> None:
    stranger = packet(1, 0, advert("10.0.0.99", 77, 100, "10.0.0.200"), "", Verdict.VRID)
    mine = [one for one in PACKETS if one.verdict is not Verdict.AUTH_TYPE]
    with engine_of(socket_path, *mine, stranger):
        status, out, err = hatui("vrids", "eth0", "--listen", "0.5")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["VRID", "IP", "INSTANCE", "HERE", "HEARD", "FROM"]
    assert lines[1].split() == ["51", "v4", "VI_WEB", "10.0.0.11", "priority", "150"]
    assert lines[4].split() == ["77", "v4", "-", "10.0.0.99", "priority", "100"]
    assert "free, IPv4: 1-50 54-76 78-255" in lines
    adverts = sum(one.kind == "advert" for one in mine) + 1
    assert f"listened 0.5 s, {adverts} adverts" in out


def test_vrids_finds_a_stranger_on_one_of_ours(hatui: Hatui, socket_path: Path) -> None:
    with engine_of(socket_path, *PACKETS):
        status, out, _ = hatui("vrids", "eth0", "--listen", "0.5")
        told = json.loads(hatui("vrids", "eth0", "--listen", "0.5", "--json")[1])
    assert status == 1
    assert "10.0.0.77 priority 200, auth-type" in out
    assert "[D-VRID-CLASH]" in out
    assert told["interface"] == "eth0"
    assert [one["vrid"] for one in told["used"] if one["foreign"]] == [51]
    assert 52 not in told["free"]["ipv4"]
    assert 1 in told["free"]["ipv4"]


def test_vrids_of_an_interface_on_which_nobody_listens_is_no_answer(hatui: Hatui, socket_path: Path) -> None:
    with engine_of(socket_path):
        status, out, err = hatui("vrids", "eth7")
    assert (status, out) == (1, "")
    assert "it listens on eth0, eth1" in err
    assert hatui("vrids", "eth0")[0] == 3


def test_free_ranges() -> None:
    assert free_ranges(set()) == "1-255"
    assert free_ranges({1, 3, 255}) == "2 4-254"
    assert free_ranges(set(range(1, 256))) == ""


def test_vrids_without_listening_says_so(hatui: Hatui, socket_path: Path) -> None:
    before = time.monotonic()
    with engine_of(socket_path):
        status, out, _ = hatui("vrids", "eth1", "--listen", "0")
    assert time.monotonic() - before < 3
    assert status == 0
    assert "did not listen" in out
    assert "54" in out
