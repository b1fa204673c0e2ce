"""Two owners of one address: the one that would stay master gives the other time to stop, then bows to it.

Invariant: only an owner is ever lowered, to 254 and no further; it owns again (255) when it becomes master anew or
when the other has been silent for a master-down interval. Until then both hold the address, which is worse than the
wrong one of the two holding it. Source: keepalived's behaviour with two routers of priority 255; RFC 9568 8.3.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.messages import LedgerLine, LogLine, State

if TYPE_CHECKING:
    from engine.protocol.instance import VrrpInstance
    from engine.protocol.stimuli import Heard

LOWERED = 254
ADVERTS_TO_STOP = 2
"""Own adverts that the other owner is given to hear and yield."""


class Rivalry:
    """What one owner knows of another."""

    __slots__ = ("heard_at", "lowered", "patience", "sender")

    def __init__(self) -> None:
        self.sender = ""
        self.heard_at = 0
        self.patience = 0
        """ns: 1.2 of the longer interval of the two."""
        self.lowered = False

    def line(self) -> LedgerLine | None:
        """The line of the ledger while the owner is lowered."""
        if not self.lowered:
            return None
        detail = f"{self.sender} owns the address as well and did not yield"
        return LedgerLine("rival", self.sender, good=False, weight=0, contribution=LOWERED - 255, detail=detail)


def hear_rival(instance: VrrpInstance, heard: Heard) -> None:
    """As master and owner: another owner lost the tie. It gets two of our adverts and a little more to yield."""
    config, rivalry, now = instance.config, instance.rivalry, instance.host.now
    rivalry.sender, rivalry.heard_at = heard.sender, now
    rivalry.patience = max(config.advert_interval, heard.interval) * 6 // 5
    if not instance.side_armed("rival"):
        instance.arm_side("rival", now + ADVERTS_TO_STOP * config.advert_interval + rivalry.patience)


def time_is_over(instance: VrrpInstance) -> None:
    """The other owner had its time: still there, and we are lowered; silent, and we own again."""
    rivalry, now = instance.rivalry, instance.host.now
    if instance.state is not State.MASTER or instance.hand_over is not None or not instance.config.owner:
        return
    if rivalry.lowered:
        if now - rivalry.heard_at >= instance.down:
            own_again(instance)
            instance.reassess(f"{rivalry.sender}, which owned the address as well, is silent")
        else:
            instance.arm_side("rival", rivalry.heard_at + instance.down)
    elif now - rivalry.heard_at <= rivalry.patience:
        rivalry.lowered = True
        text = f"{rivalry.sender} owns the address as well and does not yield: priority {LOWERED}, so that one stays"
        instance.host.out.append(LogLine("warning", f"{instance.config.name}: {text}"))
        instance.arm_side("rival", now + instance.down)
        instance.reassess(text)


def own_again(instance: VrrpInstance) -> None:
    """The priority is 255 again from the next assessment on."""
    instance.rivalry.lowered = False
