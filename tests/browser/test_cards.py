"""A card in S3, on a webserver whose pages have a prefix."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from support.processes import free_port
from support.project import Project
from support.remote import Remote

from .site import Site, serving

FLOW = """
from metaflow import FlowSpec, card, current, step
from metaflow.cards import Markdown

class CardFlow(FlowSpec):
    @card(type="blank", id="summary")
    @step
    def start(self):
        current.card.append(Markdown("from a bucket"))
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    CardFlow()
"""
AT_ONCE = """
run_coordinator:
  module: dagster.core.run_coordinator
  class: DefaultRunCoordinator
"""


@pytest.fixture(scope="module")
def prefixed(tmp_path_factory: pytest.TempPathFactory, remote: Remote) -> Iterator[Site]:
    project = Project(tmp_path_factory.mktemp("s3"))
    project.env |= remote.env
    with (project.folder / "dagster_home" / "dagster.yaml").open("a") as settings:
        settings.write(AT_ONCE)  # there is no daemon
    project.deploy(FLOW)
    (project.folder / "defs.py").rename(project.folder / "card_dagster.py")
    port = str(free_port())
    command = ["-m", "dagster_webserver", "-p", port, "--path-prefix", "/tools"]
    with serving(project, *command, "-f", "card_dagster.py"):
        site = Site(f"http://127.0.0.1:{port}/tools", project, 1)
        site.wait_for_start()
        yield site


def test_a_card_in_s3_opens_with_one_click_under_a_path_prefix(page: Page, prefixed: Site) -> None:
    run_id = prefixed.wait(prefixed.launch("CardFlow", "card"))
    page.goto(f"{prefixed.url}/runs/{run_id}?logs={quote('step:op_start')}")
    page.get_by_text("View full message").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("card blank summary")).to_be_visible()
    with page.context.expect_page() as opened:
        dialog.locator("a[href^='../notebook']").first.click()
    card = opened.value
    assert card.url.startswith(f"{prefixed.url}/notebook?")
    body = card.frame_locator("iframe[title=card]").locator("body")
    expect(body).to_contain_text("from a bucket")
