"""Parameters of every type, with and without defaults."""

from metaflow import IncludeFile, JSONType, Parameter, current, step
from tracing import TracedFlow


def at_deployment(context):
    return f"made for {context.flow_name}"


def number_at_deployment(context):
    return len(context.flow_name)


class ParametersFlow(TracedFlow):
    text = Parameter(
        "text", default='it\'s "quoted" $HOME `x`\n\ttab, ü, \U0001f600, \\n', help="Te xt"
    )
    empty = Parameter("empty", default="")
    nothing = Parameter("nothing", type=str, default=None)
    no_number = Parameter("no_number", type=int)
    number = Parameter("number", default=-3)
    big = Parameter("big", default=2**62)
    ratio = Parameter("ratio", default=0.1)
    whole = Parameter("whole", type=float, default=1)
    yes = Parameter("yes", default=True)
    no = Parameter("no", type=bool, default=False)
    names = Parameter("names", separator=",", default="a,b c")
    many = Parameter("many", multiple=True, default=["x", "y"])
    numbers = Parameter("numbers", multiple=True, type=int, default=[1, 2])
    data = Parameter("data", type=JSONType, default={"a": [1, None, {"b": "ü"}]})
    data_text = Parameter("data_text", type=JSONType, default='["t", 1.5]')
    max_n = Parameter("max-n", default=5)
    keyword = Parameter("lambda", default="k")
    retry_count = Parameter("retry_count", default=7)
    schema = Parameter("schema", default="s")
    deployed = Parameter("deployed", default=at_deployment)
    deployed_number = Parameter("deployed_number", type=int, default=number_at_deployment)
    notes = IncludeFile("notes", default="tracing.py")
    raw = IncludeFile("raw", is_text=False, required=False)

    @step
    def start(self):
        self.mark()
        self.seen = self.parameters()
        self.next(self.item, foreach="names")

    @step
    def item(self):
        self.mark()
        self.same = self.seen == self.parameters()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.mark(inputs)
        self.seen = self.parameters()
        self.same = [i.same for i in inputs]
        self.next(self.end)

    @step
    def end(self):
        self.mark()

    def parameters(self):
        return {name: getattr(self, name) for name in sorted(current.parameter_names)}


if __name__ == "__main__":
    ParametersFlow()
