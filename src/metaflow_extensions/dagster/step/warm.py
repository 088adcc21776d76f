"""Where definitions files that were made before 1.0 look for the warm processes."""

from ..warm.client import prestart, spawn

__all__ = ["prestart", "spawn"]
