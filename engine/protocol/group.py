"""Sync groups: instances that are master together or not at all.

Invariant: a member becomes master only when every member wants it; a fault of one is a fault of all.
Source: keepalived.conf(5) vrrp_sync_group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config.model import SyncGroup, Tracking
from engine.messages import LedgerLine, State
from engine.protocol.stimuli import ELECTED, Pulled
from engine.protocol.tracking import fault

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance


class GroupState:
    """The members of one sync group, in configured order."""

    __slots__ = ("config", "members")

    def __init__(self, config: SyncGroup) -> None:
        self.config = config
        self.members: list[VrrpInstance] = []

    def elect(self) -> bool:
        """Make all members master when each of them is or wants to be; False while one does not."""
        if any(one.state is not State.MASTER and not one.wants_master for one in self.members):
            return False
        for one in self.members:
            if one.state is not State.MASTER:
                one.tell(ELECTED)
        return True

    def pull(self, fallen: VrrpInstance) -> None:
        """One member became backup: the other masters follow."""
        for one in self.members:
            if one is not fallen and one.state is State.MASTER:
                one.tell(Pulled(fallen.config.name))

    def faults_for(self, instance: VrrpInstance) -> list[LedgerLine]:
        """The faults of the other members, as lines of this one."""
        return [fault("sync-group", one.config.name) for one in self.members if one is not instance and one.own_faults]


def tracking_in_group(tracking: Tracking, group: SyncGroup | None) -> Tracking:
    """What a member watches. Without sync_group_tracking_weight weights would tear members apart: interface
    weights become faults, weighted scripts, processes and BFD are dropped, a file of weight 1 becomes a fault.

    Source: keepalived.conf(5) sync_group_tracking_weight.
    """
    if group is None or group.tracking_weight:
        return tracking
    return Tracking(
        scripts=tuple(track for track in tracking.scripts if track.weight == 0),
        interfaces=tuple(type(track)(name=track.name, reverse=track.reverse) for track in tracking.interfaces),
        processes=tuple(track for track in tracking.processes if track.weight == 0),
        files=tuple(
            type(track)(name=track.name, reverse=track.reverse) if track.weight == 1 else track
            for track in tracking.files
        ),
        bfd=tuple(track for track in tracking.bfd if track.weight == 0),
    )
