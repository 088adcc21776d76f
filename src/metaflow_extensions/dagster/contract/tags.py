"""Tags of Dagster runs, jobs and ops that one of our processes sets and another one reads."""

PREFIX = "metaflow/"
"""Of what people may read."""
HIDDEN = ".dagster/metaflow_"
"""Of what only processes read: Dagster's UI hides it (``get_tag_type`` in
dagster/_core/storage/tags.py). Runs of earlier files have the same names after ``PREFIX``. A run's
tasks are told its tags of both kinds."""

# Of a job.
FLOW = ".dagster/metaflow_flow"
PROJECT = "metaflow/project"
BRANCH = "metaflow/branch"
END_STEP = ".dagster/metaflow_end_step"  # where it is not called `end`
DOES_NOT_COMPILE = "metaflow/does_not_compile"  # a job that stands in for one

# Of a run.
RUN_ID = "metaflow/run_id"  # Metaflow's
TAGS = "metaflow/tags"  # a JSON list: tags of this run's tasks
DEFINITIONS_FILE = (
    ".dagster/metaflow_definitions_file"  # loaded to start it on this machine
)
SCHEDULED_TIME = "metaflow/scheduled_time"  # ISO 8601
TRIGGERED_BY = ".dagster/metaflow_triggered_by"  # a JSON list of events
TRIGGERED_BY_SHOWN = (
    "metaflow/triggered_by"  # their names; the JSON list in runs of earlier files
)
ORIGIN_RUN_ID = "metaflow/origin_run_id"  # the Metaflow run that it resumes
RESUME_STEP = "metaflow/resume_step"  # from which on everything runs again
RESUME_PARAMETERS = "metaflow/resume_parameters"  # given anew: names with commas
EXIT_HOOKS = ".dagster/metaflow_exit_hooks"  # how far its exit hooks have got
EXIT_HOOKS_OF = "metaflow/exit_hooks_of"  # of a run that calls them for another one

# Of an op.
HELPER = "metaflow/helper"  # it runs no task: which helper it is
