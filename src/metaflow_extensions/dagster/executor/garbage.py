"""Python does not look for garbage in what is there before a run: Dagster's modules, and the plan.

A full collection of that takes a tenth of a second and more, while steps wait.
"""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

_is_spared_for_good = False


def spare_for_good() -> None:
    """Never look again in what is there now, in a process that serves one run."""
    global _is_spared_for_good
    gc.freeze()
    _is_spared_for_good = True


@contextmanager
def spared() -> Generator[None, None, None]:
    """Do not look in what is there now, until the context ends."""
    # To count what is frozen takes as long as to look through it.
    is_ours = not (_is_spared_for_good or gc.get_freeze_count())
    if is_ours:
        gc.freeze()
    try:
        yield
    finally:
        if is_ours:
            gc.unfreeze()
