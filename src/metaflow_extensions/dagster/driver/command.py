"""The command line of a Metaflow process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from .code import Code
from .flow import Flow

# Bytes in one argument of a process, its final NUL not counted (MAX_ARG_STRLEN of Linux).
_ARGUMENT_BYTES = 128 * 1024 - 1
# Bytes in all arguments together: macOS takes 1 MiB with the environment, Linux commonly 2.
_COMMAND_BYTES = 512 * 1024
_INPUTS_BYTES = 65536  # of input paths in a command; more go through a file
# Runs a Python file with arguments read from a file, in the true __main__ as `python file` does.
_ARGUMENTS_FROM_FILE = """\
import json, os, sys
with open(sys.argv[1], encoding="utf-8") as arguments:
    sys.argv = json.load(arguments)
__file__ = sys.argv[0]
if sys.path[:1] == [""]:
    sys.path[0] = os.path.dirname(os.path.realpath(__file__))
with open(__file__, "rb") as arguments:
    exec(compile(arguments.read(), __file__, "exec"))
"""


def flow_command(flow: Flow, code: Code, arguments: Sequence[str], scratch: str) -> list[str]:
    """A command of the flow, after its top-level options; values of Configs go through a file.

    Args:
        arguments: What the command is given beside those options.
        scratch: A folder that exists until the process has started.
    """
    cmd = [sys.executable, code.file, *flow.metaflow_top_args]
    if flow.metaflow_config_values:
        config_file = os.path.join(scratch, "config.json")
        with open(config_file, "w", encoding="utf-8") as file:
            json.dump(flow.metaflow_config_values, file)
        cmd += ["--local-config-file", config_file]
        for name in flow.metaflow_config_values["user_configs"]:
            cmd += ["--config-value", name, f"kv.{name}"]
    return long_command([*cmd, *arguments], scratch)


def input_arguments(paths: list[str], scratch: str) -> list[str]:
    """Input paths on the command line, or through a file where they are too long for it."""
    joined = ",".join(paths)
    if len(joined) <= _INPUTS_BYTES:
        return ["--input-paths", joined]
    file_name = os.path.join(scratch, "input-paths")
    with open(file_name, "w", encoding="utf-8") as file:
        file.write(joined)
    return ["--input-paths-filename", file_name]


def long_command(cmd: list[str], folder: str) -> list[str]:
    """``cmd`` itself or, where the system could not pass its arguments, its form by a file.

    Args:
        cmd: A Python interpreter, a Python file and the file's arguments.
        folder: Where to write the arguments; must exist until the process has started.
    """
    try:
        sizes = [len(os.fsencode(arg)) for arg in cmd]
    except UnicodeEncodeError:  # A lone surrogate: JSON can carry it.
        sizes = [_COMMAND_BYTES + 1]
    fits = max(sizes) <= _ARGUMENT_BYTES and sum(sizes) <= _COMMAND_BYTES
    if fits and not any("\0" in arg for arg in cmd):
        return cmd
    path = os.path.join(folder, "arguments.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(cmd[1:], file)
    return [cmd[0], "-c", _ARGUMENTS_FROM_FILE, path]
