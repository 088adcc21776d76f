"""What children know of a flow's source, so that none of them has to take it apart anew.

Metaflow reads the graph off the source text of the steps, three times in each process, and finds
the end of each step with Python's tokenizer: a third of all that a task of a flow with 25 steps
does. The server reads the text, as it runs no user code, and a child uses what fits its own.
"""

from __future__ import annotations

import ast
import inspect
import os
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from types import FunctionType
from typing import Any


class Sources:
    """Stands in for what `metaflow.graph` uses to read source text; the answers are the same."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[int, int]] = {}
        self._lines: dict[str, list[str]] = {}
        self._blocks: dict[tuple[str, int], list[str]] = {}
        self._trees: dict[str, ast.Module] = {}
        self._deindent: Any = None

    def install(self) -> None:
        """Have Metaflow ask here; where it has other names than these, it goes without."""
        graph: Any = sys.modules.get("metaflow.graph")
        if all(hasattr(graph, name) for name in ("inspect", "ast", "deindent_docstring")):
            self._deindent = graph.deindent_docstring = cache(graph.deindent_docstring)
            graph.inspect = _Inspect(self._lines, self._blocks)
            graph.ast = _Ast(self._trees)

    def learn(self, path: str) -> None:
        """In the server: take the steps in a file apart, unless that is done.

        A file that cannot be read as Python is left to the child, which says what is wrong with it.
        """
        if self._deindent is None:
            return
        try:
            status = os.stat(path)
            version = (status.st_mtime_ns, status.st_size)
            if self._versions.get(path) == version:
                return
            self._versions[path] = version
            with tokenize.open(path) as file:
                lines = file.readlines()
            if lines and not lines[-1].endswith("\n"):
                lines[-1] += "\n"  # as in linecache
            for first in _methods(ast.parse("".join(lines))):
                block = self._blocks[path, first] = inspect.getblock(lines[first:])
                text = self._deindent("".join(block))
                self._trees[text] = ast.parse(text)
            self._lines[path] = lines
        except (OSError, SyntaxError, ValueError, tokenize.TokenError):
            return


def _methods(tree: ast.Module) -> Iterator[int]:
    """The lines, counted from 0, on which functions with decorators begin in classes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for function in node.body:
                if isinstance(function, ast.FunctionDef) and function.decorator_list:
                    yield function.decorator_list[0].lineno - 1


class _Inspect:
    """The module `inspect`, with a memory."""

    def __init__(
        self, lines: dict[str, list[str]], blocks: dict[tuple[str, int], list[str]]
    ) -> None:
        self._lines = lines
        self._blocks = blocks
        # What belongs to an id is kept with it, so that nothing else gets the id.
        self._found: dict[int, tuple[Any, list[str], int]] = {}  # by the id of a code object
        self._same: dict[int, tuple[list[str], bool]] = {}  # by the id of a list of lines
        self._files: dict[str, str] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(inspect, name)

    def getsourcefile(self, function: Any) -> str | None:
        """Asked of each step, although most are in one file, which it looks for on the disk."""
        name = function.__code__.co_filename if type(function) is FunctionType else None
        if name in self._files:
            return self._files[name]
        path = inspect.getsourcefile(function)
        if path and name:
            self._files[name] = path
        return path

    def getsourcelines(self, function: Any) -> tuple[list[str], int]:
        if type(function) is not FunctionType or hasattr(function, "__wrapped__"):
            return inspect.getsourcelines(function)
        code = function.__code__
        if id(code) not in self._found:
            # As `inspect.getsourcelines` does for a function.
            lines, first = inspect.findsource(function)
            block = self._blocks.get((code.co_filename, first))
            if block is None or not self._is_known(code.co_filename, lines):
                block = inspect.getblock(lines[first:])
            self._found[id(code)] = code, block, first + 1
        _, block, line = self._found[id(code)]
        return list(block), line

    def _is_known(self, path: str, lines: list[str]) -> bool:
        """Whether this is the text that the server has read."""
        if id(lines) not in self._same:
            self._same[id(lines)] = lines, lines == self._lines.get(path)
        return self._same[id(lines)][1]


class _Ast:
    """The module `ast`, with a memory for `parse`: Metaflow only reads the trees."""

    def __init__(self, trees: dict[str, ast.Module]) -> None:
        self._trees = trees

    def __getattr__(self, name: str) -> Any:
        return getattr(ast, name)

    def parse(self, text: str) -> ast.Module:
        tree = self._trees.get(text)
        if tree is None:
            tree = self._trees[text] = ast.parse(text)
        return tree
