"""Copies helpers out of the ``runtime`` modules: only those that a generated file uses."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources

from .imports import Import

# In the order in which the generated file shows them.
MODULES = (
    "flow",
    "identity",
    "driver",
    "io_manager",
    "resume",
    "task",
    "loop",
    "step",
    "fanout",
    "sensors",
    "events",
    "partitions",
    "exit_hooks",
    "step_events",
    "assets",
    "executor",
)
_PACKAGE = "metaflow_extensions.dagster"
_FUNCTION = re.compile(r"^(?:def|class) (\w+)", re.MULTILINE)


@dataclass(frozen=True, eq=False)
class _Definition:
    """A function or class, or a constant, with the comments above it."""

    names: tuple[str, ...]
    source: str
    order: int
    is_assignment: bool

    @cached_property  # parsing is slow, and most flows use half of the definitions
    def uses(self) -> frozenset[str]:
        return frozenset(names_in(self.source) - set(self.names))


def names_in(source: str) -> set[str]:
    """Every name that a source text mentions."""
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def embed(used: Iterable[str]) -> tuple[str, set[Import], set[str]]:
    """The source of the helpers named in ``used`` and of all that these need.

    Returns:
        The source text, the imports that it needs, and every name that it mentions.
    """
    definitions, imports = _library()
    wanted, queue, mentioned = set[_Definition](), list(used), set(used)
    while queue:
        name = queue.pop()
        definition = definitions.get(name)
        if definition is None or definition in wanted:
            continue
        wanted.add(definition)
        mentioned |= definition.uses
        queue.extend(definition.uses)
    chosen = sorted(wanted, key=lambda d: d.order)
    text = ""
    previous: _Definition | None = None
    for definition in chosen:
        if previous is not None:
            close = previous.is_assignment and definition.is_assignment
            text += "\n" if close else "\n\n\n"
        text += definition.source
        previous = definition
    return text, {imports[name] for name in mentioned if name in imports}, mentioned


def helper_names() -> frozenset[str]:
    """The names of all functions that a file can have embedded, and of classes and constants."""
    return frozenset(_library()[0])


@cache
def _library() -> tuple[dict[str, _Definition], dict[str, Import]]:
    """All definitions and absolute imports of the runtime modules, by name."""
    definitions: dict[str, _Definition] = {}
    imports: dict[str, Import] = {}
    for file in ("contract/__init__.py", *(f"runtime/{module}.py" for module in MODULES)):
        text = resources.files(_PACKAGE).joinpath(file).read_text(encoding="utf-8")
        # The formatter puts two blank lines around functions and classes, and nowhere else.
        for block in text.strip().split("\n\n\n"):
            if found := _FUNCTION.search(block.partition('= """')[0]):  # not in a program's text
                name = found[1]
                definitions[name] = _Definition((name,), block, len(definitions), False)
            else:
                _read_statements(block, definitions, imports)
    return definitions, imports


def _read_statements(
    block: str, definitions: dict[str, _Definition], imports: dict[str, Import]
) -> None:
    """Add the imports and constants of a block without functions."""
    lines = block.splitlines()
    for node in ast.parse(block).body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                imports[alias.asname or alias.name] = Import(alias.name, None)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                text = alias.name + (f" as {alias.asname}" if alias.asname else "")
                imports[alias.asname or alias.name] = Import(node.module or "", text)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = tuple(t.id for t in targets if isinstance(t, ast.Name))
            first = node.lineno
            while first > 1 and lines[first - 2].startswith("#"):
                first -= 1
            source = "\n".join(lines[first - 1 : node.end_lineno])
            definition = _Definition(names, source, len(definitions), True)
            definitions.update(dict.fromkeys(names, definition))
