"""A foreach in a foreach: the stores of each region, all at the same time.

python nested_flow.py dagster create nested_dagster.py
"""

from metaflow import FlowSpec, step

SALES = {"north": {"Oslo": 12, "Umea": 7}, "south": {"Bari": 9, "Faro": 4, "Nice": 11}}


class NestedFlow(FlowSpec):
    """Adds up sales by store, region and all."""

    @step
    def start(self):
        self.regions = sorted(SALES)
        self.next(self.region, foreach="regions")

    @step
    def region(self):
        self.place = self.input
        self.stores = sorted(SALES[self.place])
        self.next(self.store, foreach="stores")

    @step
    def store(self):
        self.sold = SALES[self.place][self.input]
        self.next(self.region_total)

    @step
    def region_total(self, inputs):
        self.place = inputs[0].place
        self.sold = sum(task.sold for task in inputs)
        self.next(self.total)

    @step
    def total(self, inputs):
        self.by_region = {task.place: task.sold for task in inputs}
        self.next(self.end)

    @step
    def end(self):
        print(self.by_region)


if __name__ == "__main__":
    NestedFlow()
