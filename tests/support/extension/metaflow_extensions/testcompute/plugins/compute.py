"""Decorators that change the command of a task: as compute decorators, and as conda does."""

import os

from metaflow.decorators import StepDecorator


class RerouteDecorator(StepDecorator):
    """Runs the step's command by way of another program, as @kubernetes and @batch do."""

    name = "reroute"

    def runtime_init(self, flow, graph, package, run_id):
        self.seen: list[tuple[object, ...]] = [("init", run_id)]

    def runtime_task_created(
        self, task_datastore, task_id, split_index, input_paths, is_cloned, ubf_context
    ):
        self.seen.append(("created", task_id, split_index, ",".join(input_paths)))

    def runtime_step_cli(self, cli_args, retry_count, max_user_code_retries, ubf_context):
        seen = repr([*self.seen, (retry_count, max_user_code_retries, ubf_context)])
        cli_args.entrypoint = ["env", f"REROUTED={seen}", *cli_args.entrypoint]


class SetVarDecorator(StepDecorator):
    name = "setvar"
    defaults = {"value": "x"}

    def runtime_step_cli(self, cli_args, retry_count, max_user_code_retries, ubf_context):
        cli_args.env["SETVAR"] = self.attributes["value"]


class InterpreterDecorator(StepDecorator):
    """Runs the step with another interpreter, as @conda and @pypi do."""

    name = "interpreter"
    defaults = {"path": None}

    def runtime_step_cli(self, cli_args, retry_count, max_user_code_retries, ubf_context):
        cli_args.entrypoint[0] = self.attributes["path"]


class ElsewhereDecorator(StepDecorator):
    """Runs the step where nothing of the op's environment is, as a pod does."""

    name = "elsewhere"

    def runtime_step_cli(self, cli_args, retry_count, max_user_code_retries, ubf_context):
        unset = [f"--unset={name}" for name in os.environ if name.startswith("METAFLOW_DAGSTER_")]
        cli_args.entrypoint = ["env", *unset, *cli_args.entrypoint]
