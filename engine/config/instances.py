"""vrrp_instance and vrrp_sync_group: from their lines to drafts.

Invariant: each keyword is understood on its own here, against what the lines before it have fixed (the
family); how keywords work together is `resolve.py`'s. Source: keepalived.conf(5) vrrp_instance,
vrrp_sync_group.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.config import values
from engine.config.addresses import address_line
from engine.config.context import Context, GroupDraft, InstanceDraft, NotifyLines, Values
from engine.config.expand import Statement
from engine.config.globals import announcement, off_means_on
from engine.config.model import NS_PER_S, HmacKey, UnicastPeer
from engine.config.routes import route_line
from engine.config.rules import rule_line
from engine.config.tracks import track_block

PATH = ("vrrp_instance",)
TRACKS = ("track_script", "track_interface", "track_file", "track_process", "track_bfd")
_NOTIFY = {
    "notify_master": "master",
    "notify_backup": "backup",
    "notify_fault": "fault",
    "notify_stop": "stop",
    "notify": "any",
    "notify_deleted": "deleted",
    "notify_master_rx_lower_pri": "master_rx_lower_pri",
}
_GARP = {
    "garp_master_delay": ("master_delay", NS_PER_S),
    "garp_master_repeat": ("master_repeat", 1),
    "garp_master_refresh": ("master_refresh", NS_PER_S),
    "garp_master_refresh_repeat": ("master_refresh_repeat", 1),
    "garp_lower_prio_delay": ("lower_prio_delay", NS_PER_S),
    "garp_lower_prio_repeat": ("lower_prio_repeat", 1),
}
_FLAGS: dict[str, tuple[str, bool]] = {
    "dont_track_primary": ("track_primary", False),
    "track_src_ip": ("track_source", True),
    "promote_secondaries": ("promote_secondaries", True),
    "unicast_fault_no_peer": ("unicast_fault_no_peer", True),
    "check_unicast_src": ("check_unicast_source", True),
}
_BOOLEANS = {
    "lower_prio_no_advert": "lower_prio_no_advert",
    "higher_prio_send_advert": "higher_prio_send_advert",
    "v3_checksum_as_v2": "v3_checksum_as_v2",
    "owner_ignore_adverts": "owner_ignore_adverts",
}
_UNICAST_WORDS = {"unicast_src_ip", "check_unicast_src", "old_unicast_checksum", "unicast_peer"}
MAX_PASSWORD = 8
"""Octets. Source: RFC 2338 5.3.6."""
MIN_HMAC_KEY, MAX_HMAC_KEY = 32, 64
"""Octets. Source: keepalived.conf(5) auth_hmac."""


def instance_block(context: Context, block: Statement, name: str) -> None:
    """vrrp_instance NAME."""
    if name in context.names:
        context.say(
            "C-DUPLICATE",
            block,
            keyword="vrrp_instance",
            name=name,
            consequence="keepalived keeps the first and leaves this one out.",
        )
        return
    draft = InstanceDraft(name, block)
    lines = _Instance(context, draft)
    blocks: dict[str, Callable[[Statement], None]] = {
        "virtual_ipaddress": lambda one: lines.address_block(one, draft.addresses, advertised=True),
        "virtual_ipaddress_excluded": lambda one: lines.address_block(one, draft.excluded, advertised=False),
        "virtual_routes": lines.route_block,
        "virtual_rules": lines.rule_block,
        "unicast_peer": lines.peer_block,
        "authentication": lambda one: context.each(one, (*PATH, "authentication"), lines.authentication),
        "auth_hmac": lines.hmac_block,
    }
    for kind in TRACKS:
        blocks[kind] = lambda one: track_block(context, one, draft.tracks)
    context.each(block, PATH, lines.setting, blocks)
    last = block.child("priority")
    if last is not None and draft.places.get("priority") is not last:
        draft.priority = 100  # what keepalived takes for a wrong one, also where state MASTER would mean 255
    context.instances.append(draft)
    context.names.add(name)


def group_block(context: Context, block: Statement, name: str) -> None:
    """vrrp_sync_group NAME."""
    draft = GroupDraft(name, block)

    def members(statement: Statement) -> None:
        if draft.grouped:
            context.say(
                "C-MEANING",
                statement,
                what=f"sync group {name} has a second group block",
                consequence="keepalived leaves the second one out.",
                todo="Put all members into one.",
            )
            return
        draft.grouped = True
        for line in statement.children or ():
            draft.members.extend((word.value, line) for word in line.words)

    def setting(statement: Statement, given: Values) -> None:
        if not notify_keyword(context, statement, given, draft.notify) and (
            statement.keyword == "sync_group_tracking_weight"
        ):
            draft.tracking_weight = True

    blocks: dict[str, Callable[[Statement], None]] = {"group": members}
    for kind in TRACKS:
        blocks[kind] = lambda one: track_block(context, one, draft.tracks)
    context.each(block, ("vrrp_sync_group",), setting, blocks)
    context.groups.append(draft)


def notify_keyword(context: Context, statement: Statement, given: Values, into: NotifyLines) -> bool:
    """One of the notify keywords that instances and groups share; False when it is none of them."""
    keyword = statement.keyword
    if keyword in _NOTIFY:
        if given[0] is None:
            into.deleted_reported = True
        elif _NOTIFY[keyword] in into.commands:
            context.say(
                "C-REPEATED",
                statement,
                severity="error",
                exit_code=5,
                keyword=keyword,
                consequence="keepalived keeps the first command",
            )
        elif given[0].argv[0]:
            into.commands[_NOTIFY[keyword]] = given[0]
    elif keyword == "smtp_alert":
        into.smtp_alert = given[0] is not False
    elif keyword == "notify_priority_changes":
        into.priority_changes = given[0] is not False
    else:
        return False
    return True


class _Instance:
    def __init__(self, context: Context, draft: InstanceDraft) -> None:
        self.context, self.draft = context, draft
        self.say = context.say

    def setting(self, statement: Statement, given: Values) -> None:
        """One keyword of the instance, its values already right."""
        keyword, draft = statement.keyword, self.draft
        draft.places[keyword] = statement
        if keyword in _FLAGS:
            field, value = _FLAGS[keyword]
            draft.fields[field] = value
            draft.unicast_asked |= keyword in _UNICAST_WORDS
        elif keyword in _BOOLEANS:
            draft.fields[_BOOLEANS[keyword]] = given[0] is not False
        elif keyword in _GARP:
            announcement(self.context, statement, given[0], draft.announce, _GARP[keyword])
        elif not notify_keyword(self.context, statement, given, draft.notify):
            self.special(statement, given)

    def special(self, statement: Statement, given: Values) -> None:
        draft = self.draft
        match statement.keyword:
            case "interface":
                draft.interface = given[0]
                if "vrf" in draft.places:
                    self.against(statement, "vrf together with interface")
            case "virtual_router_id":
                draft.vrid = given[0]
            case "priority":
                draft.priority = given[0]
            case "version":
                self.version(statement, given[0])
            case "advert_int":
                draft.advert_interval = given[0]
            case "down_timer_adverts":
                draft.fields["down_timer_adverts"] = given[0]
            case "state":
                self.state(statement, given[0])
            case "preempt" | "nopreempt":
                draft.preempt = statement.keyword == "preempt"
            case "preempt_delay":
                draft.preempt_delay = given[0]
            case "accept" | "no_accept":
                draft.accept = statement.keyword == "accept"
            case "strict_mode":
                draft.strict = given[0] is not False
            case "skip_check_adv_addr":
                draft.fields["skip_check_adv_addr"] = True
                if given[0] is False:
                    off_means_on(self.context, statement)
            case "mcast_src_ip" | "unicast_src_ip":
                draft.unicast_asked |= statement.keyword == "unicast_src_ip"
                fits = self.same_family(statement, given[0], "the source address")
                draft.source = given[0] if fits else ""  # the one above is gone, too
            case "mcast_dst_ip":
                self.group_address(statement, given[0])
            case "unicast_ttl":
                draft.unicast_ttl = given[0]
            case "old_unicast_checksum":
                draft.unicast_asked = True
                draft.fields["old_unicast_checksum"] = given[0] or "force"
            case "use_vmac":
                self.use_vmac(statement)
            case "use_ipvlan":
                words = (word.value.partition("/")[0] for word in statement.arguments)
                draft.source = draft.source or next(filter(None, map(values.address, words)), "")
            case "native_ipv6" if draft.family == 4:
                self.against(statement, "native_ipv6 in an instance with IPv4 addresses")
            case "native_ipv6":
                draft.family = 6
            case "vrf" if draft.interface:
                self.against(statement, "vrf together with interface")
            case "vmac_xmit_base":
                draft.xmit_base = True

    def against(self, statement: Statement, what: str) -> None:
        """Two things that cannot be meant together."""
        self.say(
            "C-MEANING",
            statement,
            what=f"{self.draft.name}: {what}",
            consequence="keepalived leaves this line out.",
            todo="Remove one of the two.",
        )

    def state(self, statement: Statement, state: str) -> None:
        if state == "BACKUP" and self.draft.state == "MASTER":
            self.first_counts(statement, "state MASTER")
            return
        self.draft.state = state

    def version(self, statement: Statement, version: int) -> None:
        first = self.draft.version or (3 if self.draft.family == 6 else version)
        if first != version:
            known = f"version {first}" if self.draft.version else "the IPv6 addresses above"
            self.first_counts(statement, known)
            return
        self.draft.version = version

    def first_counts(self, statement: Statement, first: str) -> None:
        """A later line that keepalived leaves out."""
        self.say(
            "C-REPEATED",
            statement,
            severity="error",
            exit_code=5,
            keyword=statement.keyword,
            consequence=f"{first} came first and counts",
        )

    def same_family(self, statement: Statement, address: str, what: str) -> bool:
        family = values.family(address)
        if self.draft.family not in (0, family):
            self.say(
                "C-MEANING",
                statement,
                what=f"{what} {address} is not of the family of the instance (IPv{self.draft.family})",
                consequence="keepalived leaves it out.",
                todo="Use one family in an instance; write a second instance for the other.",
            )
            return False
        self.draft.family = family
        return True

    def group_address(self, statement: Statement, address: str) -> None:
        if not values.is_multicast(address):
            self.draft.family = self.draft.family or values.family(address)  # that much it tells keepalived
            self.say(
                "C-MEANING",
                statement,
                statement.words[1],
                what=f"{address} is no multicast address",
                consequence="keepalived leaves the line out.",
                todo="Write a multicast address, or use unicast_peer.",
            )
        elif self.same_family(statement, address, "the group"):
            self.draft.group_address = address

    def address_block(self, block: Statement, into: list[Any], *, advertised: bool) -> None:
        self.draft.places[block.keyword] = block
        for line in block.children or ():
            found = address_line(self.context, line, static=False)
            if found is None:
                continue
            if advertised and not self.same_family(line, found.address, "the address"):
                continue
            into.append(found)

    def route_block(self, block: Statement) -> None:
        for line in block.children or ():
            found = route_line(self.context, line, static=False)
            if found is not None:
                self.draft.routes.append(found)

    def rule_block(self, block: Statement) -> None:
        for line in block.children or ():
            found = rule_line(self.context, line, static=False)
            if found is not None:
                self.draft.rules.append(found)

    def peer_block(self, block: Statement) -> None:
        self.draft.places[block.keyword] = block
        self.draft.unicast_asked = True
        for line in block.children or ():
            peer = self.peer(line)
            if peer is not None:
                self.draft.peers.append(peer)

    def peer(self, line: Statement) -> UnicastPeer | None:
        word = line.words[0]
        found = values.address(values.without_tail(word.value))
        if found is None:
            self.say(
                "C-MEANING",
                line,
                what=f"{word.value} is no address of a peer",
                consequence="keepalived leaves the line out.",
                todo="Write one address on a line.",
            )
            return None
        if not self.same_family(line, found, "the peer"):
            return None
        limits: dict[str, int] = {}
        words = line.words[1:]
        for name, number in zip(words[::2], (*words[1::2], None), strict=False):
            value = values.integer(number.value) if number else None
            if name.value not in ("min_ttl", "max_ttl") or value is None or not 0 <= value <= 255:
                self.say(
                    "C-MEANING",
                    line,
                    name,
                    what=f"{name.value} is no word of a peer, or its value is not 0..255",
                    consequence="keepalived leaves the words out.",
                    todo="Write min_ttl NUMBER or max_ttl NUMBER, and each peer on a line of its own.",
                )
                continue
            limits[name.value] = value
        if limits.get("min_ttl", 0) > limits.get("max_ttl", 255):
            self.say(
                "C-MEANING",
                line,
                what="min_ttl is above max_ttl",
                consequence="Every advert from this peer is refused.",
                todo="Exchange them.",
            )
        return UnicastPeer(found, **limits)

    def authentication(self, statement: Statement, given: Values) -> None:
        if statement.keyword == "auth_type":
            self.draft.auth_kind = given[0].lower()
            self.draft.places["auth_type"] = statement
            return
        self.draft.places["auth_pass"] = statement
        password = given[0].encode("utf-8", "surrogateescape")
        if len(password) > MAX_PASSWORD:
            self.say(
                "C-ROUNDED",
                statement,
                statement.words[1],
                keyword="auth_pass",
                value="a longer password",
                used=f"its first {MAX_PASSWORD} characters",
                why="The packet has no more room. Peers compare only these.",
            )
        self.draft.auth_password = password[:MAX_PASSWORD]

    def hmac_key(self, statement: Statement, text: str) -> bytes | None:
        """The octets that a key's text, `hex:DIGITS` or `file:PATH` stands for; None when it cannot be one."""
        key: bytes | None
        if text.startswith("hex:"):
            try:
                key = bytes.fromhex(text[4:])
            except ValueError:
                key = None
        elif text.startswith("file:"):
            content = self.context.read(text[5:])
            key = None if content is None else content.rstrip("\r\n").encode("utf-8", "surrogateescape")
        else:
            key = text.encode("utf-8", "surrogateescape")
        if key is not None and MIN_HMAC_KEY <= len(key) <= MAX_HMAC_KEY:
            return key
        found = "it cannot be read" if key is None else f"it has {len(key)} octets"
        self.say(
            "C-ADJUSTED",
            statement,
            what=f"{self.draft.name}: a key of auth_hmac is of no use: {found}",
            consequence="The key is left out: what is signed with it is refused.",
            todo=f"Give {MIN_HMAC_KEY} to {MAX_HMAC_KEY} octets, as text, hex:DIGITS or file:PATH.",
        )
        return None

    def hmac_block(self, block: Statement) -> None:
        fields: dict[str, Any] = {"keys": []}

        def handle(statement: Statement, given: Values) -> None:
            match statement.keyword:
                case "key":
                    key = self.hmac_key(statement, given[1])
                    if key is not None:
                        fields["keys"].append(HmacKey(key_id=given[0], key=key))
                case "active_key":
                    fields["active_key"] = given[0]
                case "time_window":
                    fields["time_window"] = given[0] * NS_PER_S
                case "mode":
                    fields["mode"] = given[0]

        self.context.each(block, (*PATH, "auth_hmac"), handle)
        self.draft.hmac = fields

    def use_vmac(self, statement: Statement) -> None:
        draft = self.draft
        draft.vmac = draft.vmac or {}
        words = []
        for word in statement.arguments:
            if word.value in ("name", "group", "netlink_notify_msg"):
                alone = word.value != "netlink_notify_msg" and len(statement.words) == 2
                self.say("C-NEWER", statement, word, exit_code=0 if alone else 5, keyword=f"{word.value} of use_vmac")
            if word.value != "name":
                words.append(word)
        for word in words:
            field = "mac" if word.value.count(":") >= 4 else "name"
            if draft.vmac.get(field):
                self.say(
                    "C-REPEATED",
                    statement,
                    word,
                    exit_code=0 if "mac" in draft.vmac else 5,
                    keyword=f"the {field} of use_vmac",
                    consequence="keepalived keeps the first",
                )
                continue
            draft.vmac[field] = word.value.lower() if field == "mac" else word.value
