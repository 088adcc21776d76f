"""The command group ``dagster`` of every flow."""

from metaflow._vendor import click


@click.group()
def cli():
    pass


@cli.group(help="Deploy this flow to Dagster and operate it there.")
@click.pass_obj
def dagster(obj):
    del obj
