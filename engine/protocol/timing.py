"""VRRP's intervals as functions of version, priority and advertisement interval.

Invariant: integer nanoseconds throughout, so a higher priority always gives a strictly smaller skew and
nothing accumulates rounding. Centiseconds and seconds are converted here. Source: RFC 9568 6.1, RFC 3768 6.1.
"""

from __future__ import annotations

NS_PER_S = 1_000_000_000
NS_PER_CS = 10_000_000
NS_PER_MS = 1_000_000

NEVER = 1 << 62
"""Later than any instant that a monotonic clock will show."""

HAND_OVER_MARGIN = 250 * NS_PER_MS
GRACE = 250 * NS_PER_MS
GRACE_PER_ADDRESS = 2 * NS_PER_MS
LONGEST_GRACE = 3 * NS_PER_S


def skew_time(version: int, priority: int, interval: int) -> int:
    """ns that a backup of this priority waits beyond the lost adverts: the better, the shorter.

    v2: in 256ths of a second whatever the interval; v3: in 256ths of the master's interval.
    Source: RFC 9568 6.1 Skew_Time, RFC 3768 6.1 Skew_Time.
    """
    return (256 - priority) * (NS_PER_S if version == 2 else interval) // 256


def master_down_interval(version: int, priority: int, interval: int, adverts: int = 3) -> int:
    """ns of silence after which a backup takes over. `interval` is the master's, `adverts` is
    down_timer_adverts. Source: RFC 9568 6.1 Active_Down_Interval; keepalived.conf(5) down_timer_adverts."""
    return adverts * interval + skew_time(version, priority, interval)


def hand_over_limit(version: int, interval: int) -> int:
    """ns within which any backup must have answered a priority-0 advert: the longest skew, and a margin."""
    longest_skew = max(NS_PER_S, interval) if version == 2 else interval
    return longest_skew + HAND_OVER_MARGIN


def release_grace(addresses: int) -> int:
    """ns that a resigned master keeps its addresses after its successor's first advert.

    A successor says the advert first, then puts the addresses on and announces them: until then clients still
    talk to us. keepalived 2.2.7 needs up to 3 ms an address.
    """
    return min(GRACE + addresses * GRACE_PER_ADDRESS, LONGEST_GRACE)


def settle_delay(addresses: int) -> int:
    """ns after which a successor announces once more: the one before has let go by then.

    Until it does, both answer for the addresses, and a host that asks may learn the one that goes.
    """
    return release_grace(addresses) + GRACE


def to_centiseconds(interval: int) -> int:
    """ns to centiseconds, downwards."""
    return interval // NS_PER_CS


def from_centiseconds(interval_cs: int) -> int:
    """Centiseconds to ns."""
    return interval_cs * NS_PER_CS


def seconds_text(duration: int) -> str:
    """A duration for a sentence: three digits behind the point, as in "3.609 s"."""
    sign = "-" if duration < 0 else ""
    milliseconds = (abs(duration) + NS_PER_MS // 2) // NS_PER_MS
    return f"{sign}{milliseconds // 1000}.{milliseconds % 1000:03d} s"
