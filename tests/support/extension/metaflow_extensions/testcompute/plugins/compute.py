"""A compute decorator that reroutes the command of a task, and one that sets a variable."""

from metaflow.decorators import StepDecorator


class RerouteDecorator(StepDecorator):
    """Runs the step's command by way of another program, as @kubernetes and @batch do."""

    name = "reroute"

    def runtime_init(self, flow, graph, package, run_id):
        self.seen = [("init", run_id)]

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
