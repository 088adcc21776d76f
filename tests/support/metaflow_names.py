"""Names that Metaflow makes when it is loaded, so that a type checker knows them."""

from typing import Any

import metaflow

_made: Any = metaflow

DagsterEvent = _made.DagsterEvent
batch = _made.batch
exit_hook = _made.exit_hook
kubernetes = _made.kubernetes
namespaced_event_name: Any = getattr(_made, "namespaced_event_name", None)  # metaflow 2.19.18
project = _made.project
resources = _made.resources
retry = _made.retry
schedule = _made.schedule
trigger = _made.trigger
trigger_on_finish = _made.trigger_on_finish
