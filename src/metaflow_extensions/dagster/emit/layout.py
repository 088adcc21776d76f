"""Breaks long lines as formatters do, so that generated files need none."""

from __future__ import annotations

import ast
from unicodedata import east_asian_width

WIDTH = 88
"""Columns of a line, as ruff and black have it by default."""


def layout(source: str) -> str:
    """Break each statement, decorator and function head that is too long for its line.

    Args:
        source: Python, each simple statement and head on a line of its own.
    """
    lines = source.split("\n")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            for decorator in node.decorator_list:
                _break(lines, decorator, decorator)
        if isinstance(node, ast.FunctionDef):
            line, indent = lines[node.lineno - 1], node.col_offset
            if width(line) > WIDTH:
                parameters = [_text(line, parameter) for parameter in node.args.args]
                head, end = line[: line.index("(") + 1], line[line.rindex(")") :]
                lines[node.lineno - 1] = _broken(
                    head, parameters, indent, end, joined=len(parameters) > 1
                )
        elif isinstance(node, ast.ImportFrom):
            line = lines[node.lineno - 1]
            if width(line) > WIDTH:
                names = [ast.unparse(alias) for alias in node.names]
                head = f"from {node.module} import ("
                lines[node.lineno - 1] = _broken(head, names, 0, ")")
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.Return)) and node.value:
            _break(lines, node, node.value)
        elif isinstance(node, ast.Expr):
            value = node.value
            if isinstance(value, (ast.Yield, ast.YieldFrom)) and value.value:
                value = value.value
            _break(lines, node, value)
    return "\n".join(lines)


def width(text: str) -> int:
    """Columns that a text takes; those of East Asia have characters of two."""
    if text.isascii():
        return len(text)
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _break(lines: list[str], node: ast.stmt | ast.expr, value: ast.expr) -> None:
    """Lay out the line of a node, in which `value` is what can be broken."""
    line = lines[node.lineno - 1]
    if width(line) <= WIDTH:
        return
    head = line.encode()[: value.col_offset].decode()
    indent = len(line) - len(line.lstrip())
    if isinstance(value, ast.Constant) and not isinstance(node, ast.Expr):
        text = _text(line, value)
        # Formatters put a long string into parentheses where it fits a line then.
        if indent + 4 + width(text) <= WIDTH:
            lines[node.lineno - 1] = f"{head}(\n{' ' * (indent + 4)}{text}\n{' ' * indent})"
        return
    lines[node.lineno - 1] = _expression(line, value, head, indent)


def _expression(line: str, node: ast.expr, head: str, indent: int, after: int = 0) -> str:
    """`head` and the expression, which is broken at its last bracket if that does not fit.

    Args:
        line: The line that the expression is on.
        node: The expression.
        head: What stands before it.
        indent: Columns that its last line is indented by.
        after: Columns of what follows it.
    """
    text = _text(line, node)
    if width(head) + width(text) + after <= WIDTH:
        return head + text
    inner = indent + 4
    if isinstance(node, ast.Call):
        if not (node.args or node.keywords):
            if isinstance(node.func, ast.Call):
                return _expression(line, node.func, head, indent) + "()"
            return head + text
        items = [_expression(line, arg, " " * inner, inner, 1).lstrip() for arg in node.args]
        for keyword in node.keywords:
            name = f"{' ' * inner}{keyword.arg}="
            items.append(_expression(line, keyword.value, name, inner, 1).lstrip())
        return _broken(head + _text(line, node.func) + "(", items, indent, ")", joined=True)
    if isinstance(node, ast.Dict):
        items: list[str] = []
        for key, value in zip(node.keys, node.values, strict=True):
            name = " " * inner + (f"{_text(line, key)}: " if key else "**")
            items.append(_expression(line, value, name, inner, 1).lstrip())
        return _broken(head + "{", items, indent, "}")
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        items = [_expression(line, entry, " " * inner, inner, 1).lstrip() for entry in node.elts]
        opening, closing = text[0], text[-1]
        return _broken(head + opening, items, indent, closing)
    return head + text


def _broken(head: str, items: list[str], indent: int, closing: str, joined: bool = False) -> str:
    """Items between brackets; `joined` puts them on one line of their own if they fit there."""
    if not items:
        return head + closing
    line = f"{' ' * (indent + 4)}{', '.join(items)}"
    if joined and "\n" not in line and width(line) <= WIDTH:
        return f"{head}\n{line}\n{' ' * indent}{closing}"
    rows = "".join(f"{' ' * (indent + 4)}{item},\n" for item in items)
    return f"{head}\n{rows}{' ' * indent}{closing}"


def _text(line: str, node: ast.expr | ast.arg) -> str:
    """The source of a node that is on one line; Python counts its columns in bytes."""
    return line.encode()[node.col_offset : node.end_col_offset].decode()
