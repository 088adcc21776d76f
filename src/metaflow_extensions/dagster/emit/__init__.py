"""Turns a plan into the text of a definitions file. Knows nothing of why the plan is as it is."""

from .render import render

__all__ = ["render"]
