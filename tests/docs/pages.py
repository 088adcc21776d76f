"""The command blocks of a page, and a shell that runs them.

A block fenced as ``console`` has commands after ``$ ``, continued by a backslash, and the output
that the reader sees: ``...`` stands for any text, and what Metaflow prints before each command is
not shown. A command must succeed; output that a block does not show is not compared. The blocks of
a page run in order, in one shell.

A command that runs until it is stopped (:data:`SERVERS`) is started, and the page goes on when it
is ready. Comments before a block say what else it needs:

- ``<!-- not run: why -->``: it is left out;
- ``<!-- while it runs: COMMAND -->``: COMMAND is started first;
- ``<!-- while it runs -->``: what the block before has started is still running.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

# What runs until it is stopped: how its command begins, and what it says when it is ready.
SERVERS = {
    r"dagster dev|dagster-webserver": "Serving dagster-webserver on",
    r"dagster-daemon run": "Instance is configured with the following daemons",
    r"python \S+ dagster cards": "Stop with Ctrl-C",
    r"dagster-celery worker start": r" ready\.$",
    r"dask scheduler": "Scheduler at:",
    r"dask worker": "Registered to:",
    r"redis-server": "Ready to accept connections",
}
_BLOCK = re.compile(
    r"(<!-- (?P<comment>(?:not run: |while it runs)[^\n]*?) -->\n\n?)?"
    r"^```console\n(?P<text>.*?)^```$",
    re.M | re.S,
)
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", re.MULTILINE)
_FILE = re.compile(r"^```(?:python|yaml)\n(# (\S+\.(?:py|yaml))\n.*?)^```$", re.M | re.S)
_MARK = "-- command %d of the page --"
_SHELL = r"""
set -e
servers=()
stop() {
  for server in "${servers[@]}"; do kill -KILL -- "-$server" 2>/dev/null || true; done
  servers=()
}
serve() {  # a command, and what it says when it is ready
  local log
  log=$(mktemp)
  setsid bash -c "$1" > "$log" 2>&1 < /dev/null &
  servers+=($!)
  echo $! >> "$HOME/servers.pids"
  for _ in {1..900}; do
    if grep -Eq "$2" "$log"; then cat "$log"; sleep 1; return; fi
    kill -0 $! || break
    sleep 0.1
  done
  cat "$log"
  return 1
}
"""


@dataclass(frozen=True)
class Command:
    """What a reader types, and what the page shows then."""

    text: str
    output: str

    @property
    def ready(self) -> str | None:
        """What it says when it is ready, as a pattern; None if it ends by itself."""
        command = re.sub(r"^(\w+=\S+ )+", "", self.text)
        return next((said for begin, said in SERVERS.items() if re.match(begin, command)), None)


@dataclass(frozen=True)
class Block:
    """Commands, and the comment before them."""

    commands: tuple[Command, ...]
    not_run: str | None = None
    during: str | None = None  # another command; empty for what the block before has started

    @property
    def needs_servers(self) -> bool:
        """Whether it starts something that runs until it is stopped, or runs beside it."""
        return self.during is not None or any(command.ready for command in self.commands)


def blocks(markdown: str) -> Iterator[Block]:
    """The command blocks of a page."""
    for block in _BLOCK.finditer(markdown):
        what, _, rest = (block["comment"] or "").partition(": ")
        yield Block(
            tuple(Command(text.strip(), out) for text, out in _COMMAND.findall(block["text"])),
            not_run=rest if what == "not run" else None,
            during=rest if what == "while it runs" else None,
        )


def files(markdown: str) -> dict[str, str]:
    """The Python and YAML blocks of a page that begin with a comment of their file's name."""
    return {name: text for text, name in _FILE.findall(markdown)}


def script(page: list[Block]) -> str:
    """A program for bash that runs blocks; :func:`outputs` reads what it prints.

    What it leaves running is in ``servers.pids`` of its home: ids of process groups.
    """
    lines = [_SHELL]
    number = 0
    for block in page:
        if block.needs_servers and block.during != "":
            lines.append("stop")
        if block.during:
            lines.append(f"{_serve(Command(block.during, ''))} > /dev/null")
        for command in block.commands:
            lines.append(f"echo '{_MARK % number}'")
            lines.append(_serve(command) if command.ready else command.text)
            number += 1
    return "\n".join(lines)


def outputs(printed: str) -> list[str]:
    """What each command of a script has printed, as far as the script came."""
    return re.split(_MARK.replace("%d", r"\d+") + "\n", printed)[1:]


def _serve(command: Command) -> str:
    assert command.ready, f"not in SERVERS: {command.text}"
    return f"serve {shlex.quote(command.text)} {shlex.quote(command.ready)}"
