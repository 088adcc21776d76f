"""The names in a thin file: ``dg`` is Dagster, and what ops call are methods of ``FLOW``."""

from __future__ import annotations

import ast
from collections.abc import Set

from .embed import helper_names
from .imports import Import

IMPORTS_OF_THIN = frozenset(
    [
        Import("dagster as dg", None),
        Import("metaflow_extensions.dagster.runtime.api", "flow_of"),
    ]
)


def with_thin_names(source: str, of_dagster: Set[str]) -> str:
    """Name things as a thin file does.

    ``_run_task(FLOW, context, "start", start)`` becomes ``FLOW.run_task(context, "start", start)``,
    and ``Out(str)`` becomes ``dg.Out(str)``.

    Args:
        source: Python as a file with embedded helpers has it, each statement on one line.
        of_dagster: The names that such a file imports from Dagster.
    """
    found = _Names(of_dagster)
    found.visit(ast.parse(source))
    lines = [line.encode() for line in source.split("\n")]  # Python counts columns in bytes
    # From the end, so that the columns of what is still to be changed stay.
    for line, start, end, text in sorted(found.changes, reverse=True):
        lines[line] = lines[line][:start] + text.encode() + lines[line][end:]
    return "\n".join(line.decode() for line in lines)


class _Names(ast.NodeVisitor):
    """Finds what is named otherwise, leaving variables that only look like it."""

    def __init__(self, of_dagster: Set[str]) -> None:
        self.changes: list[tuple[int, int, int, str]] = []
        """Line, first and last column of what is replaced, and what by."""
        self._prefixes = dict.fromkeys(of_dagster, "dg.") | dict.fromkeys(helper_names(), "FLOW.")
        self._local: Set[str] = frozenset()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in (*node.decorator_list, node.args, node.returns):
            if part is not None:
                self.visit(part)
        outside = self._local
        assigned = {
            name.id
            for name in ast.walk(node)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
        }
        self._local = outside | assigned | {arg.arg for arg in node.args.args}
        for statement in node.body:
            self.visit(statement)
        self._local = outside

    def visit_Call(self, node: ast.Call) -> None:
        function, given = node.func, [*node.args, *node.keywords]
        if isinstance(function, ast.Name) and self._prefix(function) == "FLOW." and given:
            flow = given[0]
            if isinstance(flow, ast.Name) and flow.id == "FLOW":
                end = given[1].col_offset if given[1:] else flow.end_col_offset or 0
                self.changes.append((flow.lineno - 1, flow.col_offset, end, ""))
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if prefix := self._prefix(node):
            name = prefix + (node.id.lstrip("_") if prefix == "FLOW." else node.id)
            self.changes.append((node.lineno - 1, node.col_offset, node.end_col_offset or 0, name))

    def _prefix(self, node: ast.Name) -> str | None:
        return None if node.id in self._local else self._prefixes.get(node.id)
