"""Logs: many lines, long lines, odd characters, other processes, a last line without its end."""

import os
import subprocess
import sys

from metaflow import current, retry, step
from tracing import TracedFlow


class TaskLogsFlow(TracedFlow):
    @step
    def start(self):
        self.mark()
        for number in range(5000):
            print(f"line {number}")
        for number in range(500):
            print(f"error {number}", file=sys.stderr)
        self.next(self.odd)

    @step
    def odd(self):
        self.mark()
        print("ünïcödé ✓ 漢字")
        print()
        print("\ttabs and trailing space ")
        print("[MFLOG|0|2026-11-23T00:00:00.000000Z|task|x]not a decorated line")
        print("carriage\rreturn")
        print("x" * 100_000)
        sys.stdout.flush()
        subprocess.run(["sh", "-c", "echo from a child; echo child complains >&2"], check=True)
        sys.stdout.write("no newline at the end")
        self.next(self.again)

    @retry(times=1, minutes_between_retries=0)
    @step
    def again(self):
        self.mark()
        print(f"attempt {current.retry_count} prints")
        if current.retry_count == 0:
            os._exit(1)
        self.next(self.end)

    @step
    def end(self):
        self.mark()


if __name__ == "__main__":
    TaskLogsFlow()
