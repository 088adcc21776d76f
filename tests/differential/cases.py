"""Which flows run, with which parameters, and how each is meant to end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.needs import INPUT_ORDER, OWN_ENDS, Feature

FLOWS = Path(__file__).parents[1] / "flows"


@dataclass(frozen=True)
class Case:
    """One flow with one set of inputs, to be run natively and through Dagster."""

    flow: str
    """File name in ``tests/flows`` without its ending, or the path of a flow file."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Parameter values; a tuple repeats the option (``multiple=True``)."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Values that Dagster's run config has in another form than the command line."""
    fails: bool = False
    top_options: tuple[str, ...] = ()
    """Options of the flow itself, before ``run`` and ``dagster create``."""
    run_options: tuple[str, ...] = ()
    create_options: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    metadata: str = ""
    """Where the runs are, as `metaflow.metadata` takes it; by default in the project's folder."""
    max_workers: int = 16
    own_process: bool = False
    """Use the real ``dagster`` command, instead of a fork of a process that has it loaded."""
    ignore: tuple[str, ...] = ()
    """Patterns of differences that this case is meant to show; each needs its reason there."""
    sources: tuple[str, ...] = field(default=(), repr=False)
    """Patterns of folders, beside the project's, where tasks of Dagster's run have the flow."""
    seconds: float = field(default=400, repr=False)
    """That one run may take."""
    needs: tuple[Feature, ...] = field(default=(), repr=False)  # `repr` names the native run

    @property
    def source(self) -> Path:
        path = Path(self.flow)
        return path if path.is_absolute() else FLOWS / f"{self.flow}.py"

    @property
    def file(self) -> str:
        return self.source.name

    @property
    def flow_class(self) -> str:
        return re.findall(r"^class (\w+)\([\w, ]+\):", self.source.read_text(), re.MULTILINE)[-1]

    @property
    def start(self) -> str:
        """The first step, which takes the parameters in Dagster."""
        found = re.search(r"@step\(start=True.*\)\n    def (\w+)", self.source.read_text())
        return found.group(1) if found else "start"

    @property
    def run_config(self) -> dict[str, Any]:
        if not self.params:
            return {}
        values = {**self.params, **self.config}
        config = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
        return {"ops": {f"op_{self.start}": {"config": config}}}

    @property
    def id(self) -> str:
        values = ",".join(f"{k}={v}" for k, v in self.params.items())
        return Path(self.flow).stem + (f"[{values[:60]}]" if values else "")


def _each(flow: str, name: str, *values: Any) -> list[Case]:
    return [Case(flow, {name: value}) for value in values]


SHAPES = [
    # Rows and the ends.
    Case("linear", own_process=True),
    Case("single_step", needs=(OWN_ENDS,)),
    Case("custom_ends", needs=(OWN_ENDS,)),
    Case("inherited", {"size": 1}),
    # Static splits.
    Case("split"),
    Case("split_uneven"),
    Case("split_nested"),
    *_each("split_same_branches", "route", "one", "two"),
    # Foreaches.
    Case("foreach", needs=(INPUT_ORDER,)),
    Case("foreach_body"),
    Case("foreach_kinds"),
    Case("foreach_split"),
    Case("split_foreach"),
    Case("empty_foreach", fails=True, own_process=True),
    Case("empty_inner_foreach", fails=True),
    # Foreaches in foreaches.
    Case("nested2"),
    Case("nested2_steps"),
    Case("nested3", own_process=True),
    Case("nested4"),
    Case("nested_split"),
    Case("nested_two_foreaches"),
    Case("nested_sequence"),
    Case("nested_switch"),
    Case("nested_switch_leaf"),
    # Gangs.
    Case("parallel"),
    Case("parallel_foreach"),
    Case("parallel_nested"),
    Case("parallel_split", own_process=True),
    *_each("parallel_switch", "route", "gang", "alone"),
    Case("parallel_foreach_switch"),
    # The control task prints the command lines of its tasks.
    Case("unbounded_foreach", ignore=("None], attempt 0 stdout",)),
    # Switches.
    *_each("switch", "route", "a", "c"),
    *_each("switch_int", "route", 0, 1, 2),
    *_each("switch_bool", "route", True, False),
    *_each("switch_config", "route", "fast", "slow"),
    *_each("switch_shared_target", "route", "c", "d", "e"),
    *_each("switch_one_target", "route", "b"),
    *_each("switch_start", "route", "a", "b"),
    *_each("switch_to_end", "route", "short", "long"),
    *_each("switch_to_merge", "route", "direct", "b"),
    *_each("skip_merge", "route", "x", "y", "z"),
    *_each("switch_lengths", "route", "one", "three"),
    Case("switch_nested", {"outer": "p", "inner": "x"}),
    Case("switch_nested", {"outer": "p", "inner": "y"}),
    Case("switch_nested", {"outer": "p", "inner": "z"}),
    Case("switch_nested", {"outer": "q"}),
    *_each("switch_deep", "route", "aab", "ab", "b"),
    *_each("switch_sequence", "route", "ay", "bx"),
    *_each("switch_split", "route", "split", "single"),
    *_each("switch_foreach", "route", "one", "two", "none"),
    *_each("switch_foreach_end", "route", "many", "nothing"),
    *_each("switch_is_foreach", "route", "direct", "indirect"),
    *_each("foreach_same_body", "route", "one", "two"),
    Case("switch", {"route": "unknown"}, fails=True),
    # Steps where branches merge that go several ways themselves.
    *_each("merge_split", "route", "b"),
    *_each("merge_foreach", "route", "a", "b"),
    *_each("merge_switch", "route", "ap", "cq"),
    *_each("merge_parallel", "route", "b"),
    # Switches in splits and foreaches.
    *_each("split_switch", "route", "ax", "bz"),
    *_each("split_switch_open", "route", "a", "c"),
    *_each("split_switch_both", "route", "ay"),
    *_each("foreach_switch", "kinds", "abca", "bb"),
    *_each("foreach_switch_open", "kinds", "abb", "aa"),
    *_each("foreach_switch_skip", "kinds", "xyz", "zz"),
    Case("foreach_switch_first"),
    Case("foreach_switch_nested", own_process=True, needs=(INPUT_ORDER,)),
    *_each("foreach_switch_foreach", "kinds", "aba", "bb"),
    Case("foreach_switch_is_foreach"),
    Case("foreach_split_switch"),
    # Loops.
    *_each("loop", "times", 1, 3),
    *_each("loop_exits", "way", "a", "b", "m"),
    Case("loop_end"),
    Case("loops"),
    Case("foreach_loop"),
    Case("foreach_loop_exits"),
    Case("split_loop"),
    *_each("switch_loop", "route", "loop", "direct", "past"),
    Case("loop_foreach", own_process=True),
    # Names.
    Case("reserved_names"),
    Case("helper_names"),
    *_each("name_clashes", "key", "type", "type_"),
]
