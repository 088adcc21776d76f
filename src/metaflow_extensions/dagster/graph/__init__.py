"""Reads Metaflow's graph into plain data: steps, edges, scopes and conditions. Knows no Dagster."""

from .model import FlowShape, StepKind, StepShape
from .read import ends_of, read_shape

__all__ = ["FlowShape", "StepKind", "StepShape", "ends_of", "read_shape"]
