"""``make demo``: compile the example flow, run it in real Dagster, and say where to look.

Everything is kept in ./demo, or the folder that the argument names: Dagster's instance, the
generated file and Metaflow's data.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "demo"
FLOW = ROOT / "examples" / "temperatures_flow.py"
FILE = DEMO / "temperatures_dagster.py"
BIN = Path(sys.executable).parent

# Read in a process of its own: Metaflow takes its settings from the environment on import.
RESULT = """\
from metaflow import Flow, namespace
namespace(None)
run = Flow("TemperaturesFlow").latest_run
print(f"{run.pathspec}: {'successful' if run.successful else 'not successful'}")
for step in reversed(list(run)):
    tasks = list(step)
    attempts = max(task.metadata_dict.get("attempt", "0") for task in tasks)
    again = " (one was retried)" if attempts != "0" else ""
    print(f"  {step.id:8} {len(tasks)} task{'s' * (len(tasks) > 1)}{again}")
print(run["end"].task.stdout.rstrip())
"""


def main() -> int:
    shutil.rmtree(DEMO, ignore_errors=True)
    home = DEMO / "dagster_home"
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    env = {
        **os.environ,
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "DAGSTER_HOME": str(home),
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(DEMO),
        "METAFLOW_DEFAULT_DATASTORE": "local",
        "METAFLOW_DEFAULT_METADATA": "local",
    }

    say("1. Compile the flow")
    run(env, "python", str(FLOW.relative_to(ROOT)), "dagster", "create", relative(FILE))

    say("2. Run it in Dagster")
    log = DEMO / "dagster.log"
    command = ["dagster", "job", "execute", "-f", relative(FILE), "-j", "TemperaturesFlow"]
    status = run(env, *command, log=log)
    events = [line for line in log.read_text().splitlines() if " - STEP_" in line]
    for kind in ("STEP_UP_FOR_RETRY", "STEP_SUCCESS", "STEP_SKIPPED", "STEP_FAILURE"):
        steps = [line.split(f" - {kind} - ")[0].split(" - ")[-1] for line in events if kind in line]
        if steps:
            print(f"  {kind[5:].lower().replace('_', ' '):13} {', '.join(steps)}")
    print(f"  (everything Dagster said: {relative(log)})")
    if status:
        print(f"The run failed; see {relative(log)}.", file=sys.stderr)
        return status

    say("3. What Metaflow knows of the run")
    status = run(env, "python", "-c", RESULT, shown=False)

    say("Look around")
    print(f"  the generated file     {relative(FILE)}")
    print("  in the browser         http://localhost:3000, after")
    print(f"    DAGSTER_HOME={home} \\\n      {relative(BIN)}/dagster dev -f {relative(FILE)}")
    return status


def say(title: str) -> None:
    print(f"\n\033[1m{title}\033[0m" if sys.stdout.isatty() else f"\n{title}", flush=True)


def run(env: dict[str, str], *command: str, log: Path | None = None, shown: bool = True) -> int:
    """Run a command in the repository; its output goes to the terminal, or to a file."""
    if shown:
        print("  $", *command, flush=True)
    program = [str(BIN / command[0]), *command[1:]]
    if log is None:
        return subprocess.run(program, env=env, cwd=ROOT, check=True).returncode
    with log.open("w") as output:
        done = subprocess.run(program, env=env, cwd=ROOT, stdout=output, stderr=output)
    return done.returncode


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(main())
