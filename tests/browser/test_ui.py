"""What a person sees and clicks in Dagster's UI."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect
from support.processes import wait_for

from .site import Site

Picture = Callable[..., None]


@pytest.fixture(scope="module")
def temperatures(site: Site) -> str:
    """A run of the flow with a foreach, a switch and a card."""
    return site.wait(site.launch("TemperaturesFlow", "temperatures"))


def output_of(site: Site, run_id: str, step: str) -> str:
    """The page of a run with the events of one step alone, of which its output is the longest."""
    return f"{site.url}/runs/{run_id}?logs={quote(f'step:{step}')}"


def test_the_graph_of_a_job(page: Page, site: Site, picture: Picture) -> None:
    page.goto(site.job("TemperaturesFlow", "temperatures"))
    for step in ("start", "measure", "average", "judge", "praise", "warn", "end"):
        expect(page.get_by_text(f"op_{step}", exact=True).first).to_be_visible()
    picture("graph", 965)


def test_the_launchpad_has_every_parameter_and_starts_a_run(
    page: Page, site: Site, picture: Picture
) -> None:
    page.goto(site.job("ParametersFlow", "parameters", "playground"))
    editor = page.locator(".CodeMirror").first
    for entry in (
        *("op_start", "max-n: 3", "threshold: 0.25", "dry-run: false", "title: Temperatures"),
        *("class: standard", "- daily", "days: 7", "stations: "),
    ):
        expect(editor).to_contain_text(entry)
    expect(page.get_by_text("No errors", exact=True)).to_be_visible()
    picture("launchpad")
    page.get_by_role("button", name="Launch Run").click()
    page.wait_for_url(re.compile("/runs/"))
    site.wait(page.url.split("/runs/")[1].split("?")[0])
    expect(page.get_by_text("Success", exact=True).first).to_be_visible()


def test_a_run_has_its_tasks_and_what_each_is_for(
    page: Page, site: Site, temperatures: str, picture: Picture
) -> None:
    page.set_viewport_size({"width": 1280, "height": 1160})  # the Gantt chart has its half
    page.goto(f"{site.url}/runs/{temperatures}")
    for step in ("op_start", "op_end"):
        expect(page.get_by_text(step, exact=True).first).to_be_visible()
    picture("run", height=1100)
    page.get_by_text(re.compile(r"^Succeeded \(")).click()
    for step in ("op_measure[0]", "op_measure[2]"):
        expect(page.get_by_text(step, exact=True).first).to_be_attached()
    page.set_viewport_size({"width": 1280, "height": 960})
    page.goto(output_of(site, temperatures, "op_measure[0]"))
    expect(page.get_by_text("Basel").first).to_be_visible()
    page.get_by_text("View full message").last.click()
    expect(page.get_by_role("dialog").get_by_text("foreach item").first).to_be_visible()
    picture("foreach-item")


def test_without_the_card_server_a_card_opens_in_a_page_of_dagster(
    page: Page, site: Site, picture: Picture
) -> None:
    run_id = site.wait(site.launch("HyperparametersFlow", "hyperparameters"))
    page.goto(output_of(site, run_id, "op_compare"))
    page.get_by_text("View full message").last.click()
    link = page.get_by_role("dialog").locator("a[href^='../notebook']")
    with page.context.expect_page() as opened:
        link.first.click()
    card = opened.value
    body = card.frame_locator("iframe[title=card]").locator("body")
    expect(body).to_contain_text("Best: 0.03")
    picture("card", height=330, of=card)
    # The page is of Dagster's origin, and the card in it of none.
    frame = card.locator("iframe[title=card]").element_handle().content_frame()
    assert frame is not None
    assert (card.evaluate("origin"), frame.evaluate("origin")) == (site.url, "null")


def test_a_card_opens_with_one_click(
    page: Page, site: Site, temperatures: str, picture: Picture
) -> None:
    page.goto(output_of(site, temperatures, "op_end"))
    page.get_by_text("View full message").last.click()
    link = page.get_by_role("dialog").get_by_role("link", name=re.compile("^http.*[.]html"))
    with page.context.expect_page() as opened:
        link.first.click()
    card = opened.value
    card.wait_for_load_state("networkidle")
    assert card.title() or card.locator("body").inner_text()
    expect(card.locator("body")).to_contain_text("TemperaturesFlow")
    page.bring_to_front()


def test_the_snippet_that_reads_a_task(page: Page, site: Site, temperatures: str) -> None:
    page.goto(output_of(site, temperatures, "op_end"))
    page.get_by_text("View full message").last.click()
    page.get_by_role("dialog").get_by_text("[Show Markdown]").last.click()
    expect(page.get_by_text("from metaflow import Task").first).to_be_visible()


def test_a_link_opens_the_stream_that_has_text(page: Page, site: Site, temperatures: str) -> None:
    page.goto(output_of(site, temperatures, "op_measure[0]"))
    page.get_by_text("View full message").last.click()
    entry = page.get_by_role("dialog").locator("a[href^='?logType=stdout']").first
    with page.context.expect_page() as opened:
        entry.click()
    expect(opened.value.get_by_text("Basel: 7 values").first).to_be_visible()


def test_a_failed_run_says_why_and_is_executed_again_from_its_failure(
    page: Page, site: Site, picture: Picture
) -> None:
    failed = site.wait(site.launch("ResumeFlow", "resume"), "FAILURE")
    page.goto(f"{site.url}/runs/{failed}?logs=type%3ASTEP_FAILURE")
    expect(page.get_by_text("ZeroDivisionError").first).to_be_visible()
    picture("failed-run")
    page.get_by_role("button", name=re.compile("^Re-execute")).first.click()
    page.wait_for_url(re.compile(f"/runs/(?!{failed})"))
    again = page.url.split("/runs/")[1].split("?")[0]
    site.wait(again, "FAILURE")


def test_a_run_is_terminated_and_leaves_no_process(page: Page, site: Site) -> None:
    run_id = site.launch("SleepyFlow", "sleepy")
    pids = site.project.folder / "pids"
    wait_for("the start of the task", pids.exists, 120)
    processes = [Path("/proc", pid) for pid in pids.read_text().split()]
    assert all(map(Path.exists, processes))
    page.goto(f"{site.url}/runs/{run_id}")
    page.get_by_role("button", name=re.compile("Terminate$")).click()
    page.get_by_role("dialog").get_by_role("button", name=re.compile("Terminate 1 run")).click()
    site.wait(run_id, "CANCELED")
    expect(page.get_by_text("Canceled", exact=True).first).to_be_visible()
    wait_for("the end of the task's processes", lambda: not any(map(Path.exists, processes)), 30)


def test_schedules_and_sensors(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/automation")
    for name in ("SalesFlow_schedule", "FeaturesFlow_event_0", "ReportFlow_on_finish_0"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()

    page.goto(f"{site.url}/locations/__repository__@sales_dagster.py/schedules/SalesFlow_schedule")
    said = "A run of SalesFlow for the partition that has ended last"
    expect(page.get_by_text(said).first).to_be_visible()


def test_the_catalog_has_every_flow(
    page: Page, site: Site, temperatures: str, picture: Picture
) -> None:
    page.goto(f"{site.url}/assets/TemperaturesFlow")
    for text in ("Averages a week of", "duration (s)", "verdict", "Open TemperaturesFlow"):
        expect(page.get_by_text(text).first).to_be_visible()
    picture("asset")
    page.goto(f"{site.url}/assets/SalesFlow?view=partitions")
    expect(page.get_by_text("2026-01-01").first).to_be_visible()


def test_the_lineage_of_three_flows(page: Page, site: Site, picture: Picture) -> None:
    """Each starts the next one, the first when a flow before it publishes an event."""
    site.trigger("IngestFlow", "chain_ingest")
    site.wait_for_run_of("ArchiveFlow")
    page.goto(f"{site.url}/assets/ArchiveFlow?view=lineage&lineageScope=upstream&lineageDepth=5")
    for name in ("FeaturesFlow", "ReportFlow", "ArchiveFlow"):
        expect(page.get_by_text(name, exact=True).first).to_be_visible()
    page.get_by_role("button", name="zoom_out").click()
    for name in ("IngestFlow", "rows.ready"):
        expect(page.get_by_text(name).first).to_be_attached()
    picture("lineage")
    page.goto(f"{site.url}/runs")
    rows = page.get_by_text(re.compile("^metaflow/run_id"))
    expect(rows.first).to_be_visible()
    for started_by in ("rows.ready", "ReportFlow/dagster-"):
        tag = page.get_by_text(re.compile(f"^metaflow/triggered_by: ?{started_by}"))
        expect(tag.first).to_be_visible()
    for tag in ("flow:", "definitions_file", "end_step", "triggered_by: ?\\["):
        expect(page.get_by_text(re.compile(f"metaflow[/_]{tag}"))).to_have_count(0)


def test_the_launchpad_fills_in_the_partition_that_is_chosen(page: Page, site: Site) -> None:
    page.goto(site.job("SalesFlow", "sales", "playground"))
    editor = page.locator(".CodeMirror").first
    expect(editor).to_contain_text("op_start")
    box = page.get_by_placeholder("Partition")
    box.fill("2026-02-03")
    expect(page.get_by_text("2026-02-03", exact=True).first).to_be_visible()
    box.press("Enter")
    expect(editor).to_contain_text(re.compile("day: '?2026-02-03"))


def test_a_backfill_runs_each_day(page: Page, site: Site, picture: Picture) -> None:
    page.goto(site.job("SalesFlow", "sales", "partitions"))
    page.get_by_role("button", name=re.compile("Launch backfill", re.I)).first.click()
    dialog = page.get_by_role("dialog")
    box = dialog.locator("input[type=text]").first
    box.fill("[2026-01-01...2026-01-03]")
    box.press("Enter")
    picture("backfill")
    dialog.get_by_role("button", name="Submit 3 runs").click()
    page.goto(site.job("SalesFlow", "sales", "runs"))
    expect(page.get_by_text("Success", exact=True)).to_have_count(3, timeout=180_000)
