"""Containers for tests as processes of this machine: what stand-ins of clusters start."""

from .image import make_image
from .process import Container

__all__ = ["Container", "make_image"]
