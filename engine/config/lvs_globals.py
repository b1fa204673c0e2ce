"""What global_defs says for virtual servers and their checkers.

Invariant: every value is the one that keepalived 2.2.7 dumps. The later line wins, but for lvs_sync_daemon and
lvs_notify_fifo with its script, where the first one does; an account is the script_user above the line. Nothing is
reported here. Source: keepalived.conf(5) global_defs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.config import values
from engine.config.context import Values
from engine.config.expand import Statement
from engine.config.keywords import Keyword
from engine.config.lvs_checks import account
from engine.config.lvs_lines import Lines
from engine.config.model import NS_PER_S, Command, Fifo
from engine.config.model_lvs import LvsGlobals, SyncDaemon

PATH = ("global_defs",)
_NS_PER_US = 1_000
_RT_PRIORITY = (1, 99)
_PLAIN = {
    "checker_process_name": "checker_process_name",
    "lvs_process_name": "checker_process_name",
    "checker_priority": "checker_priority",
    "checker_rt_priority": "checker_rt_priority",
    "lvs_netlink_cmd_rcv_bufs": "netlink_cmd_rcv_bufs",
    "lvs_netlink_monitor_rcv_bufs": "netlink_monitor_rcv_bufs",
}
_SWITCHES = {
    "lvs_flush": "flush",
    "checker_no_swap": "checker_no_swap",
    "smtp_alert_checker": "smtp_alert_checker",
    "no_checker_emails": "no_checker_emails",
    "checker_log_all_failures": "checker_log_all_failures",
    "lvs_netlink_cmd_rcv_bufs_force": "netlink_cmd_rcv_bufs_force",
    "lvs_netlink_monitor_rcv_bufs_force": "netlink_monitor_rcv_bufs_force",
    "enable_snmp_checker": "enable_snmp_checker",
}
_SYNC = {"inst": "instance", "maxlen": "max_length"}


def global_settings(lines: Lines, statements: Iterable[Statement]) -> LvsGlobals:
    """The settings of all global_defs blocks of an expanded tree."""
    reader = _Globals(lines)
    for block in statements:
        if block.keyword == "global_defs":
            for statement in block.children or ():
                row = lines.table.get(PATH, statement.keyword)
                if row is not None:
                    reader.line(statement, row)
    return reader.finished()


class _Globals:
    """Collects one line after the other."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.fields: dict[str, Any] = {}
        self.user = ("", "")
        """script_user as far as it is read."""
        self.fifo: Fifo | None = None
        self.script: Command | None = None

    def line(self, statement: Statement, row: Keyword) -> None:
        """One line of global_defs."""
        given = self.lines.values(statement, row)
        if given is None:
            self._wrong(statement)
        elif row.name in _PLAIN:
            self.fields[_PLAIN[row.name]] = given[0]
        elif row.name in _SWITCHES:
            self.fields[_SWITCHES[row.name]] = not given or given[0] is not False
        else:
            self._special(statement, row, given)

    def _special(self, statement: Statement, row: Keyword, given: Values) -> None:
        match row.name:
            case "script_user":
                self.user = given[0]
            case "lvs_timeouts":
                for word, timeout_s in self.lines.inline(statement, row, given[0]):
                    if timeout_s is not None:
                        self.fields[f"{word}_timeout"] = timeout_s * NS_PER_S
            case "lvs_flush_on_stop" | "lvs_flush_onstop":
                self.fields["flush_on_stop"] = given[0] or "all"
            case "lvs_sync_daemon":
                self.fields.setdefault("sync_daemon", self._sync_daemon(statement, row, given))
            case "checker_cpu_affinity":
                self.fields["checker_cpu_affinity"] = tuple(sorted({int(word) for word in given[0]}))
            case "checker_rlimit_rttime" | "checker_rlimit_rtime":
                self.fields["checker_rlimit_rttime"] = given[0] * _NS_PER_US
            case "lvs_notify_fifo" if self.fifo is None:
                words = [word.value for word in statement.words[2:4]]
                user, group = (*words, "", "")[:2] if words else self.user
                self.fifo = Fifo(path=given[0], user=user, group=group)
            case "lvs_notify_fifo_script" if self.script is None:
                self.script = account(given[0], self.user)

    def _sync_daemon(self, statement: Statement, row: Keyword, given: Values) -> SyncDaemon:
        """lvs_sync_daemon; the instance may stand behind the interface without inst."""
        interface, words = given
        found: dict[str, Any] = {}
        if words and self.lines.table.get((*row.path, row.name), words[0].value) is None:
            found["instance"], words = words[0].value, words[1:]
        for word, value in self.lines.inline(statement, row, words):
            if word == "inst":
                found.setdefault("instance", value)
            elif word == "group" and (value is None or not values.is_multicast(value)):
                found.pop("group", None)
            elif value is not None:
                found[_SYNC.get(word, word)] = value
        return SyncDaemon(interface=interface, **found)

    def _wrong(self, statement: Statement) -> None:
        """A line that keepalived complains about, and that changes something all the same."""
        numbers = [values.integer(word.value) or 0 for word in statement.arguments]
        if statement.keyword == "checker_priority":
            self.fields["checker_priority"] = 0
        if not numbers:
            return
        match statement.keyword:
            case "checker_rlimit_rttime" | "checker_rlimit_rtime":
                self.fields["checker_rlimit_rttime"] = 0
            case "checker_rt_priority":
                least, most = _RT_PRIORITY
                self.fields["checker_rt_priority"] = max(least, min(most, numbers[0]))
            case "checker_cpu_affinity":
                self.fields["checker_cpu_affinity"] = tuple(sorted(set(numbers))) if min(numbers) >= 0 else ()

    def finished(self) -> LvsGlobals:
        """The model."""
        if self.fifo is not None:
            fifo = Fifo(path=self.fifo.path, user=self.fifo.user, group=self.fifo.group, script=self.script)
            self.fields["fifo"] = fifo
        return LvsGlobals(**self.fields)
