"""Start Metaflow processes by forking one that has its imports done: the client side.

``spawn`` hands a command line to a warm server (``warm_server.py``), a single-threaded process that
has imported what every Metaflow step needs and forks a clean child for each command. A child costs
about a tenth of a new interpreter. Whatever cannot be right in a fork is left to the caller, who
then starts a plain subprocess: ``spawn`` returns None.

A server is made for one script, working directory and set of import-time variables
(``warm_rules.py``), because Metaflow freezes its settings when it is imported. It belongs to the
process that started it: when that one ends, in whatever way, the server kills its tasks and ends.

Only the standard library is imported here, and little of that: generated files import this module
before their first step.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence

from ..contract import variables
from .process_tree import SUPERVISOR
from .rules import server_command, server_env, server_key

REPLY_SECONDS = 60.0  # how long a server may take to start a child before it is given up
MAX_SERVERS = 4  # servers at a time; the one unused for longest makes room
COLD_STARTS = 2  # plain starts of a process that may have nothing more to run, see _is_worth_it
HEADER = struct.Struct("!I")  # length of the request that follows; 0: end when no child is left


class Process:
    """A running task: the part of ``subprocess.Popen`` that its supervisor needs.

    Attributes:
        pid: The process id.
        group: Its process group, which it does not lead.
        returncode: None while it runs, then the exit code; -N if signal N ended it.
    """

    def __init__(self, pid: int, group: int, status: socket.socket) -> None:
        self.pid = pid
        self.group = group
        self.returncode: int | None = None
        self._ender: subprocess.Popen[bytes] | None = None
        self._status = status
        self._lock = threading.Lock()

    def fileno(self) -> int:
        """A descriptor that becomes readable when the process ends, for ``select``."""
        return self._status.fileno()

    def poll(self) -> int | None:
        """The exit code if the process has ended; does not wait."""
        with self._lock:
            if self.returncode is None:
                try:
                    message = self._status.recv(64, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    return None
                except ConnectionResetError:
                    message = b""
                self.returncode = self._exit_code(message)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end.

        Raises:
            subprocess.TimeoutExpired: it still runs after `timeout` seconds.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        waiter = select.poll()
        waiter.register(self._status, select.POLLIN)
        while True:
            code = self.poll()
            if code is not None:
                if self._ender is not None:
                    self._ender.wait()
                return code
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
            waiter.poll(None if left is None else left * 1000 + 1)

    def end(self, patience: str) -> None:
        """Have it end with all that came of it; what remains after so many seconds is killed."""
        if self._ender is None:
            self._ender = subprocess.Popen(
                end_command("end", patience, self.pid, self.group),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _exit_code(self, message: bytes) -> int:
        if message:
            return os.waitstatus_to_exitcode(int(message))
        # The server has died, and the exit status with it: do not leave the task to itself.
        self.end("0")
        return -9


def end_command(how: str, patience: str, *ids: int) -> list[str]:
    """The command that ends processes, groups and sessions with all that came of them.

    Args:
        how: ``end`` at once, or ``rest``, which lets them end by themselves first.
        patience: Seconds for each.
        ids: Their numbers.
    """
    return [sys.executable, "-IS", "-c", SUPERVISOR, how, patience, *map(str, ids)]


class _Server:
    """A warm server of this process."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
        self.used = time.monotonic()
        self.has_served = False
        self._lock = threading.Lock()  # the parts of a request must stay together
        self._socket, remote = socket.socketpair()
        self._socket.settimeout(REPLY_SECONDS)
        # A pipe, as the standard streams of tasks are, so that Python sets its own up likewise.
        self._said, output = os.pipe()
        os.set_blocking(self._said, False)
        os.set_blocking(output, False)
        try:
            self._process = subprocess.Popen(
                command,
                env=server_env(env, remote.fileno()),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=[remote.fileno()],
                start_new_session=True,
            )
        except OSError:
            self.disown()
            raise
        finally:
            remote.close()
            os.close(output)

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def spawn(self, request: bytes, stdout: int, stderr: int) -> Process | None:
        """Have a child forked; None if the server says that it cannot be right.

        Raises:
            OSError: the server is gone, or does not answer.
        """
        self.used = time.monotonic()
        status, remote = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with remote, self._lock:
            fds = [stdout, stderr, remote.fileno()]
            socket.send_fds(self._socket, [HEADER.pack(len(request))], fds)
            self._socket.sendall(request)
        status.settimeout(REPLY_SECONDS)
        reply = status.recv(4096)
        if not reply:
            raise ConnectionError("the server ended")
        self.has_served = True
        pid, _, group = reply.partition(b" ")
        if not group.isdigit():  # it refuses, or the child has been killed
            return None
        # The child waits for this word: what was given up above can never run after all.
        status.send(b"go")
        status.settimeout(None)
        return Process(int(pid), int(group), status)

    def retire(self) -> None:
        """Have the server end as soon as its last child has."""
        with contextlib.suppress(OSError), self._lock:
            self._socket.sendall(HEADER.pack(0))

    def kill(self) -> str:
        """End a server that does not work; returns what it printed."""
        self._process.kill()
        self._process.wait()
        said = b""
        with contextlib.suppress(BlockingIOError):
            said = os.read(self._said, 65536)
        self.disown()
        return said.decode(errors="replace").strip()

    def disown(self) -> None:
        """Close this process's ends of what connects it with the server."""
        self._socket.close()
        os.close(self._said)


_Key = tuple[object, ...]


class _State:
    """The servers of this process. A forked process begins with none."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.servers: dict[_Key, _Server] = {}
        self.retired: list[_Server] = []
        self.broken: set[_Key] = set()
        self.holders = 0
        self.cold_starts = 0

    def server(self, key: _Key, command: Sequence[str], env: Mapping[str, str]) -> _Server:
        """The server for `key`, started if need be.

        Raises:
            OSError: it cannot be started.
        """
        with self.lock:
            self._collect()
            server = self.servers.get(key)
            if server is None:
                if len(self.servers) >= MAX_SERVERS:
                    self._retire(min(self.servers, key=lambda k: self.servers[k].used))
                server = self.servers[key] = _Server(command, env, str(key[0]))
            return server

    def drop(self, key: _Key, server: _Server) -> str:
        """Give a server up; returns what it printed."""
        with self.lock:
            if self.servers.get(key) is not server:
                return ""
            del self.servers[key]
            return server.kill()

    def retire_all(self) -> None:
        with self.lock:
            for key in list(self.servers):
                self._retire(key)
            self._collect()

    def _retire(self, key: _Key) -> None:
        server = self.servers.pop(key)
        server.retire()
        self.retired.append(server)

    def _collect(self) -> None:
        """Let go of the servers that have ended: retired ones, and idle ones."""
        for key, server in list(self.servers.items()):
            if not server.is_alive() and server.has_served:
                del self.servers[key]
                server.disown()
        for server in [server for server in self.retired if not server.is_alive()]:
            self.retired.remove(server)
            server.disown()


_state = _State()


def _begin_anew() -> None:
    """After a fork, the servers are those of the parent: close what would keep them alive."""
    global _state
    parents, _state = _state, _State()
    for server in [*parents.servers.values(), *parents.retired]:
        server.disown()


os.register_at_fork(after_in_child=_begin_anew)


def spawn(
    cmd: Sequence[str], *, env: Mapping[str, str], cwd: str, stdout: int, stderr: int
) -> Process | None:
    """Run ``python file.py ...`` in a fork of a warm process. Safe to call from any thread.

    Args:
        cmd: The command line of a new interpreter: ``[sys.executable, ("-u",) "file.py", ...]``.
        env: The whole environment of the process.
        cwd: Its working directory.
        stdout: A descriptor for its standard output; the caller closes its own copy.
        stderr: The same for its standard error.

    Returns:
        The process, in a group of its own, or None: start it with ``subprocess`` instead.
    """
    state = _state
    command = server_command(cmd)
    if command is None or not _is_allowed(env) or not _is_worth_it(state, env):
        return None
    key = server_key(command, env, cwd)
    request = json.dumps([list(cmd), list(cmd[len(command) - 1 :]), dict(env), cwd]).encode()
    while key not in state.broken:
        try:
            server = state.server(key, command, env)
        except OSError as error:
            _give_up(state, key, str(error))
            return None
        try:
            return server.spawn(request, stdout, stderr)
        except OSError as error:
            said = state.drop(key, server)
            # A server that worked before may be replaced: an idle one ends by itself.
            if not server.has_served:
                _give_up(state, key, said or str(error))
    return None


def prestart(
    cmd: Sequence[str], *, env: Mapping[str, str], cwd: str, is_worth_it: bool = False
) -> None:
    """Begin to start the server that ``spawn`` will need, and return at once.

    Args:
        cmd: What the command lines will have in common: ``[sys.executable, ("-u",) "file.py"]``.
        is_worth_it: This process will start many tasks, see ``_is_worth_it``.
    """
    command = server_command(cmd)
    if command is None or not _is_allowed(env):
        return
    if _is_multiprocessing_child() and not (_state.holders or is_worth_it):
        return
    with contextlib.suppress(OSError):  # `spawn` meets the same error and says so
        _state.server(server_key(command, env, cwd), command, env)


@contextlib.contextmanager
def keep_warm() -> Generator[None]:
    """Hold servers for a run: they end when the last of the runs in this process has ended."""
    state = _state
    with state.lock:
        state.holders += 1
    try:
        yield
    finally:
        with state.lock:
            state.holders -= 1
            is_last = state.holders == 0
        if is_last:
            state.retire_all()


def _is_allowed(env: Mapping[str, str]) -> bool:
    return "0" not in (env.get(variables.WARM), os.environ.get(variables.WARM))


def _is_worth_it(state: _State, env: Mapping[str, str]) -> bool:
    """Whether this process will probably start enough tasks to pay for a server.

    A process of Dagster's multiprocess executor runs one op: one task, or `init` and one task.
    """
    if (
        state.holders
        or state.servers
        or env.get(variables.WARM) == "1"
        or not _is_multiprocessing_child()
    ):
        return True
    state.cold_starts += 1
    return state.cold_starts > COLD_STARTS


def _is_multiprocessing_child() -> bool:
    module = sys.modules.get("multiprocessing.process")
    return module is not None and module.parent_process() is not None


def _give_up(state: _State, key: _Key, reason: str) -> None:
    """Say once why tasks of this kind start as plain processes."""
    with state.lock:
        if key in state.broken:
            return
        state.broken.add(key)
    reason = reason.rsplit("\n", 1)[-1] or "unknown reason"
    sys.stderr.write(f"metaflow-dagster: no warm start, steps start as new processes: {reason}\n")
    sys.stderr.flush()
