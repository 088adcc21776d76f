"""``dagster cards``: show cards in the browser, from links in Dagster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._metaflow_internals import click
from ..contract import variables
from .common_options import as_json

if TYPE_CHECKING:
    from .._metaflow_internals.types import CliState


@click.command(
    help="""Serve the cards of this datastore, so that a click in Dagster opens them.

    Set METAFLOW_DAGSTER_CARDS_URL to the address where Dagster runs the steps, or at create: the
    cards of later runs are links to it.
    """
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen at. Any other than this machine's own lets others see the cards.",
)
@click.option("--port", type=int, default=8324, show_default=True, help="0 takes a free one.")
@as_json
@click.pass_obj
def cards(obj: CliState, host: str, port: int, as_json: bool) -> None:
    from .cards import card_server
    from .output import print_json_line

    server = card_server(obj.flow_datastore, host, port)
    url = f"http://{host}:{server.server_address[1]}"
    if as_json:
        print_json_line({"url": url, "variable": variables.CARDS_URL})
    else:
        obj.echo_always(f"Serving cards at {url}. Stop with Ctrl-C.", err=False)
        obj.echo_always(f"For links in Dagster: export {variables.CARDS_URL}={url}", err=False)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()
