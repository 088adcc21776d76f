"""The plan of a job: what the generated file will say, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class OpInput(str, Enum):
    """What an op is given."""

    RUN_START = "run_start"
    """Nothing: the first step, which also creates the Metaflow run."""
    TASK = "task"
    """The path of one task."""
    BRANCHES = "branches"
    """One path per static branch, as named inputs."""
    LIST = "list"
    """A list of paths: splits of a foreach, tasks of a gang, or the branches that ran."""
    FIRST_OF = "first_of"
    """A list of upstreams of which just one ran: a merge after a switch."""


class OpOutput(str, Enum):
    """What an op hands on."""

    NONE = "none"
    TASK = "task"
    FOREACH = "foreach"
    """A dynamic output a foreach split."""
    FOREACH_DEFERRED = "foreach_deferred"
    """The path and how many splits it opens, where the op itself cannot fan out."""
    SWITCH = "switch"
    """One of several optional outputs: the branch that a switch chose."""
    GANG = "gang"
    """The paths of all tasks of a gang."""


class HelperOp(str, Enum):
    """Ops that run no Metaflow task: they re-emit task paths where Dagster needs a new fan-out."""

    FAN_OUT = "fan_out"
    """(i,) with n splits -> (i, 0) ... (i, n-1)."""
    COLLECT = "collect"
    """Passes a list on, so that a list of lists can hold branches that were skipped."""
    MERGE_ITEMS = "merge_items"
    """Per item, the path of the one branch that ran."""
    JOIN_BRANCHES = "join_branches"
    """Per item, the paths of its static branches."""
    JOIN_SPLITS = "join_splits"
    """Per outer item, the paths of its splits."""

    @property
    def is_dynamic(self) -> bool:
        """Whether it emits items, over which Dagster maps what follows, and not one list."""
        return self is not HelperOp.COLLECT


@dataclass(frozen=True)
class InputPlan:
    """An op's input: its Python and Dagster name, and the type of its value."""

    name: str
    type: str


@dataclass(frozen=True)
class ChoicePlan:
    """One branch of a switch: the output's name and the step it leads to."""

    output: str
    target: str


@dataclass(frozen=True)
class RetryPlan:
    """Attempts of a step beyond the first (metaflow/decorators.py, step_task_retry_count).

    ``user`` runs the user's code again, ``error`` runs a fallback such as that of ``@catch``.
    ``delay`` is in seconds.
    """

    user: int = 0
    error: int = 0
    delay: float = 0.0


@dataclass(frozen=True)
class OpPlan:
    """One op: one Metaflow step."""

    step: str
    function: str
    op_name: str
    key: str
    """The node's alias in the job, which is also the step key in the run page."""
    inputs: tuple[InputPlan, ...]
    input_kind: OpInput
    output_kind: OpOutput
    choices: tuple[ChoicePlan, ...] = ()
    split_item: bool = False
    """The op runs one split of the foreach right before it."""
    gang: bool = False
    loop: bool = False
    retry: RetryPlan = field(default_factory=RetryPlan)
    timeout: float | None = None
    """Seconds that one attempt may take, from ``@timeout``."""
    needs_launch: bool = False
    """A decorator of the step changes how it is launched (``runtime_step_cli``)."""
    tags: tuple[tuple[str, Any], ...] = ()
    """Tags of the op; a value that is a tree stands for its JSON."""
    pool: str | None = None
    """Dagster's pool, which limits how many of its ops run at a time."""
    doc: str = ""


@dataclass(frozen=True)
class Ref:
    """A value in the job body: a variable, and the output taken from it."""

    variable: str
    output: str | None = None


@dataclass(frozen=True)
class Arg:
    """What is passed to a call: one value, a collected one, or a list of values."""

    refs: tuple[Ref, ...]
    collected: bool = False
    as_list: bool = False
    name: str | None = None


@dataclass(frozen=True)
class Call:
    """``variable = function.alias(key)(args)``."""

    variable: str
    function: str
    key: str
    args: tuple[Arg, ...]


@dataclass(frozen=True)
class ForEach:
    """``variables = items.map(function)``: the calls that run once an item."""

    function: str
    items: Ref
    calls: tuple[Call, ...]
    returns: tuple[Ref, ...]
    variables: tuple[str, ...]


@dataclass(frozen=True)
class JobGraph:
    """The job's body, in order, and the helper ops that it uses."""

    statements: tuple[Call | ForEach, ...]
    helper_ops: tuple[HelperOp, ...]
