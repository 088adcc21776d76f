"""A flow class made ready for planning, as Metaflow's command line makes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from metaflow import decorators, parameters
from metaflow.datastore import FlowDataStore
from metaflow.metaflow_current import current
from metaflow.metaflow_environment import MetaflowEnvironment
from metaflow.plugins import DATASTORES, METADATA_PROVIDERS
from support.needs import PLAIN_CONFIGS

try:
    from metaflow.flowspec import FlowStateItems
except ImportError:  # metaflow 2.19.0
    from metaflow.flowspec import (
        _FlowState as FlowStateItems,  # pyright: ignore[reportAttributeAccessIssue]
    )


@pytest.fixture
def load_flow(tmp_path, monkeypatch) -> Iterator[Callable[..., Any]]:
    """Load a FlowSpec class: parameters and flow decorators initialised, a local datastore.

    Follows ``start`` in metaflow/cli.py. ``options`` are top-level options of flow decorators.
    """
    for name in ("METAFLOW_USER", "SUDO_USER", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("USER", "tester")
    monkeypatch.chdir(tmp_path)
    root = tmp_path / ".metaflow"
    root.mkdir()
    monkeypatch.setattr("metaflow.metaflow_config.DATATOOLS_LOCALROOT", str(root / "data"))
    known = set(vars(type(current)))
    items: Any = FlowStateItems

    def quiet(*_: Any, **__: Any) -> None: ...

    def load(flow_cls: Any, configs: dict[str, Any] | None = None, **options: Any) -> Any:
        flow_cls._configs_processed = False
        for name, value in (configs or {}).items():
            config = (value, False) if PLAIN_CONFIGS.is_here else value
            flow_cls._flow_state.setdefault(items.CONFIGS, {})[name] = config
        with parameters.flow_context(flow_cls):
            flow_cls._process_config_decorators({})
            flow = flow_cls(use_cli=False)
        environment = MetaflowEnvironment(flow)
        metadata = next(m for m in METADATA_PROVIDERS if m.TYPE == "local")(
            environment, flow, None, None
        )
        storage = next(d for d in DATASTORES if d.TYPE == "local")
        datastore = FlowDataStore(flow.name, environment, metadata, None, None, storage, str(root))
        decorators._init_flow_decorators(
            flow, flow._graph, environment, datastore, metadata, quiet, quiet, options
        )
        parameters.set_parameter_context(flow.name, quiet, datastore, {})
        return flow

    yield load
    # What flow decorators add to `current` stays on its class (Current._update_env).
    for name in set(vars(type(current))) - known:
        delattr(type(current), name)
