"""What is private of Metaflow is used in one place, which says so when a part is missing."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import metaflow
import pytest
from metaflow import FlowSpec, Parameter, step
from metaflow.plugins.kubernetes.kubernetes_decorator import KubernetesDecorator
from metaflow.plugins.metadata_providers.local import LocalMetadataProvider

import metaflow_extensions.dagster.runtime as runtime
from metaflow_extensions.dagster import _metaflow_internals as internals
from metaflow_extensions.dagster._metaflow_internals import (
    MetaflowVersionError,
    added_spec,
    local_metadata,
)

Dump = Callable[..., Any]
THEIR_DUMP: Dump = LocalMetadataProvider._dump_json_to_file
SOURCE = Path(runtime.__file__).parents[1]
ALLOWED = ("_metaflow_internals/",)
# Imports nothing of Metaflow's; private parts of Dagster have a module of their own there.
WITHOUT_METAFLOW = ("executor/",)
# Of the standard library.
NOT_METAFLOWS = {"_exit", "_replace"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        if not name.startswith(ALLOWED):
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each thing that a module imports from elsewhere, with its whole name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def private_attributes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Underscore attributes that are read, and are none that the module has defined itself."""
    own = set(NOT_METAFLOWS)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            own.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            own.add(node.attr)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            own.add(node.target.id)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = node.attr
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("getattr", "hasattr", "setattr")
            and isinstance(node.args[1], ast.Constant)
        ):
            name = str(node.args[1].value)
        else:
            continue
        if is_private(name) and name not in own:
            yield node.lineno, ast.unparse(node)


def test_only_the_internals_import_what_is_private_in_metaflow() -> None:
    found = [
        f"{name}:{line}: {imported}"
        for name, tree in modules()
        for line, imported in imports(tree)
        if imported.split(".")[0] == "metaflow" and any(map(is_private, imported.split(".")))
    ]
    assert not found, "use metaflow_extensions.dagster._metaflow_internals"


def test_only_the_internals_use_private_attributes_of_metaflow() -> None:
    found = [
        f"{name}:{line}: {text}"
        for name, tree in modules()
        if not name.startswith(WITHOUT_METAFLOW)
        for line, text in private_attributes(tree)
    ]
    assert not found, "use metaflow_extensions.dagster._metaflow_internals"


def test_where_private_attributes_are_free_there_is_no_metaflow() -> None:
    found = [
        f"{name}:{line}: {imported}"
        for name, tree in modules()
        if name.startswith(WITHOUT_METAFLOW)
        for line, imported in imports(tree)
        if imported.split(".")[0] == "metaflow"
    ]
    assert not found


def test_one_module_of_the_runtime_knows_metaflow() -> None:
    """And that within functions: a generated file is loaded without it."""
    for name, tree in modules():
        if name.startswith("runtime/") and name != "runtime/driver.py":
            assert not [i for _, i in imports(tree) if i.split(".")[0] == "metaflow"], name
    driver = ast.parse((SOURCE / "runtime" / "driver.py").read_text(encoding="utf-8"))
    top = ast.Module([n for n in driver.body if isinstance(n, (ast.Import, ast.ImportFrom))], [])
    assert not [i for _, i in imports(top) if i.split(".")[0] == "metaflow"]


class Whole(FlowSpec):
    alpha = Parameter("alpha", default=1)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


def test_the_shape_of_this_version(load_flow) -> None:
    flow = load_flow(Whole)
    assert internals.ends_of(internals.graph_of(flow)) == ("start", "end")
    assert [variable for variable, _ in internals.parameters_of(flow)] == ["alpha"]
    assert list(internals.configs_of(flow)) == []
    assert internals.flow_decorators_of(flow, "schedule") == ()
    assert internals.step_decorators_of(flow, "start") == []
    internals.check_parameters(flow)
    assert internals.transition_of(flow, is_parallel=False) == ([], 0, [])
    assert internals.settings()["METAFLOW_DEFAULT_DATASTORE"].value
    internals.tell_launch_hooks(run_id="1")
    facts = internals.read_repository(".")
    internals.know_repository(facts)


def test_a_missing_part_is_named_with_the_version() -> None:
    with pytest.raises(MetaflowVersionError) as caught:
        internals.graph_of(SimpleNamespace(name="Other"))  # type: ignore[arg-type]
    said = str(caught.value)
    assert f"Metaflow {metaflow.__version__} has no SimpleNamespace._graph" in said
    assert "from 2.19.0 to" in said
    with pytest.raises(MetaflowVersionError, match=r"no metaflow\._all_configs"):
        internals.part(metaflow, "_all_configs")


def test_registration_loads_next_to_nothing() -> None:
    code = (
        "import sys, metaflow\n"
        "ours = {m for m in sys.modules if '_metaflow_internals' in m}\n"
        "ours = {m.removeprefix('metaflow_extensions.dagster._metaflow_internals') for m in ours}\n"
        "assert ours <= {'', '.untyped'}, ours\n"
        "assert 'dagster' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_added_decorators_come_back_as_they_were() -> None:
    given = {"image": "1.0", "cpu": "2", "memory": 512, "use_tmpfs": False, "labels": {"a": "b"}}
    decorator = KubernetesDecorator(attributes=given)
    decorator.external_init()
    name, _, attributes = added_spec(decorator).partition(":")
    again = KubernetesDecorator.parse_decorator_spec(attributes)
    assert name == "kubernetes"
    assert again.attributes == decorator.attributes


@pytest.fixture
def our_dump(monkeypatch: pytest.MonkeyPatch) -> Dump:
    monkeypatch.setattr(LocalMetadataProvider, "_dump_json_to_file", THEIR_DUMP)
    local_metadata.write_files_in_one_piece()
    return LocalMetadataProvider._dump_json_to_file


def test_local_metadata_is_written_as_metaflow_writes_it(our_dump: Dump, tmp_path: Path) -> None:
    data = {"text": "\N{SNOWMAN} \"'\n", "none": None, "list": [1, 2.5, {"a": True}], "n": 1 << 70}
    for name, dump in (("theirs", THEIR_DUMP), ("ours", our_dump)):
        folder = tmp_path / name
        folder.mkdir()
        dump(str(folder / "self.json"), data)
        dump(str(folder / "self.json"), "is there already")
        dump(str(folder / "other.json"), 1)
        dump(str(folder / "other.json"), [2], allow_overwrite=True)
        with pytest.raises(TypeError):
            dump(str(folder / "refused.json"), object())
        with pytest.raises(IsADirectoryError):
            dump(str(folder), data, allow_overwrite=True)
    files = [
        [(path.name, path.stat().st_mode, path.read_bytes()) for path in sorted(folder.iterdir())]
        for folder in (tmp_path / "theirs", tmp_path / "ours")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ours", "theirs"]


def test_what_a_killed_process_left_beside_local_metadata_stays(
    our_dump: Dump, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_metadata, "_numbers", count())
    left = tmp_path / f"tmp{os.getpid()}_0"
    left.write_text("half")
    our_dump(str(tmp_path / "self.json"), 1)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "self.json": "1",
        left.name: "half",
    }
