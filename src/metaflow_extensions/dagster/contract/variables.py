"""Environment variables of ours, by which one process tells another something.

Metaflow reads those that are settings from its configuration file too, without ``METAFLOW_``.
"""

PREFIX = "METAFLOW_DAGSTER_"

# Settings.
URL = "METAFLOW_DAGSTER_URL"  # the webserver of a live deployment
URL_SETTING = "DAGSTER_URL"  # as Metaflow's configuration calls it
TOKEN = "METAFLOW_DAGSTER_TOKEN"  # for Dagster+
HEADERS = "METAFLOW_DAGSTER_HEADERS"  # further headers of requests, as a JSON object
CACHE = "METAFLOW_DAGSTER_CACHE"  # the folder of what can be fetched or made again
CARDS_URL = "METAFLOW_DAGSTER_CARDS_URL"  # where `dagster cards` serves
WARM = "METAFLOW_DAGSTER_WARM"  # "0": tasks are not forked from a warm process

# What the processes of a task are told.
RUN_ID = "METAFLOW_DAGSTER_RUN_ID"  # Dagster's
JOB = "METAFLOW_DAGSTER_JOB"
STEP_KEY = "METAFLOW_DAGSTER_STEP_KEY"
RUN_TAGS = "METAFLOW_DAGSTER_RUN_TAGS"  # a JSON object of those that begin as ours
# The file for what the task says of itself. Files of 0.1.0 name theirs without _FILE, and
# do not know all that is in ours: they read the datastore, as ours do for tasks of other machines.
RESULT = "METAFLOW_DAGSTER_RESULT_FILE"
STEP_ENVIRONMENT_ID = "METAFLOW_DAGSTER_STEP_ENVIRONMENT_ID"  # of @conda, as deployed
WAITS = "METAFLOW_DAGSTER_WAITS"  # it starts the task elsewhere, and ends it when asked to end
WARM_SERVER = "METAFLOW_DAGSTER_WARM_SERVER"  # the descriptor of a warm server's client


def stored_at(flow_name: str, path: str) -> str:
    """Where in the datastore a task finds these, on a machine that gets no variables.

    Args:
        flow_name: The flow.
        path: ``run/step/task``, of the control task for all tasks of a gang.
    """
    return f"{flow_name}/_dagster/{path}.json"
