"""Drafts made into models: defaults, inheritance, and how keywords work together.

Invariant: every rule about two keywords at once is here, in the order in which keepalived applies them
after the last line has been read; a finding that stops keepalived is C-FATAL. Source: keepalived.conf(5),
RFC 9568 5.2, RFC 3768 5.3.
"""

from __future__ import annotations

from typing import Any

import msgspec

from engine.config.context import Context, GroupDraft, InstanceDraft, NotifyLines
from engine.config.expand import Statement
from engine.config.model import (
    NS_PER_S,
    Announce,
    Authentication,
    AuthHmac,
    Instance,
    Notify,
    SyncGroup,
    Track,
    Tracking,
    Vmac,
)
from engine.config.values import seconds_text

CENTISECOND = NS_PER_S // 100
MAX_V3_INTERVAL = 4095 * CENTISECOND
OWNER = 255


class Resolver:
    """One instance on its way from draft to model."""

    def __init__(self, context: Context, draft: InstanceDraft, group: GroupDraft | None) -> None:
        self.context, self.draft, self.group = context, draft, group
        self.fields: dict[str, Any] = dict(draft.fields)
        self.globals = context.globals
        self.strict = bool(draft.strict if draft.strict is not None else self.globals.get("strict"))
        self.dead = False

    def adjusted(self, at: Statement, what: str, consequence: str, todo: str) -> None:
        """keepalived changes a setting and says so."""
        self.context.say("C-ADJUSTED", at, what=f"{self.draft.name}: {what}", consequence=consequence, todo=todo)

    def fatal(self, at: Statement, what: str, consequence: str, todo: str) -> None:
        """keepalived does not run with it."""
        self.dead = True
        self.context.say(
            "C-FATAL", at, exit_code=5, instance=self.draft.name, what=what, consequence=consequence, todo=todo
        )

    def resolve(self) -> Instance | None:
        """The model, or None when the instance cannot be."""
        draft = self.draft
        self.required()
        family = draft.family or 4
        self.fields["family"] = family
        self.version(family)
        self.priority()
        self.interval()
        self.addressing(family)
        self.preemption()
        self.strictness(family)
        self.announcements()
        self.authentication()
        self.vmac()
        self.tracking()
        if self.dead:
            return None
        self.fields["accept"] = self.accept()
        return Instance(
            name=draft.name,
            interface=draft.interface,
            vrid=draft.vrid,
            addresses=tuple(draft.addresses),
            excluded_addresses=tuple(draft.excluded),
            routes=tuple(draft.routes),
            rules=tuple(draft.rules),
            source=draft.source,
            strict=self.strict,
            notify=notifications(self.context, draft.notify),
            sync_group=self.group.name if self.group else "",
            file=draft.statement.file,
            line=draft.statement.line,
            **self.fields,
        )

    def required(self) -> None:
        draft = self.draft
        if not draft.vrid:
            self.fatal(
                draft.statement,
                "virtual_router_id is missing",
                "Without it there is no virtual router; keepalived does not start.",
                "Add virtual_router_id 1..255, equal on all nodes and unique on the link.",
            )
        if not draft.interface:
            self.fatal(
                draft.statement,
                "interface is missing",
                "keepalived does not know where to send adverts, and does not start.",
                "Add interface NAME.",
            )
        elif draft.interface == "lo":
            self.fatal(
                draft.at("interface"),
                "lo is the loopback interface",
                "Nobody hears an advert there; keepalived takes no such interface, and does not start.",
                "Name the interface that reaches the other nodes.",
            )

    def version(self, family: int) -> None:
        draft = self.draft
        version = draft.version or self.globals.get(" version", 0) or 2
        if family == 6 and version == 2:
            if draft.version == 2 and not self.strict:
                version = 2
            else:
                version = 3
                if draft.version == 2:
                    self.adjusted(
                        draft.at("version"),
                        "IPv6 is not in version 2",
                        "Strict mode makes it version 3.",
                        "Write version 3.",
                    )
        self.fields["version"] = version
        if not draft.addresses:
            if version == 3 or self.strict:
                self.fatal(
                    draft.statement,
                    "no virtual_ipaddress",
                    "Version 3 and strict mode need one; keepalived does not start.",
                    "Add a virtual_ipaddress block.",
                )
            else:
                self.adjusted(
                    draft.statement,
                    "no virtual_ipaddress",
                    "It elects a master that serves nothing.",
                    "Add a virtual_ipaddress block.",
                )

    def priority(self) -> None:
        draft = self.draft
        state, priority = draft.state, draft.priority
        if not priority:
            priority = OWNER if state == "MASTER" else 100
        if self.strict and state and (state == "MASTER") != (priority == OWNER):
            self.adjusted(
                draft.at("state", "priority"),
                f"state {state} does not fit priority {priority}",
                "In strict mode only the owner of the addresses begins as master; the state is corrected.",
                "Leave state out.",
            )
            state = "MASTER" if priority == OWNER else "BACKUP"
        if priority == OWNER:
            state = "MASTER"
        self.fields["priority"] = priority
        self.fields["initial_state"] = state or "BACKUP"

    def interval(self) -> None:
        draft = self.draft
        asked = draft.advert_interval or NS_PER_S
        used, why = rounded_interval(asked, self.fields["version"])
        if used != asked:
            statement = draft.at("advert_int")
            self.context.say(
                "C-ROUNDED",
                statement,
                statement.words[1] if statement is not draft.statement else None,
                keyword="advert_int",
                value=seconds_text(asked),
                used=seconds_text(used),
                why=why,
            )
        self.fields["advert_interval"] = used

    def addressing(self, family: int) -> None:
        """Multicast or unicast, and where to."""
        draft, fields = self.draft, self.fields
        fields["group_address"] = draft.group_address or (
            self.globals.get(" group4", "224.0.0.18") if family == 4 else self.globals.get(" group6", "ff02::12")
        )
        if "use_ipvlan" in draft.places and family == 4 and not draft.source:
            self.adjusted(
                draft.at("use_ipvlan"),
                "use_ipvlan with IPv4 needs a source address",
                "keepalived puts the instance into FAULT.",
                "Add mcast_src_ip, or the address behind use_ipvlan.",
            )
        no_peer = draft.fields.get("unicast_fault_no_peer", False)
        fields["unicast"] = bool(draft.peers) or no_peer
        fields["unicast_peers"] = tuple(draft.peers)
        if draft.unicast_asked and not fields["unicast"]:
            self.adjusted(
                draft.at("unicast_peer", "unicast_src_ip", "check_unicast_src", "old_unicast_checksum"),
                "a unicast keyword without any peer",
                "It falls back to multicast, which the peers do not expect.",
                "Add the peers in a unicast_peer block, or unicast_fault_no_peer.",
            )
        if draft.unicast_ttl is not None:
            if draft.peers:
                fields["unicast_ttl"] = draft.unicast_ttl
            else:
                self.adjusted(
                    draft.at("unicast_ttl"), "unicast_ttl without peers", "keepalived ignores it.", "Remove it."
                )
        if draft.group_address and draft.peers:
            self.adjusted(
                draft.at("mcast_dst_ip"),
                "mcast_dst_ip with unicast peers",
                "keepalived ignores the group.",
                "Remove one of the two.",
            )
        fields["check_unicast_source"] = bool(
            fields.get("check_unicast_source", self.globals.get(" check_unicast_src", False))
            or any(peer.min_ttl is not None or peer.max_ttl is not None for peer in draft.peers)
        )

    def preemption(self) -> None:
        draft, fields = self.draft, self.fields
        begins_master = fields["initial_state"] == "MASTER"
        if not draft.preempt and begins_master:
            reason = "priority 255" if fields["priority"] == OWNER else "state MASTER"
            self.adjusted(
                draft.at("nopreempt"),
                f"nopreempt does not go with {reason}",
                "keepalived drops nopreempt: this node takes the addresses back.",
                "Write state BACKUP on all nodes.",
            )
            draft.preempt = True
        delay = draft.preempt_delay
        if delay:
            if self.strict:
                problem = "strict mode"
            elif begins_master:
                problem = "state MASTER"
            elif not draft.preempt:
                problem = "nopreempt"
            else:
                problem = ""
            if problem:
                self.adjusted(
                    draft.at("preempt_delay"),
                    f"preempt_delay does not go with {problem}",
                    "keepalived drops the delay.",
                    "Remove one of the two.",
                )
                delay = 0
        fields["preempt"], fields["preempt_delay"] = draft.preempt, delay

    def strictness(self, family: int) -> None:
        """What strict mode takes away. Source: keepalived.conf(5) vrrp_strict."""
        draft, fields, found = self.draft, self.fields, self.globals
        for name in ("lower_prio_no_advert", "higher_prio_send_advert"):
            fields.setdefault(name, found.get(f" {name}", False))
        fields.setdefault("skip_check_adv_addr", found.get("skip_check_adv_addr", False))
        fields.setdefault("v3_checksum_as_v2", found.get(" v3_checksum_as_v2", False))
        fields.setdefault("owner_ignore_adverts", found.get(" owner_ignore_adverts", False))
        fields.setdefault("down_timer_adverts", found.get(" down_timer_adverts", 3))
        if not self.strict:
            return
        if fields["higher_prio_send_advert"]:
            self.reset("higher_prio_send_advert", value=False)
        if "lower_prio_no_advert" in draft.fields and not fields["lower_prio_no_advert"]:
            self.reset("lower_prio_no_advert", value=True)
        fields["lower_prio_no_advert"] = True
        if fields["down_timer_adverts"] != 3:
            self.reset("down_timer_adverts", value=3)
        if draft.accept and fields["version"] == 2 and fields["priority"] != OWNER:
            self.adjusted(
                draft.at("accept"),
                "accept in version 2 is against RFC 3768",
                "Strict mode drops it: the addresses will not answer.",
                "Use version 3, or leave strict mode.",
            )
            draft.accept = None
        if family == 6 and draft.addresses and not draft.addresses[0].address.lower().startswith("fe8"):
            self.adjusted(
                draft.at("virtual_ipaddress"),
                "the first IPv6 address is not link-local",
                "Strict mode asks for one in front (RFC 9568 5.2.9), and goes on without.",
                "Put a link-local address first.",
            )

    def reset(self, keyword: str, *, value: Any) -> None:
        """Strict mode puts a setting back."""
        self.fields[keyword] = value
        self.adjusted(
            self.draft.at(keyword),
            f"{keyword} does not go with strict mode",
            "keepalived puts it back.",
            "Remove the line, or leave strict mode.",
        )

    def announcements(self) -> None:
        draft, found = self.draft, dict(self.context.garp)
        found.setdefault("lower_prio_delay", found.get("master_delay", 5 * NS_PER_S))
        found.setdefault("lower_prio_repeat", found.get("master_repeat", 5))
        found.update(draft.announce)
        if self.strict:
            for field in ("lower_prio_repeat", "lower_prio_delay"):
                if draft.announce.get(field):
                    self.adjusted(
                        draft.at(f"garp_{field}"),
                        f"garp_{field} does not go with strict mode",
                        "keepalived sets it to 0.",
                        "Remove the line, or leave strict mode.",
                    )
                found[field] = 0
        self.fields["announce"] = Announce(
            arp_interval=self.globals.get("garp_interval", 0),
            na_interval=self.globals.get("gna_interval", 0),
            **found,
        )

    def accept(self) -> bool:
        """Whether the addresses answer. Source: RFC 9568 6.1 Accept_Mode."""
        if self.fields["priority"] == OWNER:
            return True
        return self.draft.accept if self.draft.accept is not None else not self.strict

    def authentication(self) -> None:
        draft = self.draft
        if draft.hmac is not None:
            keys = tuple(draft.hmac.pop("keys"))
            self.fields["auth_hmac"] = AuthHmac(keys=keys, **draft.hmac)
        if not draft.auth_kind or draft.hmac is not None:
            return  # lint says that auth_hmac rules authentication out
        if not draft.auth_password:
            self.adjusted(
                draft.at("auth_type"),
                "auth_type without a password",
                "keepalived sends without authentication, which the peers refuse.",
                "Add auth_pass.",
            )
        elif self.fields["version"] == 3 or self.strict:
            reason = "version 3" if self.fields["version"] == 3 else "strict mode"
            self.adjusted(
                draft.at("auth_type"),
                f"{reason} has no authentication",
                "keepalived leaves it out.",
                "Remove the block.",
            )
        elif draft.auth_kind == "ah" and self.fields["family"] == 6:
            self.adjusted(
                draft.at("auth_type"),
                "auth_type AH does not exist over IPv6",
                "keepalived sends without authentication.",
                "Remove the block.",
            )
        else:
            if draft.auth_kind == "ah" and draft.state == "MASTER" and self.fields["priority"] != OWNER:
                self.adjusted(
                    draft.at("state"),
                    "state MASTER does not go with auth_type AH",
                    "It starts as BACKUP, to hear which sequence number was used last.",
                    "Write state BACKUP.",
                )
                self.fields["initial_state"] = "BACKUP"
            key = draft.auth_password.ljust(8, b"\0")
            self.fields["authentication"] = Authentication(kind=draft.auth_kind, key=key)

    def vmac(self) -> None:
        draft = self.draft
        if draft.vmac is None:
            if draft.xmit_base:
                self.adjusted(
                    draft.at("vmac_xmit_base"), "vmac_xmit_base without use_vmac", "It has no effect.", "Add use_vmac."
                )
            return
        if self.strict and draft.vmac.get("mac"):
            self.adjusted(
                draft.at("use_vmac"),
                "a MAC address of its own does not go with strict mode",
                "keepalived uses the one of the RFC.",
                "Remove the address.",
            )
            draft.vmac["mac"] = ""
        if draft.peers and not draft.xmit_base:
            self.adjusted(
                draft.at("use_vmac"),
                "unicast with use_vmac sends from the real interface",
                "keepalived sets vmac_xmit_base.",
                "Add vmac_xmit_base.",
            )
            draft.xmit_base = True
        elif self.strict and draft.xmit_base:
            self.adjusted(
                draft.at("vmac_xmit_base"),
                "vmac_xmit_base does not go with strict mode",
                "keepalived puts it back.",
                "Remove it.",
            )
            draft.xmit_base = False
        self.fields["vmac"] = Vmac(xmit_base=draft.xmit_base, **draft.vmac)

    def tracking(self) -> None:
        """The instance's own tracks and its group's. Weights of its own are flattened in a group that does
        not allow them; those of the group's lines count for all members alike.
        Source: keepalived.conf(5) sync_group_tracking_weight."""
        own, of_group = self.draft.tracks, self.group.tracks if self.group else None
        merged: dict[str, tuple[Track, ...]] = {}
        flat = self.group is not None and not self.group.tracking_weight
        for field in ("scripts", "interfaces", "processes", "files", "bfd"):
            kept = {track.name: track for one in getattr(own, field) if (track := self.track(field, one, flat=flat))}
            for one in getattr(of_group, field, []):
                before = kept.get(one.name)
                shared = self.track(field, one, flat=False) if before is None or before.weight else None
                if shared:  # a failure that means FAULT stays so; a weight gives way to the group's
                    kept[one.name] = shared
            merged[field] = tuple(kept.values())
        self.fields["tracking"] = Tracking(**merged)

    def track(self, field: str, track: Track, *, flat: bool) -> Track | None:
        keyword = {"scripts": "track_script", "interfaces": "track_interface", "processes": "track_process"}.get(
            field, "track_file" if field == "files" else "track_bfd"
        )
        at = self.draft.at(keyword)
        if field == "interfaces" and track.name == self.draft.interface:
            self.adjusted(
                at,
                f"track_interface {track.name} is its own interface",
                "keepalived ignores it: the own interface is always watched.",
                "Remove the line.",
            )
            return None
        if not track.weight or field == "processes":
            return track  # keepalived 2.2.7 leaves the weights of processes alone
        owner = self.fields["priority"] == OWNER
        if not owner and not flat:
            return track
        reason = "priority 255 takes none" if owner else "the instance is in a sync group"
        zero = field == "files" and track.weight == 1
        if field == "interfaces" and not owner:
            zero, consequence = True, "keepalived takes the weight for 0: its failure means FAULT."
        elif zero:
            consequence = (
                "keepalived takes weight 1, which is also the default of a file, for 0: any number means FAULT."
            )
        else:
            consequence = "keepalived ignores the line."
        self.adjusted(
            at,
            f"{keyword} {track.name} has a weight, and {reason}",
            consequence,
            "Use a priority below 255, or no weight (failure is FAULT then)."
            if owner
            else "Add sync_group_tracking_weight to the group, or use weight 0: weights would part the members.",
        )
        return msgspec.structs.replace(track, weight=0) if zero else None


def rounded_interval(asked: int, version: int) -> tuple[int, str]:
    """The advert interval (ns) that the version can carry, and why it differs."""
    if version == 2:
        whole = max(1, min(255, (asked + NS_PER_S // 2) // NS_PER_S)) * NS_PER_S
        return whole, "Version 2 counts whole seconds."
    if asked > MAX_V3_INTERVAL:
        return MAX_V3_INTERVAL, "Version 3 ends at 40.95 s."
    hundredths = max(1, (asked + CENTISECOND // 2) // CENTISECOND) * CENTISECOND
    return hundredths, "Version 3 counts hundredths of a second."


def notifications(context: Context, lines: NotifyLines) -> Notify:
    """The notify settings with what global_defs adds."""
    found = context.globals
    default = found.get(" smtp_alert_vrrp", found.get(" smtp_alert", False))
    return Notify(
        deleted_reported=lines.deleted_reported,
        smtp_alert=default if lines.smtp_alert is None else lines.smtp_alert,
        priority_changes=found.get(" priority_changes", False)
        if lines.priority_changes is None
        else lines.priority_changes,
        **lines.commands,
    )


def groups(context: Context) -> dict[str, GroupDraft]:
    """The sync group of each instance by name; reports members that cannot be."""
    taken: dict[str, GroupDraft] = {}
    known = {draft.name for draft in context.instances}
    for group in context.groups:
        kept: list[tuple[str, Statement]] = []
        for name, line in group.members:
            if name not in known:
                problem = f"{name} in sync group {group.name} is no vrrp_instance"
            elif name in taken:
                problem = f"{name} is in sync group {taken[name].name} already"
            else:
                taken[name] = group
                kept.append((name, line))
                continue
            context.say(
                "C-MEANING", line, what=problem, consequence="keepalived leaves it out.", todo="Correct the name."
            )
        group.members = kept
        if len(kept) < 2:
            context.say(
                "C-MEANING",
                group.statement,
                severity="warning" if kept else "",
                what=f"sync group {group.name} has {'one member' if kept else 'no member'}",
                consequence="It ties nothing together." if kept else "keepalived removes it.",
                todo="Name two or more instances in its group block, or remove it.",
            )
    return taken


def sync_groups(context: Context) -> tuple[SyncGroup, ...]:
    """The models of all groups that have members."""
    return tuple(
        SyncGroup(
            name=group.name,
            members=tuple(name for name, _ in group.members),
            tracking_weight=group.tracking_weight,
            notify=notifications(context, group.notify),
        )
        for group in context.groups
        if group.members
    )
