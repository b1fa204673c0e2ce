"""Small configurations for the tests of lint, and what is found in them."""

from __future__ import annotations

from collections.abc import Mapping

from engine.config.build import Loaded, load
from engine.config.diagnostic import Diagnostic
from engine.config.files import files_of
from engine.config.fix import mend
from engine.config.lint import lint

FILE = "/etc/keepalived/keepalived.conf"


def read(texts: str | Mapping[str, str], config_id: str = "") -> Loaded:
    """The configuration of one text, or of several by path, the main one first."""
    if isinstance(texts, str):
        texts = {FILE: texts}
    return load(next(iter(texts)), *files_of(texts), config_id=config_id)


def told(text: str | Mapping[str, str], code: str, *peers: str, config_id: str = "") -> list[Diagnostic]:
    """The findings of one code."""
    return [one for one in lint(read(text, config_id), [read(peer) for peer in peers]) if one.code == code]


def only(text: str | Mapping[str, str], code: str, *peers: str) -> Diagnostic:
    """The one finding of a code."""
    (one,) = told(text, code, *peers)
    return one


def mended(text: str, code: str, *peers: str) -> str:
    """The text after the fixes of one code."""
    return mend({FILE: text}, lambda texts: told(texts[FILE], code, *peers)).texts[FILE]


def instance(body: str = "", *, name: str = "VI_1", vrid: int = 60, vip: str = "10.0.0.100/24", start: str = "") -> str:
    """A vrrp_instance with nothing to remark on, and `body` in it. `start` replaces state and priority."""
    lines = "".join(f"    {line}\n" for line in body.strip("\n").split("\n") if line.strip())
    return (
        f"vrrp_instance {name} {{\n"
        + (start or "    state BACKUP\n    priority 100\n")
        + f"    interface eth0\n    virtual_router_id {vrid}\n"
        + (f"    virtual_ipaddress {{\n        {vip}\n    }}\n" if vip else "")
        + lines
        + "}\n"
    )


def script(body: str = "weight -50", *, name: str = "chk", command: str = '"/usr/local/bin/check web"') -> str:
    """A vrrp_script."""
    return f"vrrp_script {name} {{\n    script {command}\n    interval 2\n    fall 2\n    {body}\n}}\n"
