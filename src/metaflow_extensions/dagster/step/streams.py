"""Where definitions files that were made before 1.0 look for the streams of a step."""

from ..streams import current_streams, interrupted

__all__ = ["current_streams", "interrupted"]
