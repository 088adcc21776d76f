"""Where files that an earlier version generated look for the streams of their thread."""

from ..streams import current_streams, interrupted

__all__ = ["current_streams", "interrupted"]
