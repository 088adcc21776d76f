"""Configs: defaults, parsers, expressions in decorators, a mutator, and values in every task."""

import os

from metaflow import Config, FlowMutator, Parameter, config_expr, retry, step
from tracing import TracedFlow


def parse_pairs(text):
    return dict(pair.split("=") for pair in text.split(","))


class AddEnvironment(FlowMutator):
    def mutate(self, mutable_flow):
        for _, one_step in mutable_flow.steps:
            one_step.add_decorator("environment", deco_kwargs={"vars": {"MUTATED": "yes"}})


@AddEnvironment
class TaskConfigsFlow(TracedFlow):
    plain = Config("plain", default_value={"name": "ü", "deep": {"list": [1, {"x": None}]}})
    parsed = Config("parsed", default_value="a=1,b=2", parser=parse_pairs)
    times = Parameter("times", default=config_expr("plain.deep.list[0]"))

    def look(self):
        self.mark()
        self.values = (self.plain.name, self.plain["deep"]["list"][1].x, dict(self.parsed))
        self.mutated = os.environ.get("MUTATED")

    @retry(times=config_expr("plain.deep.list[0]"), minutes_between_retries=0)
    @step
    def start(self):
        self.look()
        self.items = list(self.parsed)
        self.next(self.item, foreach="items")

    @step
    def item(self):
        self.look()
        self.next(self.join)

    @step
    def join(self, inputs):
        self.mark(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.look()
        self.twice = self.times * 2


if __name__ == "__main__":
    TaskConfigsFlow()
