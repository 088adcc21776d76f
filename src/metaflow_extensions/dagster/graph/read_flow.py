"""A loaded flow -> FlowView: the one place where the compiler reads Metaflow's objects."""

from __future__ import annotations

import ast
import inspect
import json
import tokenize
from itertools import chain
from typing import TYPE_CHECKING, Any

from metaflow.exception import MetaflowException

from .._metaflow_internals import (
    added_spec,
    flow_decorators_of,
    graph_of,
    has_launch_hook,
    step_decorators_of,
    written_spec,
)
from .._metaflow_internals.environments import environment_of
from .._metaflow_internals.untyped import config_values, current_value
from ..errors import DagsterDeployError, Problems
from .flow import (
    DecoratorView,
    ExitHookView,
    FlowView,
    ProjectView,
    ScheduleView,
    StepView,
    TriggerView,
)
from .read import read_shape
from .read_parameters import read_parameters

if TYPE_CHECKING:
    from .._metaflow_internals.types import Environment, Flow

# Decorators whose attributes are read. What others hold (@environment's vars, say) may be secret.
_OPEN = frozenset(["retry", "timeout", "resources", "catch", "parallel", "conda", "pypi", "card"])


def read_flow(
    flow: Flow, problems: Problems | None = None, environment: Environment | None = None
) -> FlowView:
    """Read a flow that is loaded and linted, with its decorators initialised.

    Deploy-time functions of parameters and triggers are called, each once.

    Args:
        flow: A FlowSpec.
        problems: Collects what is wrong; what has a problem is left out of the view.
        environment: Metaflow's, by ``--environment``.

    Raises:
        DagsterDeployError: something is wrong, and no ``problems`` were given to collect it.
    """
    found = Problems() if problems is None else problems
    shape = read_shape(graph_of(flow))
    triggers = (
        found.attempt(_trigger, decorator)
        for name in ("trigger", "trigger_on_finish")
        for decorator in flow_decorators_of(flow, name)
    )
    line, imports = _read_source(type(flow))
    view = FlowView(
        name=flow.name,
        shape=shape,
        project=read_project(),
        parameters=read_parameters(flow, found),
        configs=json.loads(json.dumps(config_values(flow))),
        steps={step.name: _step(flow, step.name, environment) for step in shape.steps},
        schedule=_schedule(flow),
        triggers=tuple(trigger for trigger in triggers if trigger is not None),
        exit_hooks=tuple(
            ExitHookView(tuple(decorator.success_hooks), tuple(decorator.error_hooks))
            for decorator in flow_decorators_of(flow, "exit_hook")
        ),
        line=line,
        imports=imports,
    )
    if problems is None:
        found.raise_all()
    return view


def _read_source(flow_class: type) -> tuple[int, frozenset[str]]:
    """The line where a flow's class begins, and the modules that its file imports."""
    try:
        with tokenize.open(inspect.getsourcefile(flow_class) or "") as file:
            tree = ast.parse(file.read())
    except (OSError, TypeError, SyntaxError, ValueError):  # made in memory, say
        return 1, frozenset()
    line, imports = 1, set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.add(node.module.split(".")[0])
        elif isinstance(node, ast.ClassDef) and node.name == flow_class.__name__:
            line = node.lineno
    return line, frozenset(imports)


def read_project() -> ProjectView | None:
    """The project of the flow that is loaded, by what its ``@project`` has put into ``current``
    (metaflow/plugins/project_decorator.py)."""
    name = current_value("project_name")
    if not name:
        return None
    return ProjectView(
        str(name), str(current_value("branch_name")), str(current_value("project_flow_name"))
    )


def _schedule(flow: Flow) -> ScheduleView | None:
    """``@schedule`` with every kind of time switched off schedules nothing, as for Argo
    (``_get_schedule`` in metaflow/plugins/argo/argo_workflows.py)."""
    decorators = flow_decorators_of(flow, "schedule")
    if not decorators or decorators[0].schedule is None:
        return None
    return ScheduleView(decorators[0].schedule, decorators[0].timezone)


def _trigger(decorator: Any) -> TriggerView:
    try:
        decorator.format_deploytime_value()
    except MetaflowException as error:
        raise DagsterDeployError(f"*@{decorator.name}*: {error.message}") from error
    except (TypeError, AttributeError) as error:
        # What Metaflow's own checks run into when a function returns something of another type.
        raise DagsterDeployError(
            f"A deploy-time function of *@{decorator.name}* returned something other than "
            "an event or flow. Return a name, or what the decorator takes in its place."
        ) from error
    return TriggerView(decorator.name, tuple(decorator.triggers), decorator.options or {})


def _step(flow: Flow, name: str, environment: Environment | None) -> StepView:
    step = getattr(flow, name)
    return StepView(
        decorators=tuple(map(_decorator, step_decorators_of(flow, name))),
        added=tuple(
            added_spec(deco)
            for deco in chain(step.decorators, step.wrappers, step.config_decorators)
            if not deco.statically_defined and deco.inserted_by is None
        ),
        environment_id=environment_of(environment, flow, name).get("id_"),
    )


def _decorator(deco: Any) -> DecoratorView:
    is_open = deco.name in _OPEN
    seconds = getattr(deco, "secs", None) if deco.name == "timeout" else None
    return DecoratorView(
        name=deco.name,
        attributes=dict(deco.attributes) if is_open else {},
        spec=written_spec(deco) if is_open else deco.name,
        is_static=deco.statically_defined,
        retries=tuple(deco.step_task_retry_count()),
        acts_at_launch=has_launch_hook(deco),
        # By this attribute Metaflow knows them too (metaflow/plugins/pypi/conda_environment.py).
        has_own_container=hasattr(deco, "target_platform"),
        timeout=float(seconds) if seconds else None,
    )
