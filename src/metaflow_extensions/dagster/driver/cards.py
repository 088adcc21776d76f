"""A card on the output of its step: what a click on it opens."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from dagster import MetadataValue, OpExecutionContext, PathMetadataValue

from ..contract import variables
from .datastore import task_datastore
from .flow import Flow
from .patience import patient
from .result import TaskResult

_LIMIT = 16 * 2**20  # bytes of a card that Dagster's webserver is asked to show

# Set by Dagster's stock launcher: the run is a child of the code server
# (DefaultRunLauncher in dagster/_core/launcher/default_run_launcher.py).
_OF_CODE_SERVER = ".dagster/grpc_info"
# Executors whose steps run on the run worker's machine, by the names that they give themselves.
_OF_THIS_MACHINE = {
    "metaflow",
    "metaflow_multiprocess",
    "multiprocess",
    "in_process",
    "multi_or_in_process_executor",
}


def card_metadata(flow: Flow, task: TaskResult) -> dict[str, Any]:
    """Cards by type and id.

    They are links to the server of `dagster cards`, if there is one; else to a page of Dagster's
    webserver, where it can show them; else paths and URLs.
    """
    name = variables.CARDS_URL
    server = os.environ.get(name) or flow.metaflow_step_env.get(name)
    page = None if server or not task.cards else _Page.of_this_run()
    metadata: dict[str, Any] = {}
    for card in task.cards:
        file_name = card.rsplit("/", 1)[-1]  # TYPE-HASH.html or TYPE-ID-HASH.html
        label = " ".join(["card", *file_name.split("-")[:-1]])
        if label in metadata:
            label += f" {len(metadata) + 1}"
        if server:
            url = f"{server.rstrip('/')}/{flow.flow_name}/{task.path}/{file_name}"
            metadata[label] = MetadataValue.url(url)
        elif page and (notebook := _notebook(flow, task, card, page.folder)):
            metadata[label] = MetadataValue.url(page.url(notebook))
        elif "://" in card:
            metadata[label] = MetadataValue.url(card)
        else:
            metadata[label] = PathMetadataValue(card)
    return metadata


@dataclass(frozen=True)
class _Page:
    """The webserver's page of notebooks.

    The webserver makes it with nbconvert of a file that it has the code server read
    (``download_notebook`` in dagster_webserver/webserver.py).
    """

    folder: Path
    """Where the code server finds what this process writes."""
    location: str
    """What the code server is called."""

    @classmethod
    def of_this_run(cls) -> _Page | None:
        """None where the code server is on another machine, or nbconvert is not there."""
        context = OpExecutionContext.get()
        job_origin = context.run.remote_job_origin
        if (
            job_origin is None
            or _OF_CODE_SERVER not in context.run.tags
            or context.job_def.executor_def.name not in _OF_THIS_MACHINE
            or find_spec("nbconvert") is None
        ):
            return None
        folder = Path(context.instance.storage_directory(), context.run_id, "cards")
        return cls(folder, job_origin.location_name)

    def url(self, notebook: str) -> str:
        """From the page of a run, ``/runs/<id>``: the webserver may have a prefix."""
        return "../notebook?" + urlencode({"path": notebook, "repoLocName": self.location})


def _notebook(flow: Flow, task: TaskResult, card: str, folder: Path) -> str | None:
    """Write a card as a notebook of one cell; None if that is not possible."""
    try:
        html = _content(flow, task, card)
        if html is None or len(html) > _LIMIT:
            return None
        folder = folder.joinpath(*task.path.split("/")[1:])
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{card.rsplit('/', 1)[-1].removesuffix('.html')}.ipynb"
        path.write_text(as_notebook(html), encoding="utf-8")
    except Exception as error:  # the task has succeeded, whatever becomes of its card
        OpExecutionContext.get().log.warning(f"Dagster cannot show {card}: {error}")
        return None
    return str(path)


@patient
def _content(flow: Flow, task: TaskResult, card: str) -> str | None:
    if "://" not in card:
        return Path(card).read_text(encoding="utf-8")
    datastore = task_datastore(flow, task.path, "r").parent_datastore
    from .._metaflow_internals import card_html

    return card_html(datastore, f"{flow.flow_name}/{task.path}", card.rsplit("/", 1)[-1])


def as_notebook(html: str) -> str:
    """A notebook whose page is a card and nothing else.

    The page has Dagster's address. The frame counts as another site, so that a script in a card
    cannot act in Dagster as whoever looks at it.
    """
    frame = (
        '<iframe sandbox="allow-scripts" title="card" '
        'style="position:fixed;inset:0;width:100%;height:100%;border:0;background:white;z-index:9" '
        f'srcdoc="{escape(html)}"></iframe>'
    )
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/html": frame}}
    cell: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [output],
        "source": "",
    }
    return json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [cell]})
