"""From lines to the model: every default, inheritance and rule of two keywords at once, and what is said."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.config.build import exit_code, fingerprint, load
from engine.config.files import files_of
from engine.config.model import (
    NS_PER_S,
    Address,
    Announce,
    Authentication,
    Command,
    Config,
    Fifo,
    NextHop,
    Notify,
    Route,
    Rule,
    Script,
    Track,
    TrackedFile,
    TrackedProcess,
    UnicastPeer,
    Vmac,
)
from tests.config import fuzz_config
from tests.config.reading import MAIN, codes, config, instance, reading, with_lines

S = NS_PER_S
SCRIPT = 'vrrp_script chk {\n script "/bin/check -x"\n weight 5\n}\n'


def block(name: str, *lines: str) -> str:
    return "\n".join((f"{name} {{", *lines, "}"))


def whole(text: str) -> Config:
    """The model of a text without errors."""
    loaded = reading(text)
    assert [str(one) for one in loaded.diagnostics if one.severity == "error"] == []
    return config(loaded)


class TestInstance:
    def test_defaults(self) -> None:
        found = instance()
        assert (found.version, found.family, found.priority, found.initial_state) == (2, 4, 100, "BACKUP")
        assert (found.advert_interval, found.preempt, found.accept, found.down_timer_adverts) == (S, True, True, 3)
        assert found.addresses == (Address(address="10.211.55.50", prefix=32),)
        assert (found.group_address, found.unicast, found.announce) == ("224.0.0.18", False, Announce())
        assert (found.file, found.line) == (MAIN, 1)

    @pytest.mark.parametrize(
        ("lines", "priority", "state"),
        [
            (("state MASTER",), 255, "MASTER"),
            (("state MASTER", "priority 100"), 100, "MASTER"),
            (("priority 255",), 255, "MASTER"),
            (("state BACKUP", "priority 255"), 255, "MASTER"),
            (("state BACKUP", "state MASTER"), 255, "MASTER"),
            (("priority 10", "priority 20"), 20, "BACKUP"),
        ],
    )
    def test_state_and_priority(self, lines: tuple[str, ...], priority: int, state: str) -> None:
        found = instance(*lines)
        assert (found.priority, found.initial_state) == (priority, state)

    @pytest.mark.parametrize(
        ("version", "written", "used"),
        [
            (2, "1.4", S),
            (2, "0.5", S),
            (2, "1.5", 2 * S),
            (3, "0.015", S // 50),
            (3, "0.5", S // 2),
            (3, "50", 4095 * S // 100),
        ],
    )
    def test_interval_is_what_the_version_carries(self, version: int, written: str, used: int) -> None:
        loaded = reading(with_lines(f"version {version}", f"advert_int {written}"))
        assert config(loaded).instances[0].advert_interval == used
        assert ("C-ROUNDED" in codes(loaded)) == (float(written) * S != used)

    def test_ipv6_is_version_3_in_a_group_of_its_own(self) -> None:
        found = whole(with_lines().replace("10.211.55.50", "fe80::50")).instances[0]
        assert (found.version, found.family, found.group_address) == (3, 6, "ff02::12")

    @pytest.mark.parametrize(
        ("lines", "preempt", "delay"),
        [
            (("nopreempt",), False, 0),
            (("nopreempt", "preempt"), True, 0),
            (("state MASTER", "priority 100", "nopreempt"), True, 0),
            (("priority 255", "nopreempt"), True, 0),
            (("preempt_delay 2.5",), True, 5 * S // 2),
            (("nopreempt", "preempt_delay 5"), False, 0),
            (("state MASTER", "preempt_delay 5"), True, 0),
            (("strict_mode", "preempt_delay 5"), True, 0),
        ],
    )
    def test_preemption(self, lines: tuple[str, ...], preempt: bool, delay: int) -> None:
        found = config(reading(with_lines(*lines))).instances[0]
        assert (found.preempt, found.preempt_delay) == (preempt, delay)

    def test_strict_mode_takes_away_what_the_rfc_does_not_know(self) -> None:
        found = config(
            reading(
                with_lines(
                    *("strict_mode", "higher_prio_send_advert", "down_timer_adverts 5", "garp_lower_prio_repeat 2"),
                    *("authentication {", "auth_type PASS", "auth_pass x", "}", "accept"),
                )
            )
        ).instances[0]
        assert (found.strict, found.accept, found.lower_prio_no_advert, found.higher_prio_send_advert) == (
            True,
            False,
            True,
            False,
        )
        assert (found.down_timer_adverts, found.authentication) == (3, Authentication())
        assert (found.announce.lower_prio_repeat, found.announce.lower_prio_delay) == (0, 0)
        assert instance("strict_mode", "version 3", "accept").accept
        assert instance("strict_mode", "priority 255").accept

    def test_authentication_keeps_eight_octets_and_its_secret(self) -> None:
        found = config(reading(with_lines("authentication {", "auth_type PASS", "auth_pass 123456789", "}"))).instances[
            0
        ]
        assert found.authentication == Authentication(kind="pass", key=b"12345678")
        assert "12345678" not in repr(found)
        short = instance("authentication {", "auth_type AH", "auth_pass abc", "}")
        assert short.authentication == Authentication(kind="ah", key=b"abc\0\0\0\0\0")

    def test_unicast(self) -> None:
        found = instance(
            "unicast_src_ip 10.211.55.22", "unicast_peer {", "10.211.55.23", "10.211.55.24 min_ttl 250", "}"
        )
        assert found.unicast
        assert found.source == "10.211.55.22"
        assert found.unicast_peers == (UnicastPeer("10.211.55.23"), UnicastPeer("10.211.55.24", 250))
        assert found.check_unicast_source, "a TTL limit turns checking of the source on"
        lonely = config(reading(with_lines("unicast_src_ip 10.211.55.22"))).instances[0]
        assert not lonely.unicast
        assert instance("unicast_fault_no_peer").unicast

    def test_virtual_mac(self) -> None:
        assert instance("use_vmac").vmac == Vmac()
        assert instance("use_vmac vrrp7 AA:BB:CC:DD:EE:FF", "vmac_xmit_base").vmac == Vmac(
            name="vrrp7", mac="aa:bb:cc:dd:ee:ff", xmit_base=True
        )

    def test_virtual_mac_devices_are_named_by_the_prefix(self) -> None:
        text = block("global_defs", "vmac_prefix foo") + "\n" + with_lines("use_vmac")
        text += with_lines("use_vmac").replace("V {", "W {").replace("10.211.55.50", "fe80::5")
        text += with_lines("use_vmac bar").replace("V {", "X {").replace("router_id 5", "router_id 6")
        names = [one.vmac.name for one in whole(text).instances if one.vmac]
        assert names == ["foo.5", "foo6.5", "bar"]

    def test_notify(self) -> None:
        found = instance(
            *("notify_master \"/x a 'b c'\" root", "notify /y", "notify_deleted", "notify_fault /f u g"),
            *("smtp_alert", "notify_priority_changes off"),
        ).notify
        assert found == Notify(
            master=Command(argv=("/x", "a", "b c"), user="root"),
            fault=Command(argv=("/f",), user="u", group="g"),
            any=Command(argv=("/y",)),
            deleted_reported=True,
            smtp_alert=True,
        )


class TestGlobals:
    def test_everything_of_the_first_path(self) -> None:
        found = whole(
            block(
                "global_defs",
                *("router_id r1", "notification_email {", "a@b.c", "d@e.f", "}", "notification_email_from x@y.z"),
                *("smtp_server 10.0.0.1 2525", "smtp_connect_timeout 7", "enable_traps", "vrrp_skip_check_adv_addr"),
                *("vrrp_strict", "vrrp_garp_interval 0.1", "vrrp_gna_interval 0.2", "vrrp_rx_bufs_policy 4096"),
            )
        ).globals
        assert (found.router_id, found.notification_email) == ("r1", ("a@b.c", "d@e.f"))
        assert (found.smtp_server, found.smtp_port, found.smtp_connect_timeout) == ("10.0.0.1", 2525, 7 * S)
        assert (found.enable_traps, found.skip_check_adv_addr, found.strict) == (True, True, True)
        assert found.rx_buffer_bytes == 4096
        assert (found.garp_interval, found.gna_interval) == (S // 10, S // 5)

    def test_where_dumps_go_and_how_the_json_is_laid_out(self) -> None:
        lines = ("state_dump_file /run/a", "stats_dump_file b", "json_dump_file /run/c", "json_version 2")
        found = whole(block("global_defs", *lines)).globals
        assert (found.state_dump_file, found.stats_dump_file, found.json_dump_file) == ("/run/a", "b", "/run/c")
        assert found.json_version == 2

    def test_reach_instances_wherever_they_stand(self) -> None:
        text = with_lines() + block(
            "global_defs", "vrrp_version 3", "vrrp_garp_master_delay 8", "vrrp_garp_interval 0.5"
        )
        found = whole(text).instances[0]
        assert found.version == 3
        assert (found.announce.master_delay, found.announce.lower_prio_delay) == (8 * S, 8 * S)
        assert found.announce.arp_interval == S // 2

    def test_lower_priority_announcements_follow_the_global_ones_not_the_instances(self) -> None:
        found = instance("garp_master_delay 7", "garp_master_repeat 3").announce
        assert (found.master_delay, found.lower_prio_delay) == (7 * S, 5 * S)
        assert (found.master_repeat, found.lower_prio_repeat) == (3, 5)

    def test_min_garp_changes_only_what_is_still_default(self) -> None:
        text = block("global_defs", "vrrp_garp_master_delay 8", "vrrp_min_garp", "vrrp_garp_lower_prio_repeat 4")
        found = whole(text + "\n" + with_lines()).instances[0].announce
        assert found == Announce(
            master_delay=8 * S, master_repeat=1, master_refresh_repeat=0, lower_prio_delay=8 * S, lower_prio_repeat=4
        )

    @pytest.mark.parametrize("keyword", ["vrrp_strict", "vrrp_skip_check_adv_addr"])
    def test_off_that_means_on_is_followed_and_named(self, keyword: str) -> None:
        loaded = reading(block("global_defs", f"{keyword} off"))
        assert codes(loaded) == ["C-OFF-MEANS-ON"]
        assert config(loaded).globals.strict or config(loaded).globals.skip_check_adv_addr

    def test_fifos_and_their_scripts(self) -> None:
        found = whole(block("global_defs", "vrrp_notify_fifo_script /s", "vrrp_notify_fifo /p root")).globals
        assert found.vrrp_fifo == Fifo(path="/p", user="root", script=Command(argv=("/s",)))
        assert found.fifo is None


class TestTracking:
    def test_script(self) -> None:
        text = block("vrrp_script chk", "script '/bin/check' -x", "interval 2", "weight -5 reverse", "rise 2", "fall 3")
        found = whole(text + "\n" + with_lines("track_script {", "chk", "}"))
        assert found.scripts == (
            Script(
                name="chk",
                command=Command(argv=("/bin/check",)),
                interval=2 * S,
                timeout=2 * S,
                weight=-5,
                reverse=True,
                rise=2,
                fall=3,
            ),
        )
        assert found.instances[0].tracking.scripts == (Track("chk", -5, reverse=True),)

    def test_weight_of_the_line_wins(self) -> None:
        found = instance("track_script {", "chk weight -20 reverse", "}", before=SCRIPT)
        assert found.tracking.scripts == (Track("chk", -20, reverse=True),)

    def test_files_and_processes(self) -> None:
        text = block("track_file tf", "file /run/x", "init_file 5 overwrite") + "\n"
        text += block("vrrp_track_process tp", 'process nginx -g "x y"', "quorum 2", "delay 0.5", "weight 4") + "\n"
        found = whole(text + with_lines("track_file {", "tf", "}", "track_process {", "tp weight 7", "}"))
        assert found.files == (TrackedFile(name="tf", path="/run/x", init_value=5, init_overwrite=True),)
        assert found.processes == (
            TrackedProcess(
                name="tp",
                argv=("nginx", "-g", "x y"),
                full_command=True,
                weight=4,
                quorum=2,
                fork_delay=S // 2,
                terminate_delay=S // 2,
            ),
        )
        assert found.instances[0].tracking.files == (Track("tf", 1),)
        assert found.instances[0].tracking.processes == (Track("tp", 7),)

    def test_name_must_be_defined_above(self) -> None:
        loaded = reading(with_lines("track_script {", "chkk", "}") + SCRIPT)
        assert "C-UNDEFINED" in codes(loaded)
        near = reading(SCRIPT + with_lines("track_script {", "chkk", "}"))
        assert [one.what for one in near.diagnostics if one.code == "C-UNDEFINED"] == [
            "vrrp_script chkk is not defined before this line; nearest: chk"
        ]

    def test_own_interface_is_no_tracker(self) -> None:
        assert config(reading(with_lines("track_interface {", "eth0", "}"))).instances[0].tracking.interfaces == ()

    def test_owner_ignores_weights(self) -> None:
        text = SCRIPT + with_lines("priority 255", "track_script {", "chk", "}")
        assert config(reading(text)).instances[0].tracking.scripts == ()


class TestGroups:
    TWO = with_lines("track_script {", "chk", "}") + with_lines().replace("V {", "W {").replace(
        "router_id 5", "router_id 6"
    )

    def test_members_know_their_group_and_share_its_tracks(self) -> None:
        text = SCRIPT + self.TWO
        text += block(
            "vrrp_sync_group G", "group {", "V W", "}", "track_interface {", "eth1 weight 9", "}", "notify /n"
        )
        loaded = reading(text)
        found = config(loaded)
        assert found.groups[0].members == ("V", "W")
        assert found.groups[0].notify.any == Command(argv=("/n",))
        assert [one.sync_group for one in found.instances] == ["G", "G"]
        assert all(one.tracking.interfaces == (Track("eth1", 9),) for one in found.instances)
        assert found.instances[0].tracking.scripts == (), "weights of members are flattened"
        assert "C-ADJUSTED" in codes(loaded)

    @pytest.mark.parametrize(
        ("own", "of_group", "weights"),
        [
            ("chk weight 3", "chk weight 7", (7, 7)),
            ("chk weight 0", "chk weight 7", (0, 7)),
            ("chk weight 3", "chk weight 0", (0, 0)),
        ],
    )
    def test_script_of_both_counts_once(self, own: str, of_group: str, weights: tuple[int, int]) -> None:
        text = SCRIPT + self.TWO.replace("chk", own)
        text += block("vrrp_sync_group G", "group {", "V W", "}", "track_script {", of_group, "}")
        found = config(reading(text)).instances
        assert tuple(one.tracking.scripts[0].weight for one in found) == weights

    def test_weights_stay_where_the_group_allows_them(self) -> None:
        text = (
            SCRIPT
            + block("vrrp_sync_group G", "group {", "V", "W", "}", "sync_group_tracking_weight")
            + "\n"
            + self.TWO
        )
        assert whole(text).instances[0].tracking.scripts == (Track("chk", 5),)

    def test_members_that_cannot_be_are_named(self) -> None:
        loaded = reading(with_lines() + block("vrrp_sync_group G", "group {", "V", "X", "}"))
        assert config(loaded).groups[0].members == ("V",)
        assert [one.line for one in loaded.diagnostics if one.code == "C-MEANING"] == [9, 12]


class TestLines:
    def test_address_with_all_words(self) -> None:
        line = "10.0.0.1/24 brd + dev eth1 scope link label eth1:x home noprefixroute no_track"
        assert instance("virtual_ipaddress_excluded {", line, "}").excluded_addresses == (
            Address(
                address="10.0.0.1",
                prefix=24,
                interface="eth1",
                scope=253,
                label="eth1:x",
                broadcast="10.0.0.255",
                home=True,
                noprefixroute=True,
                track=False,
            ),
        )

    def test_ipv6_host_address_is_never_a_source(self) -> None:
        host, net, named = instance(
            "virtual_ipaddress_excluded {", "fe80::1", "FE80:0::2/64 -nodad", "fe80::3 preferred_lft forever", "}"
        ).excluded_addresses
        assert (host.preferred_lifetime_s, host.nodad) == (0, True)
        assert (net.address, net.preferred_lifetime_s, net.nodad) == ("fe80::2", None, False)
        assert named.preferred_lifetime_s is None

    def test_static_address_takes_the_default_interface(self) -> None:
        text = (
            block("global_defs", "default_interface eth7")
            + "\n"
            + block("static_ipaddress", "10.0.0.1/24", "10.0.0.2 dev x")
        )
        assert [one.interface for one in whole(text).static_addresses] == ["eth7", "x"]

    def test_routes(self) -> None:
        found = instance(
            "virtual_routes {",
            "10.1.0.0/16 via 10.0.0.1 dev eth0 src 10.0.0.2 metric 5 table 300 scope link"
            " mtu lock 1400 advmss 1300 onlink",
            "blackhole 10.2.0.0/16 no_track",
            "default nexthop via 10.0.0.1 weight 2 nexthop dev eth1 onlink",
            "}",
        ).routes
        assert found[0] == Route(
            destination="10.1.0.0/16",
            family=4,
            via="10.0.0.1",
            interface="eth0",
            source="10.0.0.2",
            metric=5,
            table=300,
            scope=253,
            mtu=1400,
            mtu_lock=True,
            metrics=(("advmss", 1300),),
            onlink=True,
            text=found[0].text,
        )
        assert (found[1].kind, found[1].destination, found[1].track) == ("blackhole", "10.2.0.0/16", False)
        assert found[2].nexthops == (NextHop(via="10.0.0.1", weight=2), NextHop(interface="eth1", onlink=True))

    def test_rules(self) -> None:
        found = config(
            reading(
                with_lines(
                    "virtual_rules {",
                    "not from 10.0.0.0/8 to 10.1.0.0/16 iif eth0 fwmark 5/0xff table main preference 7",
                    "from 10.0.0.0/8 blackhole",
                    "from fe80::/10 goto 30000",
                    "}",
                )
            )
        ).instances[0].rules  # fmt: skip
        assert found[0] == Rule(
            family=4,
            preference=7,
            source="10.0.0.0/8",
            destination="10.1.0.0/16",
            table=254,
            invert=True,
            fwmark=5,
            fwmask=0xFF,
            iif="eth0",
            text=found[0].text,
        )
        assert (found[1].action, found[1].preference) == ("blackhole", 16384)
        assert (found[2].family, found[2].action, found[2].goto, found[2].preference) == (6, "goto", 30000, 16383)


class TestFindings:
    def test_unknown_keyword_names_the_nearest_and_offers_to_write_it(self) -> None:
        loaded = reading(with_lines("priorty 50"))
        (one,) = loaded.diagnostics
        assert (one.code, one.line, one.column, one.end_column, one.exit_code) == ("C-UNKNOWN", 7, 5, 12, 5)
        assert "nearest: priority" in one.what
        assert one.fix
        assert one.fix.edits[0].text == "priority"

    def test_misplaced_keyword_names_its_home(self) -> None:
        (one,) = reading("global_defs {\npriority 5\n}").diagnostics
        assert "it belongs in vrrp_instance" in one.what

    def test_unknown_block_ends_the_block_around_it_as_in_keepalived(self) -> None:
        loaded = reading(with_lines("bogus {", "priority 7", "}", "priority 8"))
        assert config(loaded).instances[0].priority == 7
        assert [one.code for one in loaded.diagnostics] == ["C-UNKNOWN", "C-BRACE-OPEN", "C-UNKNOWN", "C-BRACE"]

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (with_lines(), 0),
            (with_lines("priority 256"), 5),
            (with_lines("priority"), 2),
            (with_lines("priority", "bogus"), 2),
            ("includem nothing.conf\n" + with_lines("bogus"), 6),
            (with_lines("nopreempt off"), 0),
            (with_lines("owner_ignore_adverts"), 5),
        ],
    )
    def test_exit_code_is_that_of_keepalived(self, text: str, code: int) -> None:
        assert exit_code(reading(text).diagnostics) == code

    @pytest.mark.parametrize(
        "text",
        [
            with_lines().replace("virtual_router_id 5", ""),
            with_lines().replace("interface eth0", ""),
            with_lines("version 3").replace("10.211.55.50", ""),
            with_lines() + with_lines().replace("V {", "W {"),
            with_lines("priority"),
        ],
    )
    def test_fatal_settings_give_no_model(self, text: str) -> None:
        loaded = reading(text)
        assert loaded.config is None
        assert loaded.statements

    def test_absent_file_gives_no_model(self) -> None:
        loaded = reading("include x.conf")
        assert loaded.config is not None
        assert load("/nowhere", *files_of({})).config is None

    def test_findings_come_in_the_order_of_the_text(self) -> None:
        loaded = reading(with_lines("bogus", "priority 300", "nopreempt", "state MASTER", "other"))
        places = [(one.line, one.column) for one in loaded.diagnostics]
        assert places == sorted(places)

    def test_words_that_are_ignored_are_named(self) -> None:
        (one,) = reading(with_lines("nopreempt 1")).diagnostics
        assert (one.code, one.severity, one.column) == ("C-EXTRA", "warning", 15)


class TestFingerprint:
    def test_is_about_meaning_not_about_text(self) -> None:
        plain = whole(with_lines())
        spaced = whole("# comment\n\n" + with_lines().replace("    ", "\t"))
        assert plain.fingerprint == spaced.fingerprint == fingerprint(plain)
        assert plain.instances[0].line != spaced.instances[0].line

    def test_differs_when_the_meaning_does(self) -> None:
        assert whole(with_lines()).fingerprint != whole(with_lines("priority 99")).fingerprint


def test_model_travels_as_msgpack() -> None:
    found = whole(
        SCRIPT + with_lines("track_script {", "chk", "}", "use_vmac", "virtual_routes {", "default dev x", "}")
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Config) == found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.sampled_from([*fuzz_config.words(), *fuzz_config.PIECES]), max_size=40), st.sampled_from(" \n"))
def test_any_words_in_any_order_are_read(words: list[str], between: str) -> None:
    fuzz_config.check(between.join(words))


def test_fuzzing_finds_nothing() -> None:
    count, failing = fuzz_config.fuzz(5.0, seed=20260101)
    assert failing == ""
    assert count > 10


@pytest.mark.parametrize(
    "text",
    [
        with_lines("state SLAVE"),
        with_lines() + "vrrp_sync_group G {\n group {\n V\n }\n}\n",
        block("global_defs", "vrrp_garp_interval 0") + "\n" + with_lines(),
        "virtual_server 10.0.0.9 80 {\n real_server 10.0.0.10 80 {\n weight 1\n }\n}\n" + with_lines(),
    ],
    ids=["state", "group of one", "interval 0", "service without scheduler"],
)
def test_what_keepalived_remarks_on_and_runs_with_does_not_keep_a_file_from_being_loaded(text: str) -> None:
    loaded = reading(text)
    assert exit_code(loaded.diagnostics) == 5
    assert {one.severity for one in loaded.diagnostics} <= {"warning", "info"}
    assert loaded.config is not None
