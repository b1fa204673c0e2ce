"""The entrance: `load` reads a configuration and makes the model of it, with everything that is wrong.

Invariant: reading never fails with an exception. `Loaded.config` is None only when keepalived would
refuse to run (a fatal finding, or no file); otherwise it is what keepalived 2.2.7 would run on, faulty
lines left out, and `Loaded.diagnostics` says each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.config import expand as expansion
from engine.config.diagnostic import Diagnostic
from engine.config.expand import Definition, Statement
from engine.config.files import Reader
from engine.config.model import Config
from engine.config.syntax import Tree


class Loaded:
    """The result of reading: the model, the findings, and the ways back to the text."""

    __slots__ = ("config", "definitions", "diagnostics", "statements", "trees")

    def __init__(
        self,
        config: Config | None,
        diagnostics: tuple[Diagnostic, ...],
        statements: tuple[Statement, ...],
        trees: dict[str, Tree],
        definitions: dict[str, Definition],
    ) -> None:
        self.config = config
        """None when it cannot run."""
        self.diagnostics = diagnostics
        """In the order of the text; fatal ones have exit_code 2 or 4."""
        self.statements = statements
        """The expanded tree as keepalived reads it: top-level statements, their `children` filled."""
        self.trees = trees
        """{absolute path: tree as written} of every file read, the main file first."""
        self.definitions = definitions
        """The $NAMEs at the end."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Every file that was read, the main file first."""
        return tuple(self.trees)


def load(
    main_path: str,
    reader: Reader,
    *,
    config_id: str = "",
    env: Mapping[str, str] | None = None,
    draw: Callable[[int, int], int] | None = None,
    all_config: bool = False,
) -> Loaded:
    """Read, expand, structure, build. `main_path` is absolute; the rest as in `expand.expand`."""
    expanded = expansion.expand(main_path, reader, config_id=config_id, env=env, draw=draw, all_config=all_config)
    return Loaded(None, tuple(expanded.diagnostics), (), expanded.trees, expanded.definitions)
