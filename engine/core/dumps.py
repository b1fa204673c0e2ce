"""What keepalived writes on SIGUSR1, SIGUSR2 and SIGJSON: the same files, words and keys, for the tools that read them.

Invariant: everything in a dump is true of hatui; a word of keepalived's about something that hatui does not have
is left out, and so is every password. A file appears whole or not at all, readable by its owner alone, and what lies
at its path, a link included, is replaced, never followed.
Source: keepalived(8) SIGNALS; keepalived 2.2.7 as it runs.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.config.model import NS_PER_S, Address, Command, Config, Globals, Instance, TrackedProcess
from engine.messages import ClearCounters, InstanceStatus, InterfaceStatus, State, Status

DATA, STATS, JSON, STATS_CLEAR = signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 2, signal.SIGRTMAX - 1
SIGNALS: tuple[int, ...] = (DATA, STATS, JSON, STATS_CLEAR)
_FILES: dict[int, str] = {
    DATA: "keepalived.data",
    STATS: "keepalived.stats",
    JSON: "keepalived.json",
    STATS_CLEAR: "keepalived.stats",
}
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
_AUTHENTICATION = {"none": 0, "pass": 1, "ah": 2}
_SCRIPTS = {
    "any": "script",
    "backup": "script_backup",
    "master": "script_master",
    "fault": "script_fault",
    "stop": "script_stop",
    "deleted": "script_deleted",
    "master_rx_lower_pri": "script_master_rx_lower_pri",
}
_STATISTICS = (
    "advert_rcvd", "advert_sent", "become_master", "release_master", "packet_len_err", "advert_interval_err",
    "ip_ttl_err", "invalid_type_rcvd", "addr_list_err", "invalid_authtype", "authtype_mismatch", "auth_failure",
    "pri_zero_rcvd", "pri_zero_sent",
)  # fmt: skip

Pair = tuple[Instance, InstanceStatus]
Wall = Callable[[int], float]
"""An instant (engine's clock, ns) as seconds of the wall clock."""


def write(
    number: int,
    config: Config,
    statuses: Iterable[Status],
    wall: Wall,
    directory: Path | None = None,
    running: Mapping[str, int] | None = None,
) -> Path:
    """Write the dump that a signal asks for. Returns its path. `running`: how many processes of each track process
    there are.

    Raises:
        OSError: it cannot be written.
    """
    statuses = tuple(statuses)
    known = {one.name: one for one in statuses if isinstance(one, InstanceStatus)}
    pairs = [(one, known[one.name]) for one in config.instances if one.name in known]
    if number == JSON:
        text = json_dump(pairs, wall)
        if config.globals.json_version == 2:
            text = json_dump_2(pairs, config, running or {}, wall)
    elif number == DATA:
        interfaces = {one.name: one for one in statuses if isinstance(one, InterfaceStatus)}
        text = data_dump(config, pairs, interfaces, wall)
    else:
        text = stats_dump(pairs)
    path = path_of(number, config.globals, directory)
    _replace(path, text)
    return path


def path_of(number: int, settings: Globals, directory: Path | None = None) -> Path:
    """Where the dump of a signal goes. A name without a directory is one in the temporary directory."""
    wished = {DATA: settings.state_dump_file, JSON: settings.json_dump_file}.get(number, settings.stats_dump_file)
    return (directory or Path(tempfile.gettempdir())) / (wished or _FILES[number])


def counted(statuses: Iterable[Status]) -> ClearCounters:
    """What a dump of the statistics has told, to be taken off the counters: what comes in meanwhile counts on."""
    return ClearCounters(tuple((one.name, one.counters) for one in statuses if isinstance(one, InstanceStatus)))


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # 0600, never an existing file
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def stats_dump(pairs: Iterable[Pair]) -> str:
    """keepalived.stats."""
    lines = []
    for config, status in pairs:
        counters = status.counters
        lines += [
            f"VRRP Instance: {config.name}",
            "  Advertisements:",
            f"    Received: {counters.advert_rcvd}",
            f"    Sent: {counters.advert_sent}",
            f"  Became master: {counters.become_master}",
            f"  Released master: {counters.release_master}",
            "  Packet Errors:",
            f"    Length: {counters.packet_len_err}",
            f"    TTL: {counters.ip_ttl_err}",
            f"    Invalid Type: {counters.invalid_type_rcvd}",
            f"    Advertisement Interval: {counters.advert_interval_err}",
            f"    Address List: {counters.addr_list_err}",
            "  Authentication Errors:",
            f"    Invalid Type: {counters.invalid_authtype}",
            f"    Type Mismatch: {counters.authtype_mismatch}",
            f"    Failure: {counters.auth_failure}",
            "  Priority Zero:",
            f"    Received: {counters.pri_zero_rcvd}",
            f"    Sent: {counters.pri_zero_sent}",
        ]
    return "".join(f"{line}\n" for line in lines)


def json_dump(pairs: Iterable[Pair], wall: Wall) -> str:
    """keepalived.json, version 1."""
    return msgspec.json.encode(_instances(pairs, wall)).decode() + "\n"


def json_dump_2(pairs: Iterable[Pair], config: Config, running: Mapping[str, int], wall: Wall) -> str:
    """keepalived.json, version 2: the instances have a name, the track processes stand beside them.
    Source: keepalived.conf(5) json_version; the output shown in keepalived's pull request 2250."""
    processes = [_process(one, running.get(one.name, 0)) for one in config.processes]
    return msgspec.json.encode({"vrrp": _instances(pairs, wall), "track_process": processes}).decode() + "\n"


def _instances(pairs: Iterable[Pair], wall: Wall) -> list[dict[str, Any]]:
    return [
        {"data": _data(config, status, wall), "stats": {name: getattr(status.counters, name) for name in _STATISTICS}}
        for config, status in pairs
    ]


def _process(config: TrackedProcess, running: int) -> dict[str, Any]:
    most = config.quorum_max
    found: dict[str, Any] = {
        "process": config.name,
        "param_match": config.param_match or ("exact" if len(config.argv) > 1 else "none"),
        "min_processes": config.quorum,
    }
    if most is not None:
        found["max_processes"] = most
    return found | {
        "current_processes": running,
        "have_quorum": config.quorum <= running and (most is None or running <= most),
        "weight": config.weight,
        "terminate_delay": _seconds(config.terminate_delay),
        "fork_delay": _seconds(config.fork_delay),
        "full_command": config.full_command,
    }


def _data(config: Instance, status: InstanceStatus, wall: Wall) -> dict[str, Any]:
    timing, notify, tracking = config.announce, config.notify, config.tracking
    master = status.state is State.MASTER
    found: dict[str, Any] = {
        "iname": config.name,
        "dont_track_primary": int(not config.track_primary),
        "skip_check_adv_addr": int(config.skip_check_adv_addr),
        "strict_mode": int(config.strict),
        "vmac_ifname": next((one.interface for one in status.addresses), "") if config.vmac is not None else "",
        "ifp_ifname": config.interface,
        "master_priority": 0 if master else status.master_priority,
        "last_transition": round(wall(status.since), 6),
        "garp_delay": timing.master_delay // NS_PER_S,
        "garp_refresh": timing.master_refresh // NS_PER_S,
        "garp_rep": timing.master_repeat,
        "garp_refresh_rep": timing.master_refresh_repeat,
        "garp_lower_prio_delay": timing.lower_prio_delay // NS_PER_S,
        "garp_lower_prio_rep": timing.lower_prio_repeat,
        "lower_prio_no_advert": int(config.lower_prio_no_advert),
        "higher_prio_send_advert": int(config.higher_prio_send_advert),
        "vrid": config.vrid,
        "base_priority": config.priority,
        "effective_priority": status.priority,
        "vipset": bool(status.addresses) and all(one.present for one in status.addresses),
        "promote_secondaries": config.promote_secondaries,
        "adver_int": _seconds(config.advert_interval),
        "master_adver_int": _seconds(status.master_advert_interval),
        "accept": int(status.accept),
        "nopreempt": not config.preempt,
        "preempt_delay": _seconds(config.preempt_delay),
        "state": status.state.number,
        "wantstate": status.state.number,
        "version": config.version,
        "smtp_alert": notify.smtp_alert,
        "notify_deleted": notify.deleted_reported,
    }
    for field, key in _SCRIPTS.items():
        command: Command | None = getattr(notify, field)
        if command is not None:
            found[key] = " ".join(command.argv)
    lists = {
        "vips": _addresses(config.addresses, status),
        "evips": _addresses(config.excluded_addresses, status),
        "vroutes": [one.text for one in config.routes],
        "vrules": [one.text for one in config.rules],
        "track_ifp": [one.name for one in tracking.interfaces],
        "track_script": [one.name for one in tracking.scripts],
    }
    found |= {key: texts for key, texts in lists.items() if texts}
    found["auth_type"] = _AUTHENTICATION[config.authentication.kind]
    return found


def _seconds(duration: int) -> int | float:
    whole, rest = divmod(duration, NS_PER_S)
    return round(duration / NS_PER_S, 6) if rest else whole


def _addresses(addresses: Iterable[Address], status: InstanceStatus) -> list[str]:
    """As in "10.0.0.50 dev eth0 scope global set"."""
    known = {one.address: one for one in status.addresses}
    texts = []
    for one in addresses:
        there = known.get(one.address)
        text = one.address if one.prefix == (32 if one.family == 4 else 128) else str(one)
        text += f" dev {there.interface if there else one.interface} scope {_SCOPES.get(one.scope, one.scope)}"
        texts.append(text + (f" label {one.label}" if one.label else "") + (" set" if there and there.present else ""))
    return texts


def data_dump(config: Config, pairs: Iterable[Pair], interfaces: Mapping[str, InterfaceStatus], wall: Wall) -> str:
    """keepalived.data."""
    lines = ["------< Global definitions >------", f" Router ID = {config.globals.router_id}"]
    lines.append("------< VRRP Topology >------")
    for one, status in pairs:
        lines += _topology(one, status, wall)
    if config.groups:
        lines.append("------< VRRP Sync groups >------")
    for group in config.groups:
        lines += [f" VRRP Sync Group = {group.name}", *(f"     {name}" for name in group.members)]
    lines.append("------< Interfaces >------")
    for name, facts in interfaces.items():
        lines.append(f" Name = {name}")
        lines += [f"   IPv{6 if ':' in one else 4} address = {one.partition('/')[0]}" for one in facts.addresses]
        up = "UP, RUNNING" if facts.up else "DOWN" if facts.exists else "NO INTERFACE"
        lines += [f"   MAC = {facts.mac}", f"   State = {up}", f"   MTU = {facts.mtu}"]
    return "".join(f"{line}\n" for line in lines)


def _topology(config: Instance, status: InstanceStatus, wall: Wall) -> list[str]:
    timing, since = config.announce, wall(status.since)
    interval = config.advert_interval
    told = f"{interval // NS_PER_S} sec" if config.version == 2 else f"{interval // 1_000_000} milli-sec"
    lines = [
        f" VRRP Instance = {config.name}",
        f"   VRRP Version = {config.version}",
        f"   State = {status.state}",
        f"   Last transition = {since:.6f} ({datetime.fromtimestamp(since).astimezone():%a %b %d %H:%M:%S %Y})",
        f"   Master down timer = {status.master_down_interval // 1000} usecs",
        f"   Interface = {config.interface}",
        f"   Using src_ip = {status.source}" if status.source else "   Using src_ip = (none)",
    ]
    if not config.unicast:
        lines.append(f"   Multicast address {config.group_address}")
    lines += [f"   Unicast Peer = {peer.address}" for peer in config.unicast_peers]
    lines += [
        f"   Gratuitous ARP delay = {timing.master_delay // NS_PER_S}",
        f"   Gratuitous ARP repeat = {timing.master_repeat}",
        f"   Gratuitous ARP refresh = {timing.master_refresh // NS_PER_S}",
        f"   Gratuitous ARP refresh repeat = {timing.master_refresh_repeat}",
        f"   Gratuitous ARP lower priority delay = {timing.lower_prio_delay // NS_PER_S}",
        f"   Gratuitous ARP lower priority repeat = {timing.lower_prio_repeat}",
        f"   Down timer adverts = {config.down_timer_adverts}",
        f"   Virtual Router ID = {config.vrid}",
        f"   Priority = {config.priority}",
        f"   Effective priority = {status.priority}",
        f"   Advert interval = {told}",
        f"   Accept = {'enabled' if status.accept else 'disabled'}",
        f"   Preempt = {'enabled' if status.preempt else 'disabled'}",
    ]
    if config.preempt_delay:
        lines.append(f"   Preempt delay = {config.preempt_delay / NS_PER_S:g} secs")
    lines.append(f"   Promote_secondaries = {'enabled' if config.promote_secondaries else 'disabled'}")
    for title, addresses in (("IP", config.addresses), ("IP Excluded", config.excluded_addresses)):
        if addresses:
            lines.append(f"   Virtual {title} ({len(addresses)}):")
            lines += [f"     {text}" for text in _addresses(addresses, status)]
    return lines
