"""The counters of one instance while they count, and which one a verdict raises.

Invariant: a rejected advert raises the one counter of the first test that it failed, and no other.
Source: keepalived's names; RFC 6527, RFC 8347 statistics.
"""

from __future__ import annotations

from engine.messages import Counters, HostCounters, Verdict

NAMES = Counters.__struct_fields__


class Tally:
    """Counters that can be raised; `counters()` freezes them."""

    __slots__ = NAMES

    advert_rcvd: int
    advert_sent: int
    become_master: int
    release_master: int
    pri_zero_rcvd: int
    pri_zero_sent: int
    advert_interval_err: int
    addr_list_err: int
    own_rcvd: int
    chk_other_dialect: int

    def __init__(self) -> None:
        for name in NAMES:
            setattr(self, name, 0)

    def raise_for(self, verdict: Verdict, extension: str = "") -> None:
        """Count a rejection. `extension` names the counter of an auth_hmac refusal."""
        name = extension or COUNTER_OF.get(verdict, "")
        if name:
            setattr(self, name, getattr(self, name) + 1)

    def take(self, taken: Counters) -> None:
        """Begin anew, without what has been written down of it."""
        for name in NAMES:
            setattr(self, name, max(0, getattr(self, name) - getattr(taken, name)))

    def counters(self) -> Counters:
        """The present values."""
        return Counters(*[getattr(self, name) for name in NAMES])


class HostTally:
    """The refusals of all routers of a host together."""

    __slots__ = ("_counts", "_last", "since")

    def __init__(self) -> None:
        self.since = 0
        self._counts = dict.fromkeys(HOST_COUNTER_OF.values(), 0)
        self._last = ""

    def refused(self, verdict: Verdict, *, headless: bool = False) -> None:
        """Count one. `headless`: too short for a VRRP header."""
        name = HOST_COUNTER_OF.get(verdict, "")
        if verdict is Verdict.LENGTH and not headless:
            name = ""
        if name:
            self._counts[name] += 1
        self._last = str(verdict)

    def counters(self) -> HostCounters:
        """The present values."""
        return HostCounters(**self._counts, last_fault=self._last, since=self.since)


HOST_COUNTER_OF = {
    Verdict.VRID: "vrid_err",
    Verdict.VERSION: "vers_err",
    Verdict.CHECKSUM: "chk_err",
    Verdict.TTL: "ip_ttl_err",
    Verdict.LENGTH: "packet_len_err",
}
"""What RFC 6527 and RFC 8347 count for the host, not for a router."""

COUNTER_OF = {
    Verdict.LENGTH: "packet_len_err",
    Verdict.AH: "authtype_mismatch",
    Verdict.TTL: "ip_ttl_err",
    Verdict.VERSION: "vers_err",
    Verdict.AUTH_TYPE_UNKNOWN: "invalid_authtype",
    Verdict.AUTH_TYPE: "authtype_mismatch",
    Verdict.AUTH_DATA: "auth_failure",
    Verdict.INTERVAL: "advert_interval_err",
    Verdict.TYPE: "invalid_type_rcvd",
    Verdict.TOTAL_LENGTH: "packet_len_err",
    Verdict.COUNT_ZERO: "packet_len_err",
    Verdict.INTERVAL_ZERO: "advert_interval_err",
    Verdict.CHECKSUM: "chk_err",
    Verdict.DESTINATION: "dest_err",
    Verdict.ADDRESS_LIST: "addr_list_err",
    Verdict.OWN: "own_rcvd",
}
"""Refusals that keepalived does not count either have no row: NOT_RUNNING, OWNER, SOURCE; VRID counts for the host."""
