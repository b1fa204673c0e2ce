"""Reading a large configuration makes millions of objects and no garbage: the collector would only look at them again
and again.

Invariant: afterwards it runs as before, also when two threads read at the same time.
"""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def uncollected(work: Callable[_P, _R]) -> Callable[_P, _R]:
    """Do the work with the collector off; whoever found it on turns it on again."""

    @functools.wraps(work)
    def run(*arguments: _P.args, **words: _P.kwargs) -> _R:
        was_on = gc.isenabled()
        gc.disable()
        try:
            return work(*arguments, **words)
        finally:
            if was_on:
                gc.enable()

    return run
