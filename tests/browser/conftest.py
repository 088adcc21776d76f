"""A real ``dagster dev`` of the example flows, and a browser that looks at it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.processes import free_port, needed
from support.project import Project

from .site import FLOWS, OWN, Site, serving

ROOT = Path(__file__).resolve().parents[2]
# Without the background services, which would look for hosts that tests have no business with.
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
--disable-background-networking --disable-component-update""".split()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, help="Folder for the pictures of the docs.")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """All examples in one deployment, and the card server, of which one flow's file knows."""
    project = Project(tmp_path_factory.mktemp("flows"))
    shutil.copytree(ROOT / "examples" / "data", project.folder / "data")
    cards, port = free_port(), free_port()
    for name, options in FLOWS.items():
        flow = f"{name}_flow.py"
        source = OWN.get(name) or (ROOT / "examples" / flow).read_text(encoding="utf-8")
        (project.folder / flow).write_text(source, encoding="utf-8")
        command = [flow, "--no-pylint", "dagster", "create", f"{name}_dagster.py"]
        if name == "temperatures":
            project.env["METAFLOW_DAGSTER_CARDS_URL"] = f"http://127.0.0.1:{cards}"
        project.run(sys.executable, *command, *options)
        project.env.pop("METAFLOW_DAGSTER_CARDS_URL", None)
    files = [part for name in FLOWS for part in ("-f", f"{name}_dagster.py")]
    with (
        serving(project, "-m", "dagster", "dev", "-p", str(port), *files),
        serving(project, "temperatures_flow.py", "dagster", "cards", "--port", str(cards)),
    ):
        site = Site(f"http://127.0.0.1:{port}", project, len(FLOWS))
        site.wait_for_start()
        yield site


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path  # of `playwright install`
        program = own if Path(own).exists() else needed("chromium", "chromium")
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of somebody who has met Dagster before."""
    context = browser.new_context(viewport={"width": 1280, "height": 960})
    context.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def picture(page: Page, pytestconfig: pytest.Config) -> Any:
    """Keeps a picture of the page for the docs, where they were asked for."""
    folder = pytestconfig.getoption("--screenshots")

    def take(name: str, width: int = 1280, height: int = 800, of: Page = page) -> None:
        if folder:
            of.wait_for_timeout(1500)  # until what moves has come to rest
            clip: Any = {"x": 0, "y": 0, "width": width, "height": height}
            of.screenshot(path=folder / f"{name}.png", animations="disabled", clip=clip)

    return take
