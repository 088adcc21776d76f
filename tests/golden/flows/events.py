"""Everything that starts a run, and hooks at its end."""

from metaflow import (
    FlowSpec,
    Parameter,
    exit_hook,
    project,
    schedule,
    step,
    trigger,
    trigger_on_finish,
)


def tell(run): ...


@project(name="shop")
@schedule(cron="0 6 ? * MON-FRI *", timezone="Europe/Zurich")
@trigger(
    events=[
        {
            "name": "orders.arrived",
            "parameters": {"day": "date", "self": "source", "limit": "rows"},
        },
        {"name": "prices.arrived", "parameters": {"max-price": "maximum"}},
    ],
    options={"reset_at": {"cron": "0 0 * * *", "timezone": "Europe/Zurich"}},
)
@trigger_on_finish(flows=["PricesFlow", "warehouse.prod.StockOfAllTheWarehousesFlow"])
@exit_hook(on_success=[tell], on_error=[tell, "os.getcwd"])
class EventsFlow(FlowSpec):
    day = Parameter("day", default="today")
    source = Parameter("self", default="web")
    limit = Parameter("limit", default=100)
    max_price = Parameter("max-price", default=1.5)

    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self): ...


if __name__ == "__main__":
    EventsFlow()
