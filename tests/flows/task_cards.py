"""Cards: the default one, several on a step, blank ones with parts, on items and on failures."""

from metaflow import card, catch, current, retry, step
from metaflow.cards import Markdown
from tracing import TracedFlow


class TaskCardsFlow(TracedFlow):
    @card
    @step
    def start(self):
        self.mark()
        self.items = [1, 2]
        self.next(self.item, foreach="items")

    @card(type="blank", id="first")
    @card(type="blank", id="second")
    @card
    @step
    def item(self):
        self.mark()
        current.card["first"].append(Markdown(f"# Item {self.input}"))
        current.card["second"].append(Markdown("second"))
        self.next(self.join)

    @step
    def join(self, inputs):
        self.mark(inputs)
        self.next(self.shaky)

    @retry(times=1, minutes_between_retries=0)
    @card(type="blank")
    @step
    def shaky(self):
        self.mark()
        current.card.append(Markdown(f"attempt {current.retry_count}"))
        if current.retry_count == 0:
            raise ValueError("at first")
        current.card.refresh()
        self.next(self.caught)

    @catch(var="failure")
    @card
    @step
    def caught(self):
        self.mark()
        if not self.trace[99:]:
            raise ValueError("always")
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    TaskCardsFlow()
