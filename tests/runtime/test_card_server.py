"""``dagster cards``: a click on a card's entry in Dagster shows the card, and nothing else."""

from __future__ import annotations

import html
import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from dagster import DagsterEventType, DagsterInstance, UrlMetadataValue
from support.project import Project

FLOW = """
from metaflow import FlowSpec, card, current, step
from metaflow.cards import Markdown

class Cards(FlowSpec):
    @card(type="blank", id="summary")
    @card(type="blank", id="details")
    @step
    def start(self):
        self.kept = "not for browsers"
        current.card["summary"].append(Markdown("in short"))
        current.card["details"].append(Markdown("at length"))
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Cards()
"""


class Cards:
    """A project whose run has cards, and their server."""

    def __init__(self, project: Project) -> None:
        self.project = project
        project.deploy(FLOW)
        self.process = subprocess.Popen(
            [sys.executable, "flow.py", "dagster", "cards", "--port", "0", "--json"],
            cwd=project.folder,
            env=project.env,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        self.url = said["url"]
        project.env[said["variable"]] = self.url
        project.execute("Cards")

    def links(self) -> dict[str, str]:
        """The links among the metadata of the first step, by their labels."""
        found = {}
        with DagsterInstance.from_config(self.project.env["DAGSTER_HOME"]) as instance:
            (record,) = instance.get_run_records()
            for entry in instance.all_logs(
                record.dagster_run.run_id, of_type=DagsterEventType.STEP_OUTPUT
            ):
                assert entry.dagster_event is not None
                for label, value in entry.dagster_event.step_output_data.metadata.items():
                    if isinstance(value, UrlMetadataValue):
                        found[label] = value.url or ""
        return found

    def status(self, path: str, host: str | None = None) -> int:
        request = urllib.request.Request(self.url + path, headers={"Host": host} if host else {})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="module", params=["local", "s3"])
def cards(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Cards]:
    project = Project(tmp_path_factory.mktemp("cards"))
    if request.param == "s3":
        project.env |= request.getfixturevalue("remote").env
    cards = Cards(project)
    yield cards
    cards.process.kill()
    cards.process.wait()


def test_an_entry_has_the_cards_type_and_id_and_shows_it(cards: Cards) -> None:
    links = cards.links()
    assert set(links) == {"card blank summary", "card blank details"}
    for label, text in (("card blank summary", "in short"), ("card blank details", "at length")):
        with urllib.request.urlopen(links[label], timeout=20) as answer:
            assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
            content = answer.read().decode()
        run = f"Flow('Cards').latest_run['start'].task, id={label.split()[-1]!r}"
        own = f"[card.get() for card in __import__('metaflow.cards').cards.get_cards({run})]"
        assert [content] == cards.project.query(own)
        assert text in str(cards.project.query(own.replace(".get()", ".get_data()")).__repr__())


def test_nothing_else_is_served(cards: Cards) -> None:
    link = cards.links()["card blank summary"].removeprefix(cards.url)
    *task, name = link.split("/")
    others = [
        "/",
        "/".join(task),
        "/".join([*task, "other.html"]),
        "/".join([*task, "..", task[-1], name]),
        link.replace("/start/", "/%2e%2e/"),
        "/../../flow.py",
        "/%2e%2e/%2e%2e/flow.py",
        "/".join([*task, "0.data.json"]),
    ]
    assert [cards.status(path) for path in others] == [404] * len(others)


def test_a_foreign_page_cannot_ask_in_the_name_of_its_host(cards: Cards) -> None:
    link = cards.links()["card blank summary"].removeprefix(cards.url)
    port = cards.url.rsplit(":", 1)[1]
    assert cards.status(link, f"localhost:{port}") == 200
    assert cards.status(link, f"evil.example:{port}") == 421


def test_an_address_in_use_is_told(cards: Cards) -> None:
    port = cards.url.rsplit(":", 1)[1]
    done = cards.project.run(
        sys.executable, "flow.py", "dagster", "cards", "--port", port, check=False
    )
    assert done.returncode != 0
    assert f"Cannot serve cards at 127.0.0.1:{port}" in done.stdout + done.stderr


NOTEBOOK = """
import sys
from pathlib import Path
import defs
from metaflow_extensions.dagster.driver import cards
from metaflow_extensions.dagster.driver.result import TaskResult
task, card, folder = sys.argv[1:]
print(cards._notebook(defs.FLOW, TaskResult(path=task), card, Path(folder)))
"""


def test_a_card_becomes_a_notebook_in_a_frame_that_cannot_act_in_dagster(cards: Cards) -> None:
    project = cards.project
    *_, run, step, task, name = cards.links()["card blank summary"].split("/")
    arguments = [f"{run}/{step}/{task}", f"s3://anywhere/{name}", str(project.folder / "notebooks")]
    done = project.run(sys.executable, "-c", NOTEBOOK, *arguments)
    path = Path(done.stdout.strip())
    assert path.name == name.replace(".html", ".ipynb")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    text = notebook.cells[0].outputs[0].data["text/html"]
    found = "Flow('Cards').latest_run['start'].task, id='summary'"
    (card,) = project.query(f"[__import__('metaflow.cards').cards.get_cards({found})[0].get()]")
    assert f'srcdoc="{html.escape(card)}"></iframe>' in text
    assert 'sandbox="allow-scripts"' in text
