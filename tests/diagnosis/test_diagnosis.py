"""Each D code: one scene that provokes it, and one like it in which nothing may be said.

The verdicts on packets are the Router's own: every advert of a scene goes through it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from engine import messages as m
from engine.codes import CODES
from engine.config.model import NS_PER_S, Authentication, AuthHmac, Config, HmacKey, UnicastPeer
from engine.diagnosis import Announcement, Facts, Runs, Tally, diagnose
from engine.protocol.packet import seal
from tests.scenarios.build import config, group, instance, script
from tests.scenarios.octets import advert, ip4
from tests.scenarios.rig import Rig, interface

S = NS_PER_S
OURS, THEIRS = "02:00:00:00:00:01", "02:00:00:00:00:09"
GROUPS = {"eth0": frozenset({"224.0.0.18", "224.0.0.1"})}
Told = Callable[["Scene"], object]


class Scene:
    """A Router with an interface, a tap beside it, and what becomes known of the host."""

    def __init__(self, *instances: Any, whole: Config | None = None) -> None:
        self.config = whole or config(*(instances or (instance(),)))
        self.rig = Rig(self.config)
        self.tally = Tally()
        self.more: dict[str, Any] = {"groups": GROUPS}
        self.tally.begin(self.rig.now)
        self.began = self.rig.now

    def hear(self, times: int = 3, *, unseen: bool = False, gap: int = S, **fields: Any) -> None:
        """Adverts of another router, one a gap; `unseen`: the firewall takes them."""
        for _ in range(times):
            self.rig.pass_time(gap)
            datagram = advert(**{"priority": 200, **fields})
            verdict, name, detail = m.Verdict.UNSEEN, self.config.instances[0].name, ""
            if not unseen:
                judged = next(one for one in self.rig.give(datagram) if isinstance(one, m.PacketJudged))
                verdict, name, detail = judged.verdict, judged.instance or name, judged.detail
            frame = bytes.fromhex("01005e000012" + THEIRS.replace(":", "") + "0800") + datagram.data
            self.tally.note(m.PacketLine(1, self.rig.now, 0, "eth0", "in", "advert", frame, name, verdict, detail))

    def announced(self, mac: str, address: str = "10.0.0.50") -> None:
        """Somebody announces an address by gratuitous ARP."""
        self.more.setdefault("announcements", ())
        self.more["announcements"] += (Announcement(address, mac, self.rig.now),)

    def master(self) -> None:
        """Silence until we are master, and the address is on."""
        self.rig.become_master()
        self.put()

    def put(self, *, present: bool = True, address: str = "10.0.0.50", foreign: bool = False) -> None:
        """The kernel says that the address is on, or off."""
        self.rig.give(m.AddressChanged(interface="eth0", address=address, prefix=24, present=present, foreign=foreign))

    def found(self) -> dict[str, m.FindingStatus]:
        """The findings by code, the first of each."""
        statuses = self.rig.router.statuses()
        facts = Facts(
            **{
                "now": self.rig.now,
                "config": self.config,
                "instances": tuple(one for one in statuses if isinstance(one, m.InstanceStatus)),
                "trackers": tuple(one for one in statuses if isinstance(one, m.TrackerStatus)),
                "interfaces": tuple(one for one in statuses if isinstance(one, m.InterfaceStatus)),
                "sampled": self.rig.now - self.began,
                "senders": self.tally.senders,
                **self.more,
            }
        )
        found: dict[str, m.FindingStatus] = {}
        for one in diagnose(facts):
            found.setdefault(one.code, one)
        return found


def lost(scene: Scene, *, restored: bool = True, ago: int = S) -> None:
    scene.more["lost"] = ((scene.rig.now - ago, m.AddressLost("VI_1", "10.0.0.50", "eth0", restored)),)


def near(scene: Scene, text: str, ago: int = S) -> None:
    scene.more["near"] = ((scene.rig.now - ago, m.NearMiss("VI_1", text)),)


def runs(scene: Scene, *durations_ms: int, changes: int = 0) -> None:
    scene.more["runs"] = (Runs("chk", tuple(one * 1_000_000 for one in durations_ms), changes),)


def passed(scene: Scene, seconds: float) -> None:
    scene.rig.pass_time(int(seconds * S))


def both(*steps: Told) -> Told:
    def run(scene: Scene) -> None:
        for step in steps:
            step(scene)

    return run


def turned(scene: Scene, gap_s: float, peer: str = "10.0.0.9", cause: m.Cause = m.Cause.FAULT_CLEARED) -> None:
    """A way up after a fault, mastership 4 s later, and its end after `gap_s`."""
    first = scene.rig.now
    changes = (
        (0, m.State.FAULT, m.State.BACKUP, cause, ""),
        (4, m.State.BACKUP, m.State.MASTER, m.Cause.MASTER_NO_RESPONSE, "10.0.0.9"),
        (gap_s, m.State.MASTER, m.State.BACKUP, m.Cause.PEER_HIGHER, peer),
    )
    scene.more["turns"] = tuple(
        (first + int(at * S), m.StateChanged("VI_1", old, new, why, peer=other)) for at, old, new, why, other in changes
    )
    passed(scene, gap_s + 1)


UNICAST = instance(unicast=True, unicast_peers=())
PASS = instance(authentication=Authentication(kind="pass", key=b"abcdefgh"))
V3 = instance(version=3)
OWNER = instance(priority=255)
IGNORING = instance(priority=255, owner_ignore_adverts=True)
PEERED = instance(unicast=True, unicast_peers=(UnicastPeer(address="10.0.0.8"),), check_unicast_source=True)
GROUPED = config(
    instance(),
    instance("VI_2", vrid=51, address="10.0.1.50/24", interface="eth1"),
    groups=(group("G", "VI_1", "VI_2"),),
)
GROUPED = msgspec.structs.replace(
    GROUPED, instances=tuple(msgspec.structs.replace(one, sync_group="G") for one in GROUPED.instances)
)
SCRIPTED = config(instance(scripts=(("chk", -10),)), scripts=(script("chk", timeout=2 * S),))

CASES: list[tuple[str, Any, Told, Told]] = [
    (
        "D-FW-IN",
        None,
        both(lambda s: s.master(), lambda s: s.hear(unseen=True)),
        # one slow verdict among good ones is no firewall; nor is a peer that says goodbye
        both(lambda s: s.hear(5), lambda s: s.hear(2, unseen=True)),
    ),
    (
        "D-MCAST-LOST",
        None,
        lambda s: s.more.update(groups={"eth0": frozenset({"224.0.0.1"})}),
        lambda s: s.more.update(groups=None),  # unreadable: nothing is said
    ),
    (
        "D-MCAST-LOST",
        None,
        both(lambda s: s.master(), lambda s: passed(s, 12), lambda s: s.announced(THEIRS)),
        # the same, but adverts do arrive: the other master's announcement is explained by them
        both(lambda s: s.master(), lambda s: s.hear(12, priority=50), lambda s: s.announced(THEIRS)),
    ),
    (
        "D-UNICAST-CLASS",
        None,
        lambda s: s.hear(destination="10.0.0.1"),
        lambda s: s.hear(1, destination="10.0.0.1"),
    ),
    (
        "D-VRID-CLASH",
        PASS,
        lambda s: s.hear(addresses=("10.9.9.9",), auth_type=1, password=b"another"),
        lambda s: s.hear(addresses=("10.0.0.50",), auth_type=1, password=b"another"),
    ),
    (
        "D-VIP-MISMATCH",
        None,
        lambda s: s.hear(addresses=("10.0.0.50", "10.0.0.51")),
        lambda s: s.hear(addresses=("10.0.0.50",)),
    ),
    (
        "D-AUTH",
        PASS,
        lambda s: s.hear(auth_type=1, password=b"another"),
        lambda s: s.hear(auth_type=1, password=b"another", addresses=("10.9.9.9",)),
    ),
    ("D-AUTH", None, lambda s: s.hear(auth_type=1, password=b"x"), lambda s: s.hear(1, auth_type=1, password=b"x")),
    ("D-ADVINT", None, lambda s: s.hear(interval=2), lambda s: s.hear(interval=1)),
    ("D-ADVINT", V3, lambda s: s.hear(version=3, interval=200), lambda s: s.hear(version=3, interval=100)),
    ("D-VERSION", None, lambda s: s.hear(version=3), lambda s: s.hear(version=2)),
    ("D-CSUM", V3, lambda s: s.hear(version=3, pseudo=False), lambda s: s.hear(version=3, pseudo=True)),
    ("D-CSUM", None, lambda s: s.hear(checksum=0x1234), lambda s: s.hear(1, checksum=0x1234)),
    ("D-PACKET", None, lambda s: s.hear(count=3), lambda s: s.hear(1, count=3)),
    ("D-TTL", None, lambda s: s.hear(ttl=64), lambda s: s.hear(ttl=255)),
    ("D-OWN", None, lambda s: s.hear(source="10.0.0.1"), lambda s: s.hear(source="10.0.0.2")),
    ("D-OWN", None, lambda s: s.hear(source="10.0.0.1", unseen=True), lambda s: s.hear(source="10.0.0.2", unseen=True)),
    ("D-OWNER", OWNER, lambda s: s.hear(priority=255), lambda s: s.hear(priority=254)),
    ("D-OWNER", IGNORING, lambda s: s.hear(priority=255), lambda s: s.hear(priority=254)),
    (
        "D-SOURCE",
        PEERED,
        lambda s: s.hear(destination="10.0.0.1"),
        lambda s: s.hear(source="10.0.0.8", destination="10.0.0.1"),
    ),
    (
        "D-PRIO-EQUAL",
        None,
        lambda s: s.hear(priority=100),
        both(lambda s: s.hear(priority=100), lambda s: s.master(), lambda s: passed(s, 30)),  # gone long ago
    ),
    (
        "D-TWO-ENGINES",
        None,
        lambda s: s.more.update(others=("keepalived (pid 812)",)),
        lambda s: s.more.update(others=()),
    ),
    (
        "D-FAULT-STUCK",
        GROUPED,
        both(lambda s: s.rig.give(interface("eth1", up=False)), lambda s: passed(s, 11)),
        both(lambda s: s.rig.give(interface("eth0", up=False)), lambda s: s.rig.give(interface("eth1", up=False))),
    ),
    (
        "D-ARP-STALE",
        None,
        both(lambda s: s.master(), lambda s: passed(s, 8), lambda s: s.announced(THEIRS), lambda s: passed(s, 4)),
        both(lambda s: s.master(), lambda s: passed(s, 8), lambda s: s.announced(OURS), lambda s: passed(s, 4)),
    ),
    (
        "D-ARP-STALE",
        None,
        both(lambda s: s.master(), lambda s: passed(s, 8), lambda s: s.announced(THEIRS), lambda s: passed(s, 4)),
        # before this node announced it itself: that is how it should be
        both(lambda s: s.announced(THEIRS), lambda s: passed(s, 1), lambda s: s.master(), lambda s: passed(s, 8)),
    ),
    (
        "D-VIP-GONE",
        None,
        both(lambda s: s.rig.become_master(), lambda s: passed(s, 4)),
        both(lambda s: s.master(), lambda s: passed(s, 4)),
    ),
    ("D-VIP-GONE", None, lambda s: lost(s), lambda s: lost(s, ago=700 * S)),
    (
        "D-VIP-ORPHAN",
        None,
        both(lambda s: s.hear(5), lambda s: s.put(foreign=True)),
        both(lambda s: s.master(), lambda s: passed(s, 5)),
    ),
    (
        "D-STALL",
        None,
        lambda s: near(s, "this engine stood still for 2.800 s; a backup takes over after 3.000 s"),
        lambda s: near(s, "1 advert of 10.0.0.9 missed; the next came 0.609 s before the take-over"),
    ),
    ("D-LINK-GAP", None, lambda s: turned(s, 20), lambda s: turned(s, 60)),  # later: that master was away meanwhile
    ("D-LINK-GAP", None, lambda s: turned(s, 20), lambda s: turned(s, 20, peer="10.0.0.8")),  # another router came
    ("D-LINK-GAP", None, lambda s: turned(s, 20), lambda s: turned(s, 20, cause=m.Cause.STARTUP)),  # no link came up
    (
        "D-INTERFACE",
        None,
        both(lambda s: s.rig.give(interface(exists=False)), lambda s: passed(s, 4)),
        both(lambda s: s.rig.give(interface(up=False)), lambda s: passed(s, 4)),
    ),
    (
        "D-SCRIPT-SLOW",
        SCRIPTED,
        lambda s: runs(s, 100, 1900, 200, 1900, 1800),
        lambda s: runs(s, 100, 1900, 200, 100, 90),
    ),
    ("D-SCRIPT-SLOW", SCRIPTED, lambda s: runs(s, 10, changes=4), lambda s: runs(s, 10, changes=3)),
]


@pytest.mark.parametrize(
    ("code", "setting", "wrong", "_alike"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)]
)
def test_scene_is_diagnosed(code: str, setting: Any, wrong: Told, _alike: Told) -> None:
    scene = made(setting)
    wrong(scene)
    found = scene.found()
    assert code in found, sorted(found)
    one = found[code]
    assert code in CODES
    assert one.text
    assert one.fix
    assert one.severity in ("error", "warning", "info")


@pytest.mark.parametrize(
    ("code", "setting", "_wrong", "alike"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)]
)
def test_scene_that_looks_alike_is_silent(code: str, setting: Any, _wrong: Told, alike: Told) -> None:
    scene = made(setting)
    alike(scene)
    assert code not in scene.found()


def made(setting: Any) -> Scene:
    return Scene(whole=setting) if isinstance(setting, Config) else Scene(*([setting] if setting else []))


def test_healthy_backup_and_healthy_master_have_no_findings_at_all() -> None:
    scene = Scene()
    scene.hear(20)
    assert scene.found() == {}
    scene = Scene()
    scene.master()
    scene.announced(OURS)
    passed(scene, 30)
    assert scene.found() == {}


def test_nothing_known_gives_no_findings() -> None:
    assert diagnose(Facts(now=S)) == []


def test_backup_without_a_master_names_the_member_that_holds_its_group() -> None:
    """The Router does not come to this; an engine in trouble, or an observed one, does."""
    status = Scene().rig.status()
    alone = msgspec.structs.replace(status, since=S, heard_at=0, master="", timer="master-down")
    held = msgspec.structs.replace(alone, name="VI_2", state=m.State.FAULT, faults=("eth1 has no IPv4 address",))
    pair = tuple(msgspec.structs.replace(one, sync_group="G") for one in (alone, held))
    at = S + 2 * status.master_down_interval
    (found,) = [one for one in diagnose(Facts(now=at + 1, instances=pair)) if one.code == "D-NO-MASTER"]
    assert "VI_2 holds its sync group in FAULT: eth1 has no IPv4 address" in found.text
    assert not [one for one in diagnose(Facts(now=at, instances=pair)) if one.code == "D-NO-MASTER"]


def test_refused_trailer_is_named_with_its_reason() -> None:
    from engine.diagnosis import Sender

    status = msgspec.structs.replace(Scene().rig.status(), state=m.State.BACKUP)
    words = "its clock is 7.100 s apart from ours"
    sender = Sender(
        "eth0",
        4,
        50,
        "10.0.0.9",
        "VI_1",
        addresses=("10.0.0.50",),
        seen=4,
        verdicts={m.Verdict.AUTH_HMAC: 4},
        details={m.Verdict.AUTH_HMAC: words},
    )
    (found,) = diagnose(Facts(now=S, instances=(status,), senders=(sender,), sampled=4 * S))
    assert (found.code, found.severity) == ("D-HMAC", "error")
    assert words in found.text
    sender.verdicts = {m.Verdict.AUTH_HMAC: 1, m.Verdict.OK: 3}
    assert diagnose(Facts(now=S, instances=(status,), senders=(sender,), sampled=4 * S)) == []


@pytest.mark.parametrize(("ahead_s", "words"), [(4.1, "4.1 s ahead of ours"), (-3.6, "3.6 s behind ours"), (3.4, "")])
def test_clock_that_nears_the_end_of_the_window_is_named_before_adverts_are_refused(ahead_s: float, words: str) -> None:
    key = HmacKey(key_id=1, key=bytes(range(32)))
    scene = Scene(instance(version=3, auth_hmac=AuthHmac(keys=(key,), active_key=1)))
    scene.rig.router.wall_offset = 1_800_000_000 * S
    for _ in range(3):
        scene.rig.pass_time(S)
        wall = scene.rig.now + scene.rig.router.wall_offset
        stamp = wall + int(ahead_s * S)
        body = advert(version=3, priority=200)
        source = bytes((10, 0, 0, 9))
        payload = body.data[20:] + seal(body.data[20:], source, 1, key.key, stamp * 65536 // S << 16)
        datagram = m.DatagramReceived(interface="eth0", family=4, data=ip4(payload))
        judged = next(one for one in scene.rig.give(datagram) if isinstance(one, m.PacketJudged))
        frame = bytes.fromhex("01005e000012" + THEIRS.replace(":", "") + "0800") + datagram.data
        line = m.PacketLine(
            1, scene.rig.now, wall, "eth0", "in", "advert", frame, "VI_1", judged.verdict, judged.detail
        )
        scene.tally.note(line)
    found = scene.found()
    assert set(found) == ({"D-HMAC"} if words else set())
    if words:
        assert words in found["D-HMAC"].text
        assert "the window is 5 s" in found["D-HMAC"].text


@pytest.mark.parametrize(("share", "named"), [(0.63, True), (0.01, False)])
def test_stall_names_stolen_processor_time_where_there_was_some(share: float, named: bool) -> None:
    scene = Scene()
    near(scene, "this engine stood still for 2.800 s; a backup takes over after 3.000 s")
    scene.more["stolen"] = {scene.rig.now - S: share}
    found = scene.found()["D-STALL"]
    assert ("CPU steal 63 %" in found.text) is named
    assert ("hypervisor" in found.fix) is named


def test_instance_of_a_drill_is_left_alone() -> None:
    scene = Scene()
    scene.master()
    scene.hear(unseen=True)
    scene.more["impaired"] = frozenset({"VI_1"})
    assert scene.found() == {}


def test_every_code_of_the_wire_and_the_host_has_a_case() -> None:
    import inspect

    from engine.diagnosis import host, wire

    source = inspect.getsource(wire) + inspect.getsource(host)
    told = {code for code in CODES if code.startswith("D-") and f'"{code}"' in source}
    elsewhere = {"D-NO-MASTER", "D-HMAC", "D-TWO-MASTERS"}  # by tests of their own; the last is the console's
    assert told - elsewhere == {case[0] for case in CASES}
    assert {code for code in CODES if code.startswith("D-")} <= told | elsewhere


def test_password_never_stands_in_a_finding() -> None:
    scene = Scene(PASS)
    scene.hear(auth_type=1, password=b"s3cr3t!!")
    text = repr(scene.found())
    assert "s3cr3t" not in text
    assert "abcdefgh" not in text
