"""Where files that an earlier version generated look for the warm server's client."""

from ..warm.client import prestart, spawn

__all__ = ["prestart", "spawn"]
