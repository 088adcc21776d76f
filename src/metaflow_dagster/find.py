"""Which files of a folder are flows: read, never imported."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

from metaflow_extensions.dagster.contract import GENERATED
from metaflow_extensions.dagster.contract.sources import source_files


def find_flows(folder: Path) -> Iterator[tuple[Path, str]]:
    """The flows below a folder, and the names of their classes, in the order of their paths.

    A flow is a Python file that mentions Metaflow and calls a class of its own, ``MyFlow()``, under
    ``if __name__ == "__main__":``. Hidden files and folders, and generated files, are left out.
    """
    for path in sorted(source_files(os.fspath(folder), (".py",))):
        name = _flow_class(Path(path))
        if name is not None:
            yield Path(path), name


def _flow_class(path: Path) -> str | None:
    content = path.read_bytes()
    if b"metaflow" not in content or b"__main__" not in content or content.startswith(GENERATED):
        return None
    try:
        module = ast.parse(content)
    except SyntaxError:
        # Somebody's flow, probably, that says what is wrong when it is compiled.
        return path.stem if b"FlowSpec" in content else None
    classes = {node.name for node in module.body if isinstance(node, ast.ClassDef) and node.bases}
    for node in module.body:
        if isinstance(node, ast.If) and "__main__" in ast.dump(node.test):
            for call in ast.walk(node):
                if (
                    isinstance(call, ast.Call)
                    and isinstance(call.func, ast.Name)
                    and call.func.id in classes
                ):
                    return call.func.id
    return None
