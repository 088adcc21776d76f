"""Environment variables, tags, namespaces, and all that `current` knows in a task."""

import os

from metaflow import catch, current, environment, parallel, resources, secrets, step
from tracing import TracedFlow

SECRETS = [{"type": "inline", "id": "test", "options": {"env_vars": {"SECRET": "of the task"}}}]


class TaskEnvironmentFlow(TracedFlow):
    def look(self):
        self.mark()
        names = ("GREETING", "EMPTY", "ODD", "SECRET")
        self.variables = {name: os.environ.get(name) for name in names}
        self.known = {
            "flow": current.flow_name,
            "step": current.step_name,
            "retries": current.retry_count,
            "origin": current.origin_run_id,
            "running": current.is_running_flow,
            "user": current.username,
            "namespace": current.namespace,
            "parameters": list(current.parameter_names),
            "tags": sorted(t for t in current.tags if not t.startswith(("runtime:", "date:"))),
            "pathspec": current.pathspec,
            "run": current.run.pathspec,
            "task": current.task.pathspec,
            "task_tags": sorted(current.task.user_tags),
            "in_foreach": [frame.index for frame in self._foreach_stack],
            "tempdir": current.tempdir,
        }

    @environment(vars={"GREETING": "grüß dich, $USER", "EMPTY": "", "ODD": "a 'b' \"c\"\n\\d"})
    @resources(cpu=1, memory=500)
    @step
    def start(self):
        self.look()
        current.run.add_tag("added by start")
        self.items = [1, 2]
        self.next(self.item, foreach="items")

    @catch(var="failure")
    @environment(vars={"GREETING": "item"})
    @secrets(sources=SECRETS)
    @step
    def item(self):
        self.look()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.merge_artifacts(inputs, include=["items"])
        self.mark(inputs)
        self.run_tags = sorted(current.run.user_tags)
        self.next(self.crew)

    @step
    def crew(self):
        self.look()
        self.next(self.gang, num_parallel=2)

    @environment(vars={"GREETING": "gang"})
    @parallel
    @step
    def gang(self):
        self.look()
        self.cluster = (
            current.parallel.node_index,
            current.parallel.num_nodes,
            current.parallel.main_ip,
        )
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.clusters = [i.cluster for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.look()


if __name__ == "__main__":
    TaskEnvironmentFlow()
