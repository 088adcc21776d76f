"""The environment of a Metaflow process."""

from __future__ import annotations

import os
import re

from .code import Code
from .flow import Flow

_FOREIGN = re.compile(
    # Options that click reads from the environment: METAFLOW_<COMMAND>_<OPTION>, and options
    # of the flow itself that the deploy has decided.
    r"METAFLOW_(RUN|INIT|STEP|RESUME)_\w+"
    r"|METAFLOW_(\w+_)?TRIGGERS?(_\w+)?"
    r"|METAFLOW_(DECOSPECS|BRANCH|PRODUCTION|FLOW_CONFIG|FLOW_CONFIG_VALUE|LOCAL_CONFIG_FILE)"
    r"|METAFLOW_DAGSTER_(CREATE|RESUME|RUN|RESULT|JOB|STEP)(_\w+)?"
    # What Metaflow and its schedulers tell the processes of one task.
    r"|METAFLOW_(CODE_(SHA|URL|DS|METADATA)|RUNTIME_(NAME|ENVIRONMENT)|ORIGIN_RUN_ID|TASK_ID)"
    r"|METAFLOW_(PARAMETERS|DEFAULT_PARAMETERS|SPLIT_PARENT_TASK_ID\w*)"
    r"|MF_(ATTEMPT|PATHSPEC|DATASTORE|DATASTORE_ROOT|MASTER_ADDR|WORLD_SIZE|PARALLEL_\w+)"
    r"|MFLOG_STD(OUT|ERR)"
)


def is_foreign(name: str) -> bool:
    """Whether a variable belongs to another run, task or command, such as the deploying shell's.

    Settings of Metaflow (`METAFLOW_DEFAULT_DATASTORE`, ...) are not foreign.
    """
    return _FOREIGN.fullmatch(name) is not None


def environment(flow: Flow, code: Code) -> dict[str, str]:
    """This process's variables but for those of other runs, the deployment's, and the code's."""
    env = {name: value for name, value in os.environ.items() if not is_foreign(name)}
    return {**env, **flow.metaflow_step_env, **code.env}
