"""The exceptions of hatui.

HatuiError
|-- ConfigError       a configuration that cannot be used; carries the diagnostics
|-- PacketError       octets that are no VRRP advertisement (inside the codec only)
|-- EngineLost        the engine closed or never answered the control socket
|-- Refused           the engine refused a command; carries code and reason
`-- ProtocolMismatch  the other end of a socket speaks another version of the vocabulary

A bad packet, a bad configuration or a failed kernel call is a value, not an exception, wherever
work goes on afterwards: `AdvertRejected`, `Diagnostic`, `EffectFailed`.
"""

from __future__ import annotations

from typing import Any


class HatuiError(Exception):
    """Anything that hatui raises on purpose."""


class ConfigError(HatuiError):
    """A configuration that cannot be used. `diagnostics` holds every finding, worst first."""

    def __init__(self, message: str, diagnostics: tuple[Any, ...] = ()) -> None:
        super().__init__(message)
        self.diagnostics = diagnostics


class PacketError(HatuiError):
    """Octets that cannot be decoded as an advertisement, or fields that cannot be encoded."""


class EngineLost(HatuiError):
    """The engine is not there: the socket is absent, refused, closed or silent. `advice` says what to do, if known."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.advice = advice


CLOSED = "the engine closed the connection"
"""The words of EngineLost where nothing is known but the end."""


class Refused(HatuiError):
    """The engine refused a command. `code` is known to `hatui explain`."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{reason} [{code}]")
        self.code = code
        self.reason = reason


class ProtocolMismatch(HatuiError):
    """The other end of a socket speaks another version of the vocabulary."""
