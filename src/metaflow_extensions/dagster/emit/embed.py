"""Copies helpers out of the ``runtime`` modules: only those that a generated file uses."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources

# In the order in which the generated file shows them.
MODULES = (
    "environ",
    "identity",
    "parameters",
    "process",
    "store",
    "handover",
    "source",
    "package",
    "resume",
    "task",
    "fanout",
    "payload",
    "sensors",
    "events",
    "origin",
    "hooks",
    "lifecycle",
    "executor",
)
_PACKAGE = "metaflow_extensions.dagster.runtime"


@dataclass(frozen=True)
class Import:
    """``from module import name``, or ``import module`` where there is no name."""

    module: str
    name: str | None


@dataclass(frozen=True)
class _Definition:
    names: tuple[str, ...]
    source: str
    uses: frozenset[str]
    order: int
    is_assignment: bool


def embed(used: Iterable[str]) -> tuple[str, set[Import], set[str]]:
    """The source of the helpers named in ``used`` and of all that these need.

    Returns:
        The source text, the imports that it needs, and every name that it mentions.
    """
    definitions, imports = _library()
    wanted, queue, mentioned = set(), list(used), set(used)
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


def imports_of(names: Iterable[str]) -> set[Import]:
    """The imports that runtime modules use for these names."""
    _, imports = _library()
    return {imports[name] for name in names if name in imports}


@cache
def _library() -> tuple[dict[str, _Definition], dict[str, Import]]:
    """All definitions and absolute imports of the runtime modules, by name."""
    definitions: dict[str, _Definition] = {}
    imports: dict[str, Import] = {}
    for module in MODULES:
        text = resources.files(_PACKAGE).joinpath(f"{module}.py").read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            if isinstance(node, ast.Import):
                for alias in node.names:
                    imports[alias.asname or alias.name] = Import(alias.name, None)
            elif isinstance(node, ast.ImportFrom):
                if node.level == 0:
                    for alias in node.names:
                        text = alias.name + (f" as {alias.asname}" if alias.asname else "")
                        imports[alias.asname or alias.name] = Import(node.module or "", text)
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)):
                definition = _definition(node, lines, len(definitions))
                definitions.update(dict.fromkeys(definition.names, definition))
    return definitions, imports


def _definition(
    node: ast.FunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign, lines: list[str], order: int
) -> _Definition:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        names = (node.name,)
        first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    else:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = tuple(t.id for t in targets if isinstance(t, ast.Name))
        first = node.lineno
    # Comments right above belong to the definition.
    while first > 1 and lines[first - 2].startswith("#"):
        first -= 1
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} - set(names)
    source = "\n".join(lines[first - 1 : node.end_lineno])
    assigned = isinstance(node, (ast.Assign, ast.AnnAssign))
    return _Definition(names, source, frozenset(used), order, assigned)
