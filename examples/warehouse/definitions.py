"""A Metaflow flow between two tables of a warehouse, which are assets of Dagster.

Each table is one SQL statement, as a model of dbt would be. `ForecastFlow` reads the first one; the
second one depends on the flow.
"""

import math
import sqlite3
from pathlib import Path

import dagster as dg
import forecast_dagster
from metaflow import Flow, namespace

WAREHOUSE = Path(__file__).with_name("warehouse.db")
FORECAST = dg.AssetKey("ForecastFlow")


def build(statement: str, *values: object) -> None:
    """Run statements of SQL in the warehouse."""
    with sqlite3.connect(WAREHOUSE) as db:
        for part in statement.split(";"):
            db.execute(part, values if "?" in part else ())


@dg.asset(group_name="warehouse", kinds={"sql"})
def daily_orders() -> None:
    """Orders of each day."""
    build(
        """
        DROP TABLE IF EXISTS daily_orders;
        CREATE TABLE daily_orders AS
        SELECT column1 AS day, column2 AS orders
        FROM (VALUES ('2026-01-01', 10), ('2026-01-02', 14), ('2026-01-03', 18))
        """
    )


@dg.asset_sensor(asset_key=daily_orders.key, job_name="ForecastFlow")
def forecast_new_orders() -> dg.RunRequest:
    """Starts the flow when its table is new."""
    return dg.RunRequest()


@dg.asset(
    group_name="warehouse",
    kinds={"sql"},
    deps=[FORECAST],
    automation_condition=dg.AutomationCondition.eager(),
)
def staffing() -> None:
    """How many people are needed tomorrow; made again after each run of the flow."""
    namespace(None)
    forecast = Flow("ForecastFlow").latest_successful_run.data.forecast
    build(
        """
        DROP TABLE IF EXISTS staffing;
        CREATE TABLE staffing AS SELECT ? AS people
        """,
        math.ceil(forecast / 5),
    )


defs = dg.Definitions.merge(
    forecast_dagster.defs,
    dg.Definitions(
        assets=[daily_orders, staffing],
        sensors=[forecast_new_orders],
        executor=dg.in_process_executor,
    ),
)
