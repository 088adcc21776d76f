"""Processes that end with code 0 before their task is done, in a step of each kind."""

import argparse
import os
import sys

from metaflow import Parameter, catch, current, parallel, retry, step
from tracing import TracedFlow


class TaskEarlyExitFlow(TracedFlow):
    where = Parameter("where", default="")
    how = Parameter("how", default="exit")

    def come_to(self, inputs=None):
        self.mark(inputs)
        if current.step_name != self.where:
            return
        if self.how == "exit":
            sys.exit(0)
        if self.how == "help":
            argparse.ArgumentParser(prog="tool").parse_args(["--help"])
        if self.how == "os":
            os._exit(0)

    @step
    def start(self):
        self.come_to()
        self.items = [1]
        self.next(self.item, foreach="items")

    @retry(times=1, minutes_between_retries=0)
    @step
    def item(self):
        self.come_to()
        self.next(self.join)

    @catch(var="caught")
    @step
    def join(self, inputs):
        self.come_to(inputs)
        self.next(self.decide)

    @step
    def decide(self):
        self.way = "left"
        self.rounds = 0
        self.come_to()
        self.next({"left": self.again, "right": self.crew}, condition="way")

    @step
    def again(self):
        self.rounds += 1
        self.way = "on" if self.rounds < 2 else "out"
        if self.rounds == 2:
            self.come_to()
        self.next({"on": self.again, "out": self.crew}, condition="way")

    @step
    def crew(self):
        self.mark()
        self.next(self.gang, num_parallel=1)

    @parallel
    @step
    def gang(self):
        self.come_to()
        self.next(self.gather)

    @step
    def gather(self, inputs):
        self.come_to(inputs)
        self.next(self.end)

    @step
    def end(self):
        self.come_to()


if __name__ == "__main__":
    TaskEarlyExitFlow()
