"""How a process that has Dagster loaded ends."""

import atexit
import gc


def end_quickly() -> None:
    """Spare this process the garbage collections at its end.

    With Dagster loaded they take half a second, for memory that is about to be given back anyway.
    What exit handlers and reference counts release is released as ever.
    """
    atexit.unregister(gc.freeze)  # so that it is there once
    atexit.register(gc.freeze)
