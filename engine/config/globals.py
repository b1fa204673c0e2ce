"""global_defs: the settings of the whole process.

Invariant: keepalived's parent reads every global_defs before the VRRP child reads any instance, so where
a global_defs stands does not matter; among global settings the later wins. Source: keepalived.conf(5)
global_defs.
"""

from __future__ import annotations

from engine.config.context import Context, Values
from engine.config.expand import Statement
from engine.config.model import NS_PER_S, Fifo, Globals

PATH = ("global_defs",)
_PLAIN = {
    "router_id": "router_id",
    "notification_email_from": "notification_email_from",
    "smtp_helo_name": "smtp_helo_name",
    "vrrp_garp_interval": "garp_interval",
    "vrrp_gna_interval": "gna_interval",
    "vrrp_startup_delay": "startup_delay",
    "vrrp_delay_after_boot": "delay_after_boot",
    "vrrp_priority": "vrrp_priority",
    "vrrp_version": " version",
    "vrrp_mcast_group4": " group4",
    "vrrp_mcast_group6": " group6",
    "vrrp_down_timer_adverts": " down_timer_adverts",
    "state_dump_file": "state_dump_file",
    "stats_dump_file": "stats_dump_file",
    "json_dump_file": "json_dump_file",
    "default_interface": " default_interface",
    "vmac_prefix": " vmac_prefix",
}
_FLAGS = {
    "enable_traps": "enable_traps",
    "vrrp_no_swap": "no_swap",
    "enable_script_security": "script_security",
    "log_unknown_vrids": "log_unknown_vrids",
    "fifo_write_vrrp_states_on_reload": "fifo_write_states_on_reload",
    "vrrp_check_unicast_src": " check_unicast_src",
}
_BOOLEANS = {
    "vrrp_lower_prio_no_advert": " lower_prio_no_advert",
    "vrrp_higher_prio_send_advert": " higher_prio_send_advert",
    "vrrp_notify_priority_changes": " priority_changes",
    "v3_checksum_as_v2": " v3_checksum_as_v2",
    "vrrp_owner_ignore_adverts": " owner_ignore_adverts",
    "smtp_alert": " smtp_alert",
    "smtp_alert_vrrp": " smtp_alert_vrrp",
}
_GARP = {
    "vrrp_garp_master_delay": ("master_delay", NS_PER_S),
    "vrrp_garp_master_repeat": ("master_repeat", 1),
    "vrrp_garp_master_refresh": ("master_refresh", NS_PER_S),
    "vrrp_garp_master_refresh_repeat": ("master_refresh_repeat", 1),
    "vrrp_garp_lower_prio_delay": ("lower_prio_delay", NS_PER_S),
    "vrrp_garp_lower_prio_repeat": ("lower_prio_repeat", 1),
}
_NOT_ZERO = {"master_repeat", "master_refresh_repeat"}
_SWITCHED_ON = {"vrrp_strict": "strict", "vrrp_skip_check_adv_addr": "skip_check_adv_addr"}


def global_block(context: Context, block: Statement) -> None:
    """One global_defs block."""

    def mails(statement: Statement) -> None:
        found = tuple(line.words[0].value for line in statement.children or ())
        if not found:
            context.say(
                "C-MEANING",
                statement,
                what="notification_email is empty",
                consequence="Nobody gets a mail.",
                todo="Write one address on a line, or remove the block.",
            )
        context.globals["notification_email"] = context.globals.get("notification_email", ()) + found

    context.each(
        block, PATH, lambda statement, given: _setting(context, statement, given), {"notification_email": mails}
    )


def _setting(context: Context, statement: Statement, given: Values) -> None:
    keyword, into = statement.keyword, context.globals
    if keyword in _PLAIN:
        into[_PLAIN[keyword]] = given[0]
    elif keyword in _FLAGS:
        into[_FLAGS[keyword]] = True
    elif keyword in _BOOLEANS:
        into[_BOOLEANS[keyword]] = given[0] is not False
    elif keyword in _GARP:
        announcement(context, statement, given[0], context.garp, _GARP[keyword])
    elif keyword in _SWITCHED_ON:
        into[_SWITCHED_ON[keyword]] = True
        if given[0] is False:
            off_means_on(context, statement)
    else:
        _special(context, statement, given)


def off_means_on(context: Context, statement: Statement) -> None:
    """An argument that keepalived 2.2.7 does not look at."""
    word = statement.words[1]
    context.say("C-OFF-MEANS-ON", statement, word, keyword=statement.keyword, value=word.value)


def announcement(
    context: Context, statement: Statement, number: int, into: dict[str, int], place: tuple[str, int]
) -> None:
    """One setting of the gratuitous ARP family, global or of an instance."""
    field, scale = place
    if number == 0 and field in _NOT_ZERO:
        context.say(
            "C-ROUNDED",
            statement,
            statement.words[1],
            keyword=statement.keyword,
            value="0",
            used="1",
            why="Each address is announced at least once.",
        )
        number = 1
    into[field] = number * scale


def _special(context: Context, statement: Statement, given: Values) -> None:
    into = context.globals
    match statement.keyword:
        case "smtp_server":
            into["smtp_server"], into["smtp_port"] = given[0], given[1] or 25
        case "smtp_connect_timeout":
            if given[0] == 0:
                context.say(
                    "C-ROUNDED",
                    statement,
                    statement.words[1],
                    keyword=statement.keyword,
                    value="0",
                    used="1",
                    why="No server can be reached in no time.",
                )
            into["smtp_connect_timeout"] = max(given[0], 1) * NS_PER_S
        case "vrrp_min_garp":
            if given[0] is not False:
                for field, least in (("master_repeat", 1), ("master_delay", 0), ("master_refresh_repeat", 0)):
                    context.garp.setdefault(field, least)
        case "vrrp_rx_bufs_policy":
            into["rx_buffer_bytes"] = int(given[0]) if given[0].isdecimal() else 0
        case "json_version":
            into["json_version"] = int(given[0])
        case "vrrp_rt_priority":
            into["rt_priority"] = given[0]
        case "script_user":
            into["script_user"], into["script_group"] = given[0]
        case "dynamic_interfaces":
            into["dynamic_interfaces"] = True
            into["allow_if_changes"] = given[0] == "allow_if_changes"
        case "nftables":
            into["use_nftables"] = given[0] or "keepalived"
        case "notify_fifo" | "vrrp_notify_fifo":
            users = [word.value for word in statement.words[2:4]]
            user, group = (*users, "", "")[:2]
            context.fifos[statement.keyword] = Fifo(path=given[0], user=user, group=group)
        case "notify_fifo_script" | "vrrp_notify_fifo_script":
            context.fifo_scripts[statement.keyword.removesuffix("_script")] = given[0]


def finished(context: Context) -> Globals:
    """The model of all global settings."""
    fields = {name: value for name, value in context.globals.items() if not name.startswith(" ")}
    for keyword, field in (("notify_fifo", "fifo"), ("vrrp_notify_fifo", "vrrp_fifo")):
        fifo = context.fifos.get(keyword)
        if fifo is not None:
            script = context.fifo_scripts.get(keyword)
            fields[field] = Fifo(path=fifo.path, user=fifo.user, group=fifo.group, script=script)
    return Globals(**fields)
