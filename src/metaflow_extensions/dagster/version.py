"""The package's version: the only place that says it."""

__version__ = "1.0.0rc1"
