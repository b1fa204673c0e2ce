"""Virtual servers from a text to the model: what the recorded dumps of keepalived do not show."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from engine.config import values
from engine.config.keywords import table
from engine.config.lvs import load_balancing
from engine.config.model import NS_PER_S, Command
from engine.config.model_lvs import (
    Check,
    DnsDetail,
    FileDetail,
    LoadBalancing,
    MiscDetail,
    RealServer,
    TlsClient,
    UdpDetail,
)
from tests.config import corpus_lvs, fuzz_config
from tests.config.reading import reading

SERVICE = """virtual_server 10.0.0.1 80 {{
 lb_algo rr
 lb_kind NAT
 protocol TCP
 {lines}
 real_server 10.0.0.2 80 {{
  {server}
 }}
}}
"""


def model(text: str) -> LoadBalancing:
    return load_balancing(reading(text).statements)


def server(*lines: str, service: str = "", before: str = "") -> RealServer:
    ((one,),) = (
        service_.servers for service_ in model(before + SERVICE.format(lines=service, server="\n".join(lines))).services
    )
    return one


def check(kind: str, *lines: str, service: str = "", before: str = "") -> Check:
    (one,) = server(f"{kind} {{", *lines, "}", service=service, before=before).checks
    return one


def test_configuration_without_virtual_servers_has_none() -> None:
    assert model("global_defs {\n router_id a\n}\n") == LoadBalancing()


def test_checker_takes_from_its_server_and_that_from_the_service() -> None:
    one = check("TCP_CHECK", "retry 2", service="delay_loop 10\n connect_timeout 3\n retry 7")
    assert one.timing is not None
    assert one.connection is not None
    assert (one.timing.delay_loop, one.timing.warmup, one.timing.retry) == (10 * NS_PER_S, 10 * NS_PER_S, 2)
    assert (one.connection.address, one.connection.port, one.connection.timeout) == ("10.0.0.2", 80, 3 * NS_PER_S)


@pytest.mark.parametrize("kind", sorted({"TCP_CHECK", "HTTP_GET", "DNS_CHECK", "MISC_CHECK", "PING_CHECK"}))
def test_defaults_of_checkers_are_those_that_explain_tells(kind: str) -> None:
    needed = corpus_lvs.MINIMAL[kind]
    timing = check(kind, needed).timing
    assert timing is not None
    rows = table().block(("virtual_server", "real_server", kind))
    told = [rows[word].default.removeprefix("of the server, else ") for word in ("retry", "delay_before_retry")]
    assert told[0] == str(timing.retry)
    assert told[1] == ("delay_loop" if kind == "DNS_CHECK" else str(timing.delay_before_retry // NS_PER_S))
    assert timing.delay_loop == int(table().block(("virtual_server",))["delay_loop"].default) * NS_PER_S


def test_reply_of_a_udp_check_keeps_its_octets_and_which_bits_count() -> None:
    one = check("UDP_CHECK", "payload 0a 0B f", "require_reply 1X x2 ff 03", "max_reply_length 9")
    assert one.detail == UdpDetail(
        payload=b"\x0a\x0b\x0f",
        require_reply=True,
        reply=b"\x10\x02\xff\x03",
        reply_mask=b"\xf0\x0f\xff\xff",
        max_reply_length=9,
    )


@pytest.mark.parametrize(("text", "wild"), [("ff", False), ("01ff", True), ("0x", False), ("xz", True), ("", True)])
def test_octets_that_keepalived_refuses_are_none(text: str, wild: bool) -> None:
    assert values.octets(text, wild=wild) is None


def test_program_of_a_check_runs_under_its_own_account_or_that_of_all() -> None:
    before = "global_defs {\n script_user web www\n}\n"
    one = check("MISC_CHECK", 'misc_path "/bin/check a"', "misc_dynamic", before=before).detail
    assert one == MiscDetail(command=Command(argv=("/bin/check", "a"), user="web", group="www"), timeout=60 * NS_PER_S,
                             dynamic=True)  # fmt: skip
    own = check("MISC_CHECK", "misc_path /bin/check", "user nobody", "misc_timeout 4", before=before).detail
    assert own == MiscDetail(command=Command(argv=("/bin/check",), user="nobody"), timeout=4 * NS_PER_S)


def test_file_weighs_as_its_track_file_says_unless_the_check_says_otherwise() -> None:
    before = "track_file f {\n file /tmp/f\n weight -3 reverse\n}\n"
    assert check("FILE_CHECK", "track_file f", before=before).detail == FileDetail(file="f", weight=-3, reverse=True)
    own = check("FILE_CHECK", "track_file f", "weight 9", before=before).detail
    assert own == FileDetail(file="f", weight=9)


def test_name_that_a_dns_check_asks_for_is_the_root_by_default() -> None:
    assert check("DNS_CHECK").detail == DnsDetail(record_type="SOA", name=".")


def test_persistence_engine_and_certificates_are_kept() -> None:
    text = "SSL {\n password p\n ca /a\n certificate /b\n key /c\n}\n" + SERVICE.format(
        lines="persistence_engine sip", server=""
    )
    found = model(text)
    assert found.services[0].persistence_engine == "sip"
    assert found.tls == TlsClient(password="p", ca="/a", certificate="/b", key="/c")


def test_damaged_services_are_read_without_an_exception() -> None:
    chance = random.Random(5)
    files = [text for name, text in corpus_lvs.files().items() if name in ("heads", "hosts", "pages", "tls")]
    words = fuzz_config.words()
    for _ in range(60):
        text = chance.choice(files)
        at = chance.randrange(max(1, len(text) - 1500))
        piece = text[:400] + text[at : at + 1500]
        for _ in range(3):
            piece = fuzz_config.damaged(piece, words, chance)
        assert model(piece) == model(piece)


def test_reading_a_configuration_does_not_load_the_model_of_services() -> None:
    code = (
        "import sys; from engine.config.build import load; import engine.vrrp.loop; "
        "sys.exit(any('lvs' in name for name in sys.modules))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
