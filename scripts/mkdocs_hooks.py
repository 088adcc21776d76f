"""What the site does beside what mkdocs does: links to files of the repository outside docs/."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
_LINK = re.compile(r"\]\((\.\./[^)\s#]+)(#[^)\s]+)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Links that leave docs/ work on the forge; on the site they lead to the forge.

    Raises:
        FileNotFoundError: There is no such file.
    """
    folder = (DOCS / page.file.src_uri).parent

    def to_forge(link: re.Match[str]) -> str:
        target = Path(os.path.normpath(folder / link[1]))
        if target.is_relative_to(DOCS):
            return link[0]
        if not target.exists():
            raise FileNotFoundError(f"{page.file.src_uri} links to {link[1]}, which is not there")
        kind = "tree" if target.is_dir() else "blob"
        path = target.relative_to(ROOT).as_posix()
        return f"]({config.repo_url}/{kind}/main/{path}{link[2] or ''})"

    return _LINK.sub(to_forge, markdown)
