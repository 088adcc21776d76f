"""A real ``dagster dev`` of the example flows, and a browser that looks at it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright
from support.processes import end, free_port, needed, wait_for
from support.project import Project
from support.webserver import ask

from .site import FLOWS, SLEEPY, Site

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
        shutil.copy(ROOT / "examples" / f"{name}_flow.py", project.folder)
        command = [f"{name}_flow.py", "--no-pylint", "dagster", "create", f"{name}_dagster.py"]
        if name == "temperatures":
            project.env["METAFLOW_DAGSTER_CARDS_URL"] = f"http://127.0.0.1:{cards}"
        project.run(sys.executable, *command, *options)
        project.env.pop("METAFLOW_DAGSTER_CARDS_URL", None)
    project.deploy(SLEEPY)
    files = [part for name in FLOWS for part in ("-f", f"{name}_dagster.py")] + ["-f", "defs.py"]
    env = dict(project.env)
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    commands = [
        [sys.executable, "-m", "dagster", "dev", "-p", str(port), *files],
        [sys.executable, "temperatures_flow.py", "dagster", "cards", "--port", str(cards)],
    ]
    with ExitStack() as stack:
        log = stack.enter_context((project.folder / "log").open("wb"))
        for command in commands:
            process = subprocess.Popen(
                command,
                cwd=project.folder,
                env=env,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            stack.callback(end, process)
        site = Site(f"http://127.0.0.1:{port}", project.folder)
        wait_for("the start of dagster dev", site.has_loaded, 180)
        ask(site.url, "mutation { setNuxSeen }", {})  # Dagster greets a new installation once
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
def page(browser: Browser, site: Site) -> Iterator[Page]:
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
