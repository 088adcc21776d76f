"""``@exit_hook``: which functions are called when a run has ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .._metaflow_internals import flow_decorators_of


@dataclass(frozen=True)
class ExitHookPlan:
    """Functions, by name in the flow's file or by dotted path (Metaflow's exit_hook_script.py)."""

    on_success: tuple[str, ...]
    on_error: tuple[str, ...]


def plan_exit_hooks(flow: Any) -> ExitHookPlan | None:
    """The hooks of all ``@exit_hook`` of ``flow``, whose flow decorators are initialised."""
    decorators = flow_decorators_of(flow, "exit_hook")
    if not decorators:
        return None
    return ExitHookPlan(
        on_success=tuple(name for deco in decorators for name in deco.success_hooks),
        on_error=tuple(name for deco in decorators for name in deco.error_hooks),
    )
