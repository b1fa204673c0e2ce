"""What another node says of a change: its own lines, and the one that settles the cause."""

from __future__ import annotations

import pytest

from engine import messages as m
from engine.config.model import NS_PER_S
from hatui.accounts import MOST, Account, account_of
from hatui.explanation import explain, lines
from hatui.reasons import CERTAIN, LIKELY

S = NS_PER_S
WALL = 1_700_000_000 * S
B, M, F, INIT = m.State.BACKUP, m.State.MASTER, m.State.FAULT, m.State.INIT
TOOK_OVER = m.StateChanged("VI_1", B, M, m.Cause.MASTER_NO_RESPONSE, peer="10.0.0.9")
CHANGE = m.EventLine(7, 100 * S, WALL, TOOK_OVER)


def there(*told: tuple[float, m.Event]) -> Account:
    """The account of lb-a, which recorded these so many seconds from the change; its clock began later."""
    rows = [
        m.EventLine(at + 1, 5 * S + int(when * S), WALL + int(when * S), event)
        for at, (when, event) in enumerate(sorted(told, key=lambda one: one[0]))
    ]
    return account_of("lb-a", CHANGE, rows, "VI_A")


FAULT = m.StateChanged("VI_A", M, F, m.Cause.INTERFACE_DOWN, "interface eth0 is down")


@pytest.mark.parametrize(
    ("told", "settles"),
    [
        ([(-3.6, FAULT)], "interface-down: interface eth0 is down"),
        ([(2, FAULT)], "interface-down: interface eth0 is down"),  # clocks may be a little apart
        ([(-3.6, m.StateChanged("VI_A", M, INIT, m.Cause.SHUTDOWN))], "shutdown: the engine is stopping"),
        ([(-3.0, m.ProcessDied("vrrp", "killed by SIGKILL", respawned=False))], "its vrrp process ended"),
        ([(40, m.EngineStarted("0.1.0", 5))], "its engine began anew 40"),
        ([(-1, m.EngineStopping("SIGTERM")), (40, m.EngineStarted("0.1.0", 5))], ""),
        ([(-3, m.StateChanged("VI_OTHER", M, F, m.Cause.INTERFACE_DOWN))], ""),
        ([(-3, m.StateChanged("VI_A", F, B, m.Cause.FAULT_CLEARED))], ""),
        ([(-90, FAULT)], ""),
        ([], ""),
    ],
)
def test_line_that_settles_the_cause_is_the_other_half_of_the_move(
    told: list[tuple[float, m.Event]], settles: str
) -> None:
    found = there(*told).settles
    assert found.startswith(settles)
    assert bool(found) == bool(settles)


def test_account_has_the_lines_nearest_to_the_change_in_order_and_of_this_instance_only() -> None:
    misses = [(-10.0 - at, m.NearMiss("VI_A", f"miss {at}")) for at in range(9)]
    other = m.NearMiss("VI_OTHER", "not ours")
    down = m.InterfaceStateChanged("eth0", up=False, detail="down")
    found = there(*misses, (-1, other), (-3.6, down), (-3.5, FAULT))
    assert len(found.lines) == MOST
    assert [one.wall_ns for one in found.lines] == sorted(one.wall_ns for one in found.lines)
    assert "MASTER -> ! FAULT" in found.lines[-1].text or "FAULT" in found.lines[-1].text
    assert not any("not ours" in one.text for one in found.lines)


def test_peers_own_word_makes_the_cause_certain_and_stands_on_the_page() -> None:
    alone = explain(CHANGE, [CHANGE], down=3 * S)
    assert alone.grade == LIKELY
    found = explain(CHANGE, [CHANGE], down=3 * S, accounts=[there((-3.6, FAULT))])
    assert (found.grade, found.cause) == (CERTAIN, "lb-a says itself: interface-down: interface eth0 is down")
    page = ["".join(part for part, _ in line) for line in lines(CHANGE, found, 80, "utc")]
    assert any(one.startswith(" Peer log   lb-a 22:13:16.4 ") for one in page), page
    silent = explain(CHANGE, [CHANGE], down=3 * S, accounts=[there()])
    page = ["".join(part for part, _ in line) for line in lines(CHANGE, silent, 80, "utc")]
    assert " Peer log   lb-a nothing of it in its record" in page


def test_cause_that_lies_here_is_not_changed_by_the_peer() -> None:
    ours = m.EventLine(7, 100 * S, WALL, m.StateChanged("VI_1", M, F, m.Cause.INTERFACE_DOWN))
    rows = [m.EventLine(1, S, WALL + S, m.StateChanged("VI_A", B, M, m.Cause.MASTER_NO_RESPONSE))]
    account = account_of("lb-a", ours, rows, "VI_A")
    assert account.settles == ""
    assert len(account.lines) == 1
