"""The documentation as a site, which needs the extra `docs`."""

import subprocess
import sys
from pathlib import Path

import metaflow_dagster

ROOT = Path(__file__).parents[2]


def test_site(tmp_path):
    """As `make docs`: a broken link or anchor, or a page that is not in the menu, is an error."""
    build = [sys.executable, "-m", "mkdocs", "--quiet", "build", "--strict", "--site-dir"]
    subprocess.run([*build, str(tmp_path / "site")], cwd=ROOT, check=True)
    page = (tmp_path / "site/reference/python/index.html").read_text(encoding="utf-8")
    for name in set(metaflow_dagster.__all__) - {"__version__"}:
        assert f'.{name}" class="doc doc-heading"' in page, f"no docstring of {name}"
