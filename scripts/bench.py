"""``make bench``: the same flow natively and in Dagster, in wall-clock seconds.

    python scripts/bench.py [--items 100] [--workers 16]

Writes bench-results/foreach.json. Tasks do nothing, so what is measured is what a task costs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
FLOW = """\
from metaflow import FlowSpec, Parameter, step


class BenchFlow(FlowSpec):
    items = Parameter("items", default=100)

    @step
    def start(self):
        self.numbers = list(range(self.items))
        self.next(self.work, foreach="numbers")

    @step
    def work(self):
        self.next(self.join)

    @step
    def join(self, inputs):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    BenchFlow()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100, help="Tasks in the foreach.")
    parser.add_argument("--workers", type=int, default=16, help="Tasks at the same time.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="metaflow-dagster-bench-") as folder:
        seconds = measure(Path(folder), options.items, options.workers)
    result = {
        "items": options.items,
        "workers": options.workers,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "seconds": seconds,
    }
    output = ROOT / "bench-results" / "foreach.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps(result, indent=2) + "\n")
    for name, value in seconds.items():
        print(f"{name:28} {value:7.1f} s")
    print(f"Written to {output.relative_to(ROOT)}")
    return 0


def measure(folder: Path, items: int, workers: int) -> dict[str, float]:
    """Seconds of a native run, a first run in Dagster, and one more in the same instance."""
    home = folder / "dagster_home"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (folder / "bench_flow.py").write_text(FLOW)
    env = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(folder),
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
    }
    flow = [str(BIN / "python"), "bench_flow.py", "--quiet", "--no-pylint"]
    create = [*flow, "dagster", "create", "bench_dagster.py", "--max-workers", str(workers)]
    timed(create, folder, env)
    (folder / "run.json").write_text(
        json.dumps({"ops": {"op_start": {"config": {"items": items}}}})
    )
    native = [*flow, "run", "--items", str(items), "--max-workers", str(workers)]
    native += ["--max-num-splits", str(items)]
    job = [str(BIN / "dagster"), "job", "execute", "-f", "bench_dagster.py", "-j", "BenchFlow"]
    job += ["-c", "run.json"]
    return {
        "native": timed(native, folder, env),
        "Dagster, new instance": timed(job, folder, env),
        "Dagster, same instance again": timed(job, folder, env),
    }


def timed(command: list[str], folder: Path, env: dict[str, str]) -> float:
    started = time.monotonic()
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return round(time.monotonic() - started, 1)


if __name__ == "__main__":
    sys.exit(main())
