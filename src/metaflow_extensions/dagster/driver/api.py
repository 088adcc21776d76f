"""What generated files call: the functions that run Metaflow.

They are those of the installed package or, where there is none, of the copy in the file's own code
package. So these names, and what they take, keep working for files that earlier versions have made
(docs/reference/stability.md). Metaflow, which reads its settings as it is imported, is imported
when it is needed.
"""

from ..contract.parameter_values import config_value
from .code import code_of
from .datastore import (
    attempts_made,
    clones,
    is_done,
    read_small,
    task_datastore,
    write_small,
)
from .exit_hooks import call_exit_hooks
from .repeats import begins_again
from .result import TaskResult, as_result, read_result
from .run import begin, run_task, start_run
from .show import artifact_metadata, retrieval, shown

__all__ = [
    "TaskResult",
    "artifact_metadata",
    "as_result",
    "attempts_made",
    "begin",
    "begins_again",
    "call_exit_hooks",
    "clones",
    "code_of",
    "config_value",
    "is_done",
    "read_result",
    "read_small",
    "retrieval",
    "run_task",
    "shown",
    "start_run",
    "task_datastore",
    "write_small",
]
