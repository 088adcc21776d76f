"""What a warm child knows of a flow's source is what it would have read itself."""

import ast
import importlib.util
import inspect
import linecache
import sys
from pathlib import Path

import metaflow.graph
import pytest
from support.needs import OWN_ENDS

from metaflow_extensions.dagster.warm.warm_sources import Sources

FLOWS = sorted((Path(__file__).parent.parent / "flows").glob("*.py"))
ODD = '''
from metaflow import FlowSpec, step, retry

class Base(FlowSpec):
    @step
    def start(self):
        text = """
    @step
        def no_step(self): ...
        """
        self.next(self.middle)

    @retry(
        times=1,
    )
    # a comment between
    @step
    def middle(self): self.next(self.end)  # on one line
    # a comment that no longer belongs to it

class Odd(Base):
    @step
    def middle(self):
        class Inner:
            @property
            def value(self):
                return 1
        f = lambda: 2
        self.next(
            self.end
        )

    @step
    def end(self):
        "No newline at the end \N{SNOWMAN}"
        pass'''


@pytest.fixture
def sources(monkeypatch):
    for name in ("inspect", "ast", "deindent_docstring"):
        monkeypatch.setattr(metaflow.graph, name, getattr(metaflow.graph, name))
    sources = Sources()
    sources.install()
    return sources


def _load(path):
    """The classes of a file, by name."""
    spec = importlib.util.spec_from_file_location("loaded_flow", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["loaded_flow"] = module
    spec.loader.exec_module(module)
    found = vars(module).values()
    return [cls for cls in found if inspect.isclass(cls) and cls.__module__ == "loaded_flow"]


def _check_functions(path, monkeypatch):
    """Compare the answers for all functions of all classes.

    Metaflow asks while the classes are made. Returns how many functions there are, and how many
    ends it had to look for.
    """
    looked_for = []
    getblock = inspect.getblock

    def count(lines):
        looked_for.append(lines)
        return getblock(lines)

    functions = []
    with monkeypatch.context() as patch:
        patch.setattr(inspect, "getblock", count)
        for cls in _load(path):
            functions += filter(inspect.isfunction, vars(cls).values())
    for function in functions:
        expected = inspect.getsourcelines(function)
        assert metaflow.graph.inspect.getsourcelines(function) == expected
        for _ in range(2):
            file = metaflow.graph.inspect.getsourcefile(function)
            assert file == inspect.getsourcefile(function)
        text = metaflow.graph.deindent_docstring("".join(expected[0]))
        assert ast.dump(metaflow.graph.ast.parse(text)) == ast.dump(ast.parse(text))
    return len(functions), len(looked_for)


def test_all_steps_of_the_corpus(sources, monkeypatch):
    monkeypatch.syspath_prepend(str(FLOWS[0].parent))
    for path in FLOWS[::4]:
        if path.stem == "custom_ends" and not OWN_ENDS.is_here:
            continue
        sources.learn(str(path))
        functions, looked_for = _check_functions(path, monkeypatch)
        assert looked_for == 0 < functions


def test_odd_texts_and_edited_ones(sources, monkeypatch, tmp_path):
    path = tmp_path / "odd.py"
    path.write_text(ODD, encoding="utf-8")
    sources.learn(str(path))
    assert _check_functions(path, monkeypatch) == (4, 0)
    # The server has not looked again since the edit, or has.
    path.write_text(ODD.replace("self.end\n", "self.end  # the end\n"), encoding="utf-8")
    linecache.clearcache()
    assert _check_functions(path, monkeypatch) == (4, 4)
    sources.learn(str(path))
    linecache.clearcache()
    assert _check_functions(path, monkeypatch) == (4, 0)
    path.write_text("class Broken(", encoding="utf-8")
    sources.learn(str(path))
    sources.learn(str(tmp_path / "absent.py"))
