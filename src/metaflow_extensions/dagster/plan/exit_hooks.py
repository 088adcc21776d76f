"""``@exit_hook``: which functions are called when a run has ended."""

from __future__ import annotations

from dataclasses import dataclass

from ..graph import FlowView


@dataclass(frozen=True)
class ExitHookPlan:
    """Functions, by name in the flow's file or by dotted path (Metaflow's exit_hook_script.py)."""

    on_success: tuple[str, ...]
    on_error: tuple[str, ...]


def plan_exit_hooks(view: FlowView) -> ExitHookPlan | None:
    """The functions of all ``@exit_hook`` of a flow, in their order."""
    if not view.exit_hooks:
        return None
    return ExitHookPlan(
        on_success=tuple(name for hook in view.exit_hooks for name in hook.on_success),
        on_error=tuple(name for hook in view.exit_hooks for name in hook.on_error),
    )
