"""`make demo` prints what the README shows, in less than a minute."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_demo(tmp_path):
    demo = tmp_path / "demo"
    command = [sys.executable, str(ROOT / "scripts" / "demo.py"), str(demo)]
    done = subprocess.run(
        command,
        env={**os.environ, "USER": "reader"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    printed = done.stdout.replace(str(demo), "demo")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^\$ make demo\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    shown = shown.replace(".../demo", "demo").replace("      .venv/bin/", "      ...")
    pattern = ".*".join(re.escape(part) for part in shown.split("..."))
    assert re.fullmatch(rf"\s*{pattern}\s*", printed, re.DOTALL), printed
