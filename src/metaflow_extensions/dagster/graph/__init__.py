"""Reads a flow from Metaflow into plain data: its graph, decorators and parameters."""

from .flow import (
    DecoratorView,
    FlowView,
    ParameterView,
    ProjectView,
    ScheduleView,
    StepView,
    TriggerView,
)
from .model import FlowShape, StepKind, StepShape
from .parameter_kind import ParameterKind
from .read import ends_of, read_shape
from .read_flow import read_flow, read_project
from .read_parameters import MISSING

__all__ = [
    "MISSING",
    "DecoratorView",
    "FlowShape",
    "FlowView",
    "ParameterKind",
    "ParameterView",
    "ProjectView",
    "ScheduleView",
    "StepKind",
    "StepShape",
    "StepView",
    "TriggerView",
    "ends_of",
    "read_flow",
    "read_project",
    "read_shape",
]
