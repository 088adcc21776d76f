"""Executor, tags and pools: what options and decorators become, and what is refused."""

from __future__ import annotations

import pytest
from metaflow import FlowSpec, step
from support.metaflow_names import batch, kubernetes, resources

from metaflow_extensions.dagster.errors import DagsterDeployError
from metaflow_extensions.dagster.graph import read_flow
from metaflow_extensions.dagster.plan.engine import (
    EnginePlan,
    plan_engine,
    with_engine,
)
from metaflow_extensions.dagster.plan.model import OpInput, OpOutput, OpPlan, RetryPlan
from metaflow_extensions.dagster.plan.options import CreateOptions

REAL = "dagster:multiprocess_executor"  # Dagster's own are definitions like any other


class SizedFlow(FlowSpec):
    @step
    def start(self):
        self.next(self.big, self.graphics, self.pod, self.queued)

    @resources(cpu=2, memory=8000)
    @step
    def big(self):
        self.next(self.join)

    @resources(gpu=1, disk=30000, shared_memory=64)
    @step
    def graphics(self):
        self.next(self.join)

    @kubernetes(cpu=4)
    @resources(memory=9000)
    @step
    def pod(self):
        self.next(self.join)

    @batch
    @step
    def queued(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self): ...


def an_op(step: str, **changes) -> OpPlan:
    facts = {"input_kind": OpInput.TASK, "output_kind": OpOutput.TASK, "inputs": (), **changes}
    return OpPlan(step=step, function=f"op_{step}", op_name=f"Job__{step}", key=step, **facts)


OPS = tuple(map(an_op, ("start", "big", "graphics", "pod", "queued", "join", "end")))


def plan(**options) -> EnginePlan:
    warnings: list[str] = []
    planned = plan_engine(CreateOptions(**options), warnings.append)
    assert not warnings
    return planned


def planned_ops(load_flow, **options) -> dict[str, OpPlan]:
    ops = with_engine(OPS, read_flow(load_flow(SizedFlow)), CreateOptions(**options))
    return {op.step: op for op in ops}


def refusal(call, *args, **options) -> str:
    with pytest.raises(DagsterDeployError) as raised:
        call(*args, **options)
    return str(raised.value)


# -- The executor ---------------------------------------------------------------------------


def test_our_kinds_keep_the_limit_for_themselves():
    assert plan() == EnginePlan(max_workers=16)
    assert plan(executor="multiprocess", max_workers=3).max_workers == 3
    assert plan(executor="in_process") == EnginePlan("in_process")
    assert plan(executor="inherit", max_workers=3) == EnginePlan("inherit")


def test_the_limit_of_an_executor_that_has_one_is_in_its_config():
    assert plan(executor=REAL) == EnginePlan(REAL)
    assert plan(executor=REAL, max_workers=3).config == {"max_concurrent": 3}
    config = plan(executor=REAL, max_workers=3, executor_config="{tag_concurrency_limits: []}")
    assert config.config == {"tag_concurrency_limits": [], "max_concurrent": 3}


def test_an_executor_without_a_limit_takes_none():
    message = refusal(plan, executor="dagster:in_process_executor", max_workers=3)
    assert message.startswith("--max-workers cannot limit the executor *dagster:in_process_exec")
    assert "--pool" in message


def test_an_executor_that_is_installed_elsewhere_is_taken_with_a_warning():
    warnings: list[str] = []
    options = CreateOptions(executor="house_cluster.engine:executor", max_workers=8)
    assert plan_engine(options, warnings.append).config == {"max_concurrent": 8}
    (warning,) = warnings
    assert "--executor house_cluster.engine:executor cannot be imported here" in warning
    assert "No module named 'house_cluster'" in warning


@pytest.mark.parametrize(
    ("executor", "message"),
    [
        ("celery", "--executor *celery* is neither one of auto, multiprocess, in_process, inherit"),
        ("dagster_celery.celery_executor", "nor MODULE:NAME"),
        (":executor", "nor MODULE:NAME"),
        ("a:b:c", "nor MODULE:NAME"),
        ("os; import sys:x", "nor MODULE:NAME"),
        ("dagster:celery_executor", "module *dagster* has no *celery_executor*"),
        ("dagster:job", "*dagster:job* is a function, not an executor"),
    ],
)
def test_what_is_no_executor(executor, message):
    assert message in refusal(plan, executor=executor)


def test_config_comes_as_text_or_as_a_file(tmp_path):
    expected = {"broker": {"env": "BROKER"}, "include": ["a"]}
    for text in (
        '{"broker": {"env": "BROKER"}, "include": ["a"]}',
        " {broker: {env: BROKER}, include: [a]}",
    ):
        assert plan(executor="in_process", executor_config=text).config == expected
    path = tmp_path / "executor.yaml"
    path.write_text("broker: {env: BROKER}\ninclude:\n  - a\n")
    assert plan(executor="in_process", executor_config=str(path)).config == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("missing.yaml", "the file *missing.yaml* does not exist"),
        ("{a: [}", "neither JSON nor YAML"),
        ("{a: 2026-01-05}", "neither JSON nor YAML: Object of type date"),
        ('{"broker": "redis://:secret@host/0"}', "*broker* seems to hold credentials"),
        ('{"a": {"b": ["redis://:secret@host/0"]}}', "*b* seems to hold credentials"),
        ('{"registry": {"password": "secret@"}}', "*password* seems to hold credentials"),
        ('{"env_vars": ["REGION=eu", "API_TOKEN=secret@"]}', "*API_TOKEN* seems to hold"),
        ('{"env": [{"name": "DB_PASSWORD", "value": "secret@"}]}', "*DB_PASSWORD* seems to hold"),
    ],
)
def test_config_that_cannot_be_used(text, message):
    refused = refusal(plan, executor="auto", executor_config=text)
    assert message in refused
    assert "secret@" not in refused


def test_an_inherited_executor_is_not_configured_here():
    assert "*inherit*" in refusal(plan, executor="inherit", executor_config="{}")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"output_kind": OpOutput.FOREACH}, "a foreach"),
        ({"output_kind": OpOutput.SWITCH}, "a switch"),
        ({"retry": RetryPlan(user=1)}, "retries"),
        ({"retry": RetryPlan(error=1)}, "retries"),
    ],
)
def test_dagsters_dask_executor_runs_plain_graphs_only(load_flow, change, what):
    options = CreateOptions(executor="dagster_dask:dask_executor")
    assert len(with_engine(OPS, read_flow(load_flow(SizedFlow)), options)) == len(OPS)
    ops = [*OPS[:1], an_op("big", **change)]
    message = refusal(with_engine, ops, read_flow(load_flow(SizedFlow)), options)
    assert message.startswith(f"Step *big* has {what}, which dagster_dask:dask_executor cannot run")
    assert "--executor metaflow_extensions.dagster.executor.dask:dask_executor" in message


# -- Tags and pools -------------------------------------------------------------------------


def test_resources_become_the_size_of_the_container(load_flow):
    ops = planned_ops(load_flow)
    assert dict(ops["big"].tags) == {
        "dagster-k8s/config": {
            "container_config": {"resources": {"requests": {"cpu": "2", "memory": "8000M"}}}
        }
    }
    (config,) = dict(ops["graphics"].tags).values()
    container, pod = config["container_config"], config["pod_spec_config"]
    assert container["resources"] == {
        "requests": {"cpu": "1", "memory": "4096M", "ephemeral-storage": "30000M"},
        "limits": {"nvidia.com/gpu": "1"},
    }
    assert container["volume_mounts"] == [{"name": "dshm", "mount_path": "/dev/shm"}]
    (volume,) = pod["volumes"]
    assert volume["empty_dir"] == {"medium": "Memory", "size_limit": "64Mi"}


def test_a_task_that_gets_a_container_of_its_own_needs_no_large_one_for_its_op(load_flow):
    ops = planned_ops(load_flow)
    assert not any(ops[step].tags for step in ("start", "pod", "queued", "join", "end"))


def test_units_of_ecs(load_flow):
    ops = planned_ops(load_flow, executor="dagster_aws.ecs:ecs_executor")
    assert dict(ops["big"].tags) == {"ecs/cpu": "2048", "ecs/memory": "8000"}
    assert dict(ops["graphics"].tags)["ecs/ephemeral_storage"] == "30"


def test_tags_of_options_join_those_of_decorators(load_flow):
    node = 'dagster-k8s/config={"pod_spec_config": {"node_selector": {"disk": "ssd"}}}'
    more = 'big:dagster-k8s/config={"container_config": {"resources": {"requests": {"cpu": "3"}}}}'
    ops = planned_ops(
        load_flow, step_tags=(node, more, "dagster/priority=1", "end:dagster/priority=9")
    )
    selector = {"node_selector": {"disk": "ssd"}}
    assert dict(ops["end"].tags) == {
        "dagster-k8s/config": {"pod_spec_config": selector},
        "dagster/priority": "9",
    }
    assert dict(ops["big"].tags)["dagster-k8s/config"] == {
        "container_config": {"resources": {"requests": {"cpu": "3", "memory": "8000M"}}},
        "pod_spec_config": selector,
    }
    assert dict(ops["big"].tags)["dagster/priority"] == "1"


def test_what_holds_for_all_ops_holds_for_plumbing():
    planned = plan(step_tags=("dagster-celery/queue=slow", "big:dagster-celery/queue=gpu"))
    assert dict(planned.helper_tags) == {"dagster-celery/queue": "slow"}


def test_pools(load_flow):
    ops = planned_ops(load_flow, pools=("db", "big:gpu"))
    assert ops["big"].pool == "gpu"
    assert ops["end"].pool == "db"
    assert planned_ops(load_flow, pools=("big:gpu",))["end"].pool is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_tags": ("priority",)}, "--step-tag *priority* is not of the form [STEP:]KEY=VALUE"),
        ({"step_tags": ("a b=1",)}, "--step-tag *a b=1* is not of the form"),
        ({"step_tags": ("a=",)}, "--step-tag *a=* is not of the form"),
        ({"step_tags": ("bog:a=1",)}, "--step-tag: there is no step *bog* in this flow"),
        (
            {"step_tags": ("url=redis://:secret@host",)},
            "--step-tag *url* seems to hold credentials",
        ),
        ({"pools": ("a b",)}, "--pool *a b* is not of the form [STEP:]POOL"),
        ({"pools": ("bog:gpu",)}, "--pool: there is no step *bog* in this flow. Its steps: start,"),
    ],
)
def test_options_of_steps_that_are_refused(load_flow, options, message):
    assert message in refusal(planned_ops, load_flow, **options)


def test_tags_of_runs():
    planned = plan(run_tags=("dagster/max_retries=2", 'dagster-k8s/config={"job_metadata": {}}'))
    assert dict(planned.run_tags) == {
        "dagster/max_retries": "2",
        "dagster-k8s/config": {"job_metadata": {}},
    }
    assert "--run-tag *a:b=1* is not of the form KEY=VALUE" in refusal(plan, run_tags=("a:b=1",))
    assert "--run-tag *api-key* seems to hold" in refusal(plan, run_tags=("api-key=abc",))


def test_image():
    container = {"dagster-k8s/config": {"container_config": {"image": "team/flow:3"}}}
    planned = plan(image="team/flow:3")
    assert dict(planned.run_tags) == container
    assert planned.config is None
    for executor, field in (
        ("dagster_k8s:k8s_job_executor", "job_image"),
        ("dagster_docker:docker_executor", "image"),
    ):
        options = CreateOptions(executor=executor, image="team/flow:3")
        planned = plan_engine(options, lambda warning: None)  # perhaps not installed
        assert planned.config == {field: "team/flow:3"}
    assert "white space" in refusal(plan, image="team/flow 3")
