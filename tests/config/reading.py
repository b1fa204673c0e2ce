"""Ways to read configurations in tests."""

from __future__ import annotations

import glob as globbing
from pathlib import Path

from engine.config.build import Loaded, load
from engine.config.files import Reader, files_of
from engine.config.model import Config, Instance

MAIN = "/etc/keepalived/keepalived.conf"
INSTANCE = """vrrp_instance V {{
    interface eth0
    virtual_router_id 5
    virtual_ipaddress {{
        10.211.55.50
    }}
{lines}
}}
"""


def reading(text: str, files: dict[str, str] | None = None, config_id: str = "node", **more: object) -> Loaded:
    """Read a text as the main file, beside other files by absolute path."""
    return load(MAIN, *files_of({MAIN: text, **(files or {})}), config_id, **more)  # type: ignore[arg-type]


def with_lines(*lines: str) -> str:
    """A good instance V with further lines in it."""
    return INSTANCE.format(lines="\n".join(f"    {line}" for line in lines))


def instance(*lines: str, before: str = "") -> Instance:
    """The instance V with further lines, which must be free of errors."""
    loaded = reading(before + with_lines(*lines))
    assert [str(one) for one in loaded.diagnostics if one.severity == "error"] == []
    return config(loaded).instances[-1]


def config(loaded: Loaded) -> Config:
    """The model, which must be there."""
    assert loaded.config is not None, [str(one) for one in loaded.diagnostics]
    return loaded.config


def codes(loaded: Loaded) -> list[str]:
    """The codes of all findings in order."""
    return [one.code for one in loaded.diagnostics]


def disk() -> Reader:
    """A reader over the real files."""

    def read(path: str) -> str | None:
        try:
            return Path(path).read_text("utf-8", "surrogateescape")
        except OSError:
            return None

    return Reader(read, lambda pattern: sorted(globbing.glob(pattern)))
