"""Checks the package under pyright's strict rules: no rule may report more than it is allowed.

``scripts/strict.json`` says what is checked. What is allowed is in ``scripts/strict_allowed.json``,
by rule; it may only get less. With ``--lower`` the file is written anew where there is less now.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ALLOWED = HERE / "strict_allowed.json"


def main() -> int:
    pyright = Path(sys.executable).with_name("pyright")
    command = [pyright, "-p", HERE / "strict.json", "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run(command, capture_output=True, text=True)
    if not done.stdout:
        print(done.stderr, file=sys.stderr)
        return done.returncode or 1
    found: list[dict[str, Any]] = json.loads(done.stdout)["generalDiagnostics"]
    counts = Counter(str(entry.get("rule", "error")) for entry in found)
    allowed: dict[str, int] = json.loads(ALLOWED.read_text(encoding="utf-8"))
    too_many = [rule for rule, count in counts.items() if count > allowed.get(rule, 0)]
    for entry in found:
        if entry.get("rule", "error") in too_many:
            line = entry["range"]["start"]["line"] + 1
            print(f"{entry['file']}:{line}: {entry['message']} ({entry.get('rule')})")
    for rule in too_many:
        print(f"{rule}: {counts[rule]} reports, and {allowed.get(rule, 0)} are allowed.")
    if too_many:
        return 1
    print(f"strict: {sum(counts.values())} reports, {sum(allowed.values())} allowed")
    if "--lower" in sys.argv:
        text = json.dumps(dict(sorted(counts.items())), indent=2) + "\n"
        ALLOWED.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
