"""What a definitions file imports."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Import:
    """``from module import name``, or ``import module`` where there is no name."""

    module: str
    name: str | None


FROM_DAGSTER = frozenset(
    [
        "AssetSpec",
        "BetaWarning",
        "Config",
        "DailyPartitionsDefinition",
        "DefaultScheduleStatus",
        "DefaultSensorStatus",
        "Definitions",
        "DynamicOut",
        "DynamicOutput",
        "HourlyPartitionsDefinition",
        "In",
        "MetadataValue",
        "MonthlyPartitionsDefinition",
        "OpExecutionContext",
        "Out",
        "Output",
        "ScheduleDefinition",
        "SensorEvaluationContext",
        "SensorResult",
        "StaticPartitionsDefinition",
        "TimeWindowPartitionsDefinition",
        "WeeklyPartitionsDefinition",
        "in_process_executor",
        "job",
        "op",
        "sensor",
    ]
)
"""The names of Dagster that generated text uses, beside those of helpers."""
KNOWN = {
    "Any": Import("typing", "Any"),
    "warnings": Import("warnings", None),
    "Iterator": Import("collections.abc", "Iterator"),
    "Field": Import("pydantic", "Field"),
} | {name: Import("dagster", name) for name in FROM_DAGSTER}
"""The import of each name that generated text uses."""


def import_block(imports: Iterable[Import]) -> str:
    """Import lines as isort orders them: the standard library, then packages."""
    blocks: list[str] = []
    for packages in (False, True):
        chosen = [
            i
            for i in imports
            if (i.module.split(".")[0] not in sys.stdlib_module_names) is packages
        ]
        plain = sorted(i.module for i in chosen if i.name is None)
        lines = [f"import {module}" for module in plain]
        for module in sorted({i.module for i in chosen if i.name is not None}):
            named = sorted(
                (i.name for i in chosen if i.module == module and i.name),
                key=lambda name: (not name[0].isupper(), name.lower()),
            )
            names = [n for n in named if " as " not in n]
            lines += [f"from {module} import {', '.join(names)}"] if names else []
            lines += [f"from {module} import {name}" for name in named if name not in names]
        if lines:
            blocks.append("\n".join(lines))
    return "\n\n".join(blocks)
