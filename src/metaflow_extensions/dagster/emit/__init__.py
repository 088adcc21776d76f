"""Turns a plan into the text of a definitions file. Knows nothing of why the plan is as it is."""

from .render import prepare, render

__all__ = ["prepare", "render"]
