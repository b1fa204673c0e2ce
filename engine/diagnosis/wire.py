"""Findings from what other routers send.

Invariant: one odd packet is no finding; a sender is judged by at least `ENOUGH` of them, and by the first test that
they fail. Where two explanations fit, the one that the octets prove is said (addresses before passwords).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from engine.diagnosis.facts import Facts, Sender
from engine.messages import FindingStatus, InstanceStatus, State, Verdict

ENOUGH = 2
"""Adverts of one kind that make a finding."""
DEAF = 3
"""Adverts of one sender, all of them unseen, that speak for a firewall."""
SETTLED = 3_000_000_000
"""ns after a change of state in which nothing is said of announcements."""
NEAR_LIMIT = 0.7
"""Part of the window of a keyed trailer."""
AUTH = (Verdict.AUTH_TYPE, Verdict.AUTH_TYPE_UNKNOWN, Verdict.AUTH_DATA, Verdict.AH)
MALFORMED = (Verdict.LENGTH, Verdict.TYPE, Verdict.TOTAL_LENGTH, Verdict.COUNT_ZERO, Verdict.INTERVAL_ZERO)
RUNNING = (State.BACKUP, State.MASTER)

Rule = Callable[[Facts], Iterable[FindingStatus]]


def finding(
    code: str, severity: str, instance: str, text: str, fix: str, *evidence: str, subject: str = ""
) -> FindingStatus:
    """One finding. `subject` parts two of one code and instance, such as two senders."""
    name = " ".join(filter(None, (code, instance, subject)))
    return FindingStatus(name, code, severity, instance, text, evidence, fix)


def _ours(facts: Facts) -> Iterator[tuple[Sender, InstanceStatus]]:
    """Each foreign sender of a VRID of ours, with the instance that ought to hear it."""
    known = {one.name: one for one in facts.instances}
    for sender in facts.senders:
        status = known.get(sender.instance)
        if status is not None and sender.source != status.source and status.name not in facts.impaired:
            yield sender, status


def _own_addresses(status: InstanceStatus) -> frozenset[str]:
    return frozenset(one.address for one in status.addresses if one.advertised)


def _stranger(sender: Sender, status: InstanceStatus) -> bool:
    """Its addresses have nothing in common with ours: another cluster, whatever else differs."""
    return bool(sender.addresses) and not _own_addresses(status) & set(sender.addresses)


def _twice(status: InstanceStatus, source: str) -> str:
    """What it means that a master does not hear another."""
    if status.state is not State.MASTER:
        return "so this node will claim the addresses as well"
    return f"both nodes hold {', '.join(sorted(_own_addresses(status)))}: this one and {source}"


def firewall(facts: Facts) -> Iterable[FindingStatus]:
    """D-FW-IN: the tap sees what the socket never gets."""
    for sender, status in _ours(facts):
        unseen = sender.count(Verdict.UNSEEN)
        if unseen < DEAF or unseen != sender.seen or status.state not in RUNNING or not sender.priority:
            continue
        group = sender.destination
        if (
            facts.groups is not None
            and not status.unicast
            and not status.vmac
            and group not in facts.groups.get(status.interface, ())
        ):
            continue  # D-MCAST-LOST says why
        rules = {
            "firewalld": "firewall-cmd --permanent --add-rich-rule='rule protocol value=\"vrrp\" accept'",
            "iptables": f"iptables -I INPUT -i {status.interface} -p vrrp -j ACCEPT",
            "nft": f"nft insert rule inet filter input iifname {status.interface} meta l4proto vrrp accept",
        }
        known = [rules[one] for one in rules if one in facts.firewalls] or [rules["nft"]]
        yield finding(
            "D-FW-IN",
            "error",
            status.name,
            f"Adverts from {sender.source} reach {status.interface} ({unseen} in {facts.sampled / 1e9:.0f} s), but "
            f"this host drops them before the engine; {_twice(status, sender.source)}",
            f"Let protocol 112 in, on every node: {known[0]}",
            f"tap {sender.seen}, socket 0; reverse-path filter and group membership are other causes",
            subject=sender.source,
        )


def unicast_class(facts: Facts) -> Iterable[FindingStatus]:
    """D-UNICAST-CLASS: one side sends unicast, the other multicast."""
    for sender, status in _ours(facts):
        if sender.count(Verdict.DESTINATION) < ENOUGH or _stranger(sender, status):
            continue
        ours, theirs = ("unicast", "multicast") if status.unicast else ("multicast", "unicast")
        yield finding(
            "D-UNICAST-CLASS",
            "error",
            status.name,
            f"{status.name} runs {ours}, but {sender.source} sends {theirs} (to {sender.destination}): each discards "
            f"the other",
            f"unicast_src_ip {status.source or 'OWN'} and unicast_peer {{ {sender.source} }} here and the reverse "
            "there, or neither on both",
            subject=sender.source,
        )


def foreign_vrid(facts: Facts) -> Iterable[FindingStatus]:
    """D-VRID-CLASH: another cluster with our VRID on our network."""
    for sender, status in _ours(facts):
        if not _stranger(sender, status) or sender.seen < ENOUGH or sender.count(Verdict.CHECKSUM, *MALFORMED):
            continue
        yield finding(
            "D-VRID-CLASH",
            "error",
            status.name,
            f"VRID {sender.vrid} on {sender.interface} is already used by {sender.source} for "
            f"{', '.join(sender.addresses)}: two clusters will fight or flood the log",
            f"`hatui vrids {sender.interface}` lists free ones; take one on every node of {status.name} in one change",
            f"{sender.seen} adverts, priority {sender.priority}, from {sender.mac}",
            subject=sender.source,
        )


def address_lists(facts: Facts) -> Iterable[FindingStatus]:
    """D-VIP-MISMATCH: the lists overlap, but differ."""
    for sender, status in _ours(facts):
        ours, theirs = _own_addresses(status), set(sender.addresses)
        if not theirs or _stranger(sender, status) or theirs == ours:
            continue
        if sender.count(Verdict.OK, Verdict.ADDRESS_LIST) < ENOUGH:
            continue
        lost, more = sorted(ours - theirs), sorted(theirs - ours)
        parts = [f"{', '.join(lost)} would vanish when it becomes master"] if lost else []
        parts += [f"{', '.join(more)} when this node does"] if more else []
        refused = sender.count(Verdict.ADDRESS_LIST)
        yield finding(
            "D-VIP-MISMATCH",
            "error" if refused else "warning",
            status.name,
            f"{sender.source} advertises {len(theirs)} addresses, this node has {len(ours)}: {'; '.join(parts)}",
            "Bring virtual_ipaddress of both nodes together in one change; the order does not matter",
            "such adverts are refused here"
            if refused
            else "such adverts are accepted here, old keepalived refuses them",
            subject=sender.source,
        )


_REFUSALS: tuple[tuple[tuple[Verdict, ...], str, str, str, str], ...] = (
    (
        AUTH,
        "D-AUTH",
        "error",
        "carry another authentication",
        "Write the same authentication block on all nodes; only the first 8 characters of auth_pass count",
    ),
    (
        (Verdict.AUTH_HMAC,),
        "D-HMAC",
        "error",
        "fail the check of their auth_hmac trailer",
        "Compare keys, active_key and clocks; introduce it receive-only, then permissive, then enforce",
    ),
    (
        (Verdict.INTERVAL,),
        "D-ADVINT",
        "error",
        "name another advertisement interval",
        "Write the same advert_int on all nodes",
    ),
    (
        (Verdict.VERSION,),
        "D-VERSION",
        "error",
        "speak another VRRP version",
        "Set the same version on all nodes",
    ),
    (
        (Verdict.CHECKSUM,),
        "D-CSUM",
        "error",
        "have a checksum that is wrong by our rule",
        "v3_checksum_as_v2 for vendors without the pseudo-header, old_unicast_checksum for old keepalived",
    ),
    (
        (Verdict.SOURCE,),
        "D-SOURCE",
        "warning",
        "come from an address that is no unicast_peer",
        "Add the address to unicast_peer if it is one of yours",
    ),
    ((Verdict.TTL,), "D-TTL", "warning", "have crossed a router", "Find what forwards them; for unicast set min_ttl"),
    (MALFORMED, "D-PACKET", "warning", "are no valid advertisements", "The Packets screen shows where they fail"),
)


def refusals(facts: Facts) -> Iterable[FindingStatus]:
    """D-AUTH, D-HMAC, D-ADVINT, D-VERSION, D-CSUM and their like: the engine refuses what a peer sends."""
    known = {one.name: one for one in facts.instances}
    for sender in facts.senders:
        status = known.get(sender.instance)
        if status is None or status.name in facts.impaired or status.state not in RUNNING:
            continue
        readable = not sender.count(Verdict.CHECKSUM, *MALFORMED)
        if readable and _stranger(sender, status):
            continue  # D-VRID-CLASH: its password is its own business
        for verdicts, code, severity, words, fix in _REFUSALS:
            count = sender.count(*verdicts)
            if count < ENOUGH:
                continue
            detail = next((sender.details[one] for one in verdicts if one in sender.details), "")
            alone = severity == "error" and not sender.count(Verdict.OK)
            after = f"; ignored, {_twice(status, sender.source)}" if alone else ""
            yield finding(
                code,
                severity,
                status.name,
                f"Adverts from {sender.source} {words}{f' ({detail})' if detail else ''}{after}",
                fix,
                f"{count} of {sender.seen} in {facts.sampled / 1e9:.0f} s",
                subject=sender.source,
            )


def own_source(facts: Facts) -> Iterable[FindingStatus]:
    """D-OWN: our own address as the source of what arrives. The kernel lets none of it through over IPv4, where only
    the tap sees it."""
    known = {one.name: one for one in facts.instances}
    for sender in facts.senders:
        status = known.get(sender.instance)
        if status is None or status.name in facts.impaired or sender.source != status.source:
            continue
        count = sender.count(Verdict.OWN, Verdict.UNSEEN)
        if count < ENOUGH:
            continue
        looped = _own_mac(facts, status, sender.mac)
        who = "sent by this host: they come back" if looped else f"sent by {sender.mac}: another host has this address"
        yield finding(
            "D-OWN",
            "warning",
            status.name,
            f"Adverts from our own address {sender.source} arrive on {sender.interface}, {who}",
            "Look for a loop or a mirrored port" if looped else "Find the host with that MAC; give it its own address",
            f"{count} of {sender.seen} in {facts.sampled / 1e9:.0f} s, priority {sender.priority}",
            subject=sender.source,
        )


def second_owner(facts: Facts) -> Iterable[FindingStatus]:
    """D-OWNER: another router has priority 255 for an address that we own."""
    for sender, status in _ours(facts):
        if status.base_priority != 255 or sender.priority != 255 or _stranger(sender, status):
            continue
        if sender.count(Verdict.OK, Verdict.OWNER) < ENOUGH:
            continue
        yield finding(
            "D-OWNER",
            "error",
            status.name,
            f"{sender.source} advertises priority 255 for {', '.join(sorted(_own_addresses(status)))} as well: two "
            "owners of one address never agree",
            "Give all but one of them a priority below 255",
            f"{sender.seen} in {facts.sampled / 1e9:.0f} s, from {sender.mac}",
            subject=sender.source,
        )


def clocks(facts: Facts) -> Iterable[FindingStatus]:
    """D-HMAC before it bites: the peer's clock nears the end of the window of the keyed trailer."""
    config = {one.name: one for one in facts.config.instances}
    for sender, status in _ours(facts):
        configured = config.get(status.name)
        if configured is None or configured.auth_hmac is None or sender.ahead is None:
            continue
        window = configured.auth_hmac.window(configured.advert_interval)
        if sender.count(Verdict.OK) < ENOUGH or abs(sender.ahead) <= NEAR_LIMIT * window:
            continue
        yield finding(
            "D-HMAC",
            "warning",
            status.name,
            f"The clock of {sender.source} is {abs(sender.ahead) / 1e9:.1f} s "
            f"{'ahead of' if sender.ahead > 0 else 'behind'} ours, the window is {window / 1e9:g} s: its adverts will "
            "soon be refused as stale",
            "Keep the clocks of all nodes together (chronyc tracking, timedatectl); or a longer time_window on all",
            subject=sender.source,
        )


def dialects(facts: Facts) -> Iterable[FindingStatus]:
    """D-ADVINT and D-CSUM of what is accepted all the same (version 3)."""
    for sender, status in _ours(facts):
        said = sender.details.get(Verdict.OK, "")
        if sender.count(Verdict.OK) < ENOUGH or _stranger(sender, status):
            continue
        if "other dialect" in said:
            yield finding(
                "D-CSUM",
                "warning",
                status.name,
                f"{sender.source} computes its checksums another way than {status.name}; it is understood here, "
                "but that router may refuse ours",
                "Set or remove v3_checksum_as_v2 so that both sides compute alike",
                subject=sender.source,
            )
        if sender.version == 3 and sender.interval_cs * 10_000_000 != status.advert_interval:
            yield finding(
                "D-ADVINT",
                "warning",
                status.name,
                f"{sender.source} advertises every {sender.interval_cs / 100:g} s, this node every "
                f"{status.advert_interval / 1e9:g} s: the time of a failover depends on who was master",
                "Write the same advert_int on all nodes",
                subject=sender.source,
            )


def equal_priorities(facts: Facts) -> Iterable[FindingStatus]:
    """D-PRIO-EQUAL: a peer advertises the priority that is in use here."""
    for status in facts.instances:
        age = facts.now - status.heard_at
        recent = status.heard_at and age < 2 * max(status.master_down_interval, 1)
        if not recent or status.state not in RUNNING or status.hold_kind or status.name in facts.impaired:
            continue
        if status.peer_priority == status.priority and 0 < status.priority < 255:
            yield finding(
                "D-PRIO-EQUAL",
                "warning",
                status.name,
                f"{status.peer} has priority {status.priority}, and so has this node: when the master leaves, both "
                "claim the addresses, then the lower address yields",
                "Give each node its own priority; to avoid moving back use nopreempt, not equal priorities",
            )


def stale_arp(facts: Facts) -> Iterable[FindingStatus]:
    """D-ARP-STALE: somebody else announced an address of ours last."""
    macs = {one.name: one.mac.lower() for one in facts.interfaces}
    last = {one.address: one for one in facts.announcements}
    for status in facts.instances:
        if status.state is not State.MASTER or facts.now - status.since < SETTLED or not status.announced_at:
            continue
        for one in status.addresses:
            told = last.get(one.address)
            ours = {macs.get(one.interface, ""), macs.get(status.interface, ""), status.vmac.lower()} - {""}
            if told is None or not ours or told.mac.lower() in ours or not one.present:
                continue
            if told.at <= max(status.announced_at, status.since) or facts.now - told.at < SETTLED:
                continue
            yield finding(
                "D-ARP-STALE",
                "warning",
                status.name,
                f"{told.mac} announced {one.address} {(facts.now - told.at) / 1e9:.0f} s ago, and this node has not "
                "announced it since: clients may send to the other host",
                f"`hatui announce {status.name}` (key A); set higher_prio_send_advert or garp_master_refresh",
                subject=one.address,
            )


def lost_multicast(facts: Facts) -> Iterable[FindingStatus]:
    """D-MCAST-LOST: the group is not joined here, or the other master is alive and its adverts do not arrive."""
    heard = {sender.instance for sender in facts.senders}
    config = {one.name: one for one in facts.config.instances}
    for status in facts.instances:
        configured = config.get(status.name)
        if (
            status.unicast
            or status.vmac
            or status.state not in RUNNING
            or configured is None
            or status.name in facts.impaired
        ):
            continue
        group, joined = configured.group_address, (facts.groups or {}).get(status.interface)
        if joined is not None and group not in joined:
            yield finding(
                "D-MCAST-LOST",
                "error",
                status.name,
                f"{status.interface} is no member of {group}: no multicast advert reaches this engine",
                f"ip maddr show dev {status.interface}; take the interface down and up, or restart the engine",
            )
            continue
        long_enough = facts.sampled > 3 * max(status.master_down_interval, status.advert_interval)
        if status.state is not State.MASTER or not long_enough or status.name in heard:
            continue
        since = max(status.announced_at, status.since)
        own = {one.address for one in status.addresses}
        told = [one for one in facts.announcements if one.address in own and one.at > since]
        answered = [one for one in facts.answers if one.address in own and one.at > status.since + SETTLED]
        twice = [one for one in (*told, *answered) if not _own_mac(facts, status, one.mac)]
        if twice:
            peer = f"{status.peer} " if status.peer in facts.alive else ""
            verb = "announces" if twice[0] in told else "answers for"
            yield finding(
                "D-MCAST-LOST",
                "error",
                status.name,
                f"another host ({peer}{twice[0].mac}) {verb} {twice[0].address} as its own, but no VRRP multicast "
                "arrives from it: switch snooping, a hypervisor's filter"
                + (f", or {facts.cloud}, which does not forward multicast" if facts.cloud else "")
                + ("" if twice[0] in told else "; or it was left behind there"),
                f"Allow {group} on the path, or unicast_src_ip {status.source} and unicast_peer on both nodes"
                + ("" if twice[0] in told else "; `hatui doctor` on that host tells which"),
            )


def _own_mac(facts: Facts, status: InstanceStatus, mac: str) -> bool:
    ours = {one.mac.lower() for one in facts.interfaces} | {status.vmac.lower()}
    return mac.lower() in ours


RULES: tuple[Rule, ...] = (
    firewall,
    lost_multicast,
    foreign_vrid,
    unicast_class,
    address_lists,
    refusals,
    own_source,
    second_owner,
    clocks,
    dialects,
    equal_priorities,
    stale_arp,
)
