"""Probes from a third host: one line each, who answers, and what an outage looks like."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from engine import probe
from hatui.lab import Host, Lab, wait_for
from hatui.lab.servers import own_command, python_command, start_web_server
from tests.net.engine_talk import SERVICE, config, host_of, master
from tests.net.secure_shell import client, new_key, start_ssh

SOURCE = Path(probe.__file__)


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def probed(host: Host, *words: str) -> list[dict[str, Any]]:
    """Run it with its source on standard input, as ssh would, on a host that has only Python."""
    done = host.run([*python_command(), "-", *words], input_text=SOURCE.read_text(), check=False)
    assert done.returncode in (0, 1), done.stderr
    return lines_of(done.stdout)


def test_every_probe_gives_one_line_and_says_who_answers(lab: Lab) -> None:
    host, client = host_of(lab), lab.add_host("client", "10.211.55.24/24")
    start_web_server(host)
    master(host, config())
    asked = ("--every", "50ms", "--for", "1", "--tcp", "80", "--tcp", "81")
    lines = probed(client, SERVICE, *asked, "--http", f"http://{SERVICE}/", "--expect", "10.211.55.22")
    head, lines = lines[0], lines[1:]
    assert head["kinds"] == ["icmp", "arp", "tcp:80", "tcp:81", "http"]
    for kind, good in (("icmp", True), ("arp", True), ("tcp:80", True), ("http", True), ("tcp:81", False)):
        own = [line for line in lines if line["kind"] == kind]
        assert [line["n"] for line in own] == list(range(len(own)))
        assert len(own) >= 8
        assert [line["ok"] for line in own].count(good) >= len(own) - 1, kind
    assert {mac for line in lines for mac in line.get("macs", ())} == {host.mac}
    wrong = probed(client, SERVICE, "--every", "100ms", "--for", "0.5", "--no-icmp", "--no-owner", "--http",
                   f"http://{SERVICE}/", "--expect", "another")  # fmt: skip
    assert [line["text"] for line in wrong[1:]] == ["the text is not in it"] * (len(wrong) - 1)


def test_two_owners_of_an_address_are_both_named(lab: Lab) -> None:
    one, two, client = host_of(lab), host_of(lab, "b", 23), lab.add_host("client", "10.211.55.24/24")
    for host in (one, two):
        host.ip(f"address add {SERVICE}/32 dev eth0")
    lines = probed(client, SERVICE, "--every", "50ms", "--for", "0.5", "--no-icmp")
    assert any(sorted(line.get("macs", ())) == sorted((one.mac, two.mac)) for line in lines[1:]), lines


def test_lost_probes_stay_lost_and_are_said_in_order(lab: Lab, tmp_path: Path) -> None:
    host, client = host_of(lab), lab.add_host("client", "10.211.55.24/24")
    host.ip(f"address add {SERVICE}/32 dev eth0")
    program = client.start([*python_command(), str(SOURCE), SERVICE, "--every", "20ms", "--no-owner"], log="probe.log")
    wait_for(lambda: program.output.count('"ok":true') > 10, 10, "good probes")
    lab.cut_link(host)
    time.sleep(0.4)
    lab.restore_link(host)
    cut = len(lines_of(program.output.rpartition("\n")[0]))

    def again() -> bool:
        marks = [line.get("ok") for line in lines_of(program.output.rpartition("\n")[0])[1:]]
        return False in marks and marks[-1] is True

    wait_for(again, 15, f"good probes again after line {cut}")
    program.kill()
    own = lines_of(program.output.rpartition("\n")[0])[1:]
    assert [line["n"] for line in own] == list(range(len(own)))


HTTPS = """\
import http.server, ssl, sys
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * 40000 + b" served over TLS")
    def log_message(self, *words):
        pass
server = http.server.ThreadingHTTPServer(("0.0.0.0", 443), Page)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("tls.pem")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print("ready", flush=True)
server.serve_forever()
"""


@pytest.mark.programs("openssl")
def test_https_answer_is_read_whoever_signed_and_plain_http_there_is_a_loss_with_its_reason(lab: Lab) -> None:
    host, client = host_of(lab), lab.add_host("client", "10.211.55.24/24")
    host.ip(f"address add {SERVICE}/32 dev eth0")
    key = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
           "/CN=somebody", "-keyout", str(host.root / "key.pem"), "-out", str(host.root / "cert.pem")]  # fmt: skip
    host.run(key)
    (host.root / "tls.pem").write_text((host.root / "key.pem").read_text() + (host.root / "cert.pem").read_text())
    server = host.start(
        [*python_command(), "-c", HTTPS.replace("tls.pem", str(host.root / "tls.pem"))], log="https.log"
    )
    wait_for(lambda: "ready" in server.output, 10, "the server")
    only = ("--every", "50ms", "--for", "0.6", "--no-icmp", "--no-owner")
    head, *lines = probed(client, SERVICE, *only, "--http", f"https://{SERVICE}/", "--expect", "served over TLS")
    assert head["kinds"] == ["https"]
    assert len(lines) >= 5
    assert [line["ok"] for line in lines[:-2]] == [True] * (len(lines) - 2), lines
    lines = probed(client, SERVICE, *only, "--http", f"http://{SERVICE}:443/")[1:]
    assert not any(line["ok"] for line in lines)
    start_web_server(host)
    lines = probed(client, SERVICE, *only, "--http", f"https://{SERVICE}:80/")[1:]
    assert not any(line["ok"] for line in lines)
    assert any(line["text"].startswith("TLS: ") for line in lines), lines


@pytest.mark.programs("sshd", "ssh-keygen")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: sshd changes users")
def test_real_ssh_carries_the_probe(lab: Lab) -> None:
    host, third = host_of(lab), lab.add_host("third", "10.211.55.24/24")
    master(host, config())
    start_ssh(third, key := new_key(host, "key"))
    words = ["probe", SERVICE, "--over", "root@10.211.55.24", "--every", "50ms", "--for", "1"]
    done = host.run([*own_command("hatui", "hatui.cli"), *words], env={"HATUI_SSH": client(key)}, check=False)
    assert done.returncode in (0, 1), done.stderr
    head, *lines = lines_of(done.stdout)
    assert head["kinds"] == ["icmp", "arp"]
    assert {mac for line in lines for mac in line.get("macs", ())} == {host.mac}
    words[3] = "nobody@10.211.55.24"
    refused = host.run([*own_command("hatui", "hatui.cli"), *words], env={"HATUI_SSH": client(key)}, check=False)
    assert (refused.returncode, "[E-SSH]" in refused.stderr) == (2, True), refused.stderr
