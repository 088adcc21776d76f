"""The package's version: the only place that says it. Which generated files it works with."""

import re

__version__ = "1.0.0rc1"


def compatible() -> str:
    """The versions of the package that thin files of this one work with, as pip writes them."""
    return f">={__version__},<{_release(__version__)[0] + 1}"


def check_compatible(wanted: str) -> None:
    """Refuse a thin file that does not work with this version of the package.

    Args:
        wanted: What `compatible` said where the file was made.

    Raises:
        ImportError: the version is not among those.
    """
    least, below = map(_release, wanted.split(","))
    if not least <= _release(__version__) < below:
        raise ImportError(
            f"This file works with metaflow-dagster {wanted}, and {__version__} is installed: "
            "install one of those, or create the file again with this one."
        )


def _release(version: str) -> list[int]:
    """The numbers of a release; candidates for it count as the release."""
    return [int(number) for number in re.findall(r"\d+", version)[:3]]
