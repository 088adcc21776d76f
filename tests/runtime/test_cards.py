"""Cards while their task runs, and their links in Dagster."""

from __future__ import annotations

import time

from dagster import DagsterInstance
from support.project import Project

FLOW = """
import os, time
from metaflow import FlowSpec, card, current, step
from metaflow.cards import Markdown

class Pinned(FlowSpec):
    @card(type="blank", refresh_interval=1)
    @step
    def start(self):
        current.card.append(Markdown("half way"))
        current.card.refresh()
        deadline = time.monotonic() + 90
        while not os.path.exists("seen") and time.monotonic() < deadline:
            time.sleep(0.1)
            current.card.refresh()
        self.seen = os.path.exists("seen")
        current.card.append(Markdown("at the end"))
        self.next(self.end)

    @step
    def end(self):
        pass

if __name__ == "__main__":
    Pinned()
"""
CARDS = (
    "[str(card.get_data()) for card in __import__('metaflow.cards').cards.get_cards("
    "Flow('Pinned').latest_run['start'].task)]"
)


def has_begun(project: Project) -> bool:
    """Whether there is a card."""
    return any(project.folder.glob(".metaflow/mf.cards/Pinned/**/*.html"))


def test_a_card_can_be_seen_while_its_task_runs(project: Project) -> None:
    project.deploy(FLOW)
    run = project.start("Pinned")
    try:
        deadline = time.monotonic() + 80
        while not (has_begun(project) and any("half way" in card for card in project.query(CARDS))):
            assert time.monotonic() < deadline, (project.folder / "log").read_text()
            assert run.poll() is None
            time.sleep(0.2)
        (project.folder / "seen").touch()
        assert run.wait(60) == 0
    finally:
        run.kill()
    assert project.query("Flow('Pinned').latest_run['start'].task.data.seen")
    (content,) = project.query(CARDS)
    assert "half way" in content
    assert "at the end" in content
    with DagsterInstance.from_config(project.env["DAGSTER_HOME"]) as instance:
        (record,) = instance.get_run_records()
        (output,) = [
            entry.dagster_event.step_output_data
            for entry in instance.all_logs(record.dagster_run.run_id)
            if entry.dagster_event
            and entry.dagster_event.event_type_value == "STEP_OUTPUT"
            and entry.dagster_event.step_key == "op_start"
        ]
    assert "card" in str(sorted(output.metadata))
