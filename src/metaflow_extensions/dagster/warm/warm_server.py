"""The warm server: imports what every Metaflow step needs, and has a forked child for each request.

``client.py`` starts it as ``python flow.py``, with ``site/sitecustomize.py`` on the path and
the other end of a socket pair. It has one thread, imports no user code, and ends with its client.

A request is a header with the length of what follows and three descriptors (the task's stdout and
stderr, and a socket for its status), then JSON: the command line, its part from the script on, the
environment and the working directory. The server hands it to a spare child, forked ahead, which has
copied the memory that it will write to (``warm_pages.py``). On the status socket the child sends
its process id and waits for a word; the server sends why it refuses or, later, the wait status.

A child is in a process group of its own, but leads neither that nor a session, as a native task,
which may become the leader of one. The leader of the group is a process that has ended and is kept
as a zombie until the child ends, so that nothing else can get its number.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import select
import signal
import socket
import sys
import time

from warm_child import Job
from warm_end import Shared
from warm_pages import Pages
from warm_preload import GitFacts, preload
from warm_sources import Sources
from warm_spare import Spare, receive, wait_for_job

_IDLE_SECONDS = 60.0  # a server without children ends after this; its client starts another one
_KILL_AFTER = "2"  # seconds between asking orphaned tasks to end and killing them
_CLONE_VM, _CLONE_VFORK = 0x100, 0x4000  # linux/sched.h
_STACK = 16384  # bytes of stack for a call of _exit
_TICK = 1.0  # seconds between looks at whether the client is still the parent

_SIGNALS = {signal.SIGCHLD, signal.SIGTERM}


class Server:
    """Serves one client; `children` are status sockets and groups by process id."""

    def __init__(self, client: socket.socket, sources: Sources, pages: Pages) -> None:
        self.client = client
        self.sources = sources
        self.pages = pages
        self.script = ""  # of the last request
        self.children: dict[int, tuple[socket.socket, int]] = {}
        self.telling: int | None = None  # the child that will say which pages it has copied
        self.spare: Spare | None = None
        self.no_spare = ""  # why there is none
        self.is_retired = False
        self.is_ended = False
        self.parent = os.getppid()
        self.idle_since = time.monotonic()
        self.names = _Names()
        self.git = GitFacts()
        # A signal makes the wait in `serve` return by way of this pipe.
        self.signals = os.pipe()
        for fd in self.signals:
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self.signals[1], warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, self._wake)
        signal.signal(signal.SIGTERM, self._end)

    def _wake(self, *_: object) -> None: ...

    def _end(self, *_: object) -> None:
        self.is_ended = True

    def serve(self) -> Job | None:
        """Serve until the client ends, then None. In a forked child: what it is to run."""
        waiter = select.poll()
        waiter.register(self.client, select.POLLIN)
        waiter.register(self.signals[0], select.POLLIN)
        while not self._is_done():
            if self.spare is None and not self.is_retired:
                job = self._fork()
                if job is not None:
                    return job
            for fd, _ in waiter.poll(_TICK * 1000):
                if fd == self.signals[0]:
                    with contextlib.suppress(BlockingIOError):
                        os.read(fd, 4096)
                else:
                    self._take_request()
            self._reap()
            if self.script:
                self.sources.learn(self.script)
        self._kill_children()
        return None

    def _is_done(self) -> bool:
        if self.is_ended or os.getppid() != self.parent:
            return True
        if self.children:
            self.idle_since = time.monotonic()
            return False
        return self.is_retired or time.monotonic() - self.idle_since > _IDLE_SECONDS

    def _take_request(self) -> None:
        """Read a request, and have the spare child run it."""
        message = receive(self.client)
        if message is None:
            self.is_ended = True
            return
        data, fds = message
        if not data:
            self.is_retired = True
            return
        job = Job(*json.loads(data))
        status = socket.socket(fileno=fds[2])
        try:
            self._run(job, status, fds)
        finally:
            os.close(fds[0])
            os.close(fds[1])

    def _run(self, job: Job, status: socket.socket, fds: list[int]) -> None:
        """Hand a job over, or tell the client why not."""
        self.script = os.path.join(job.cwd, job.argv[0])
        shadow = self.names.shadow(os.path.dirname(os.path.realpath(self.script)))
        if shadow:
            self._refuse(status, f"{shadow} stands in for an installed module")
            return
        spare, self.spare = self.spare, None
        if spare is None:
            self._refuse(status, self.no_spare)
            return
        self.children[spare.pid] = status, spare.group
        job.repository = self.git.of(os.path.dirname(os.path.abspath(self.script)))
        if self.telling is None and not self.pages.are_known():
            self.telling = spare.pid
            job.tells_pages = True
        # One that has been killed meanwhile is reaped as others are.
        with contextlib.suppress(ConnectionError):
            spare.hand_over(job, fds)

    def _refuse(self, status: socket.socket, reason: str) -> None:
        with status, contextlib.suppress(BrokenPipeError):
            status.send(b"refused: " + reason.encode(errors="replace"))

    def _fork(self) -> Job | None:
        """Have a spare child, if that can be. Returns in the child, with what it is to run."""
        try:
            group = _new_group()
        except OSError as error:
            self.no_spare = str(error)
            return None
        channel, its_channel = socket.socketpair()
        gc.freeze()  # children need not look through what the server has made since the last one
        # In between, a signal for the child would run the server's handlers.
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            pid = os.fork()
        except OSError as error:
            pid = None
            self.no_spare = str(error)
        if pid == 0:
            self._leave(group)
            channel.close()
            waiter = select.poll()
            waiter.register(its_channel, select.POLLIN)
            self.pages.copy(lambda: bool(waiter.poll(0)))
            return wait_for_job(its_channel)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        its_channel.close()
        if pid is None:
            channel.close()
            os.waitpid(group, 0)
        else:
            self.spare = Spare(pid, group, channel)
        return None

    def _leave(self, group: int) -> None:
        """In the child: drop what belongs to the server."""
        os.setpgid(0, group)
        signal.set_wakeup_fd(-1)
        for sig in _SIGNALS:
            signal.signal(sig, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        self.client.close()
        for other, _ in self.children.values():
            other.close()
        for fd in self.signals:
            os.close(fd)

    def _reap(self) -> None:
        """Tell the client of the children that have ended."""
        for pid, (client, group) in list(self.children.items()):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                os.waitpid(group, 0)
                del self.children[pid]
                if pid == self.telling:
                    self.telling = None
                with client, contextlib.suppress(BrokenPipeError):
                    client.send(b"%d" % status)

    def _kill_children(self) -> None:
        """Have the children end with all that came of them, by a process that outlives this one."""
        if self.children:
            from metaflow_extensions.dagster.warm.client import end_command

            ids = [id for pid, (_, group) in self.children.items() for id in (pid, group)]
            command = end_command("end", _KILL_AFTER, *ids)
            os.posix_spawn(command[0], command, os.environ)


def _new_group() -> int:
    """A process group whose leader has ended."""
    pid = _ended_child()
    if pid is not None:
        try:
            os.setpgid(pid, pid)
            return pid
        except OSError:
            os.waitpid(pid, 0)
    return os.posix_spawn("/bin/sh", ["sh", "-c", ":"], {}, setpgroup=0)


def _ended_child() -> int | None:
    """A child that calls `_exit` and nothing else, in a fifteenth of the time that a shell takes.

    It uses this process's memory, and this process waits until it has ended (clone(2)).
    """
    try:
        libc = ctypes.CDLL(None)
        stack = ctypes.create_string_buffer(_STACK)
        top = (ctypes.addressof(stack) + _STACK) & ~0xF
        leave = ctypes.cast(libc._exit, ctypes.c_void_p)
        flags = _CLONE_VM | _CLONE_VFORK | signal.SIGCHLD
        pid = libc.clone(leave, ctypes.c_void_p(top), flags, None)
    except AttributeError:  # another C library
        return None
    return pid if pid > 0 else None


class _Names:
    """Which files next to a flow would be imported in place of modules that are here already.

    `python flow.py` looks in the flow's folder first, also for what Metaflow itself imports.
    """

    def __init__(self) -> None:
        self._loaded = {name.partition(".")[0] for name in sys.modules} - {"__main__"}
        self._loaded.add("metaflow_extensions")  # Metaflow looks for extensions in every folder
        self._seen: dict[str, tuple[int, str | None]] = {}

    def shadow(self, folder: str) -> str | None:
        """The first such file or package in `folder`."""
        changed = os.stat(folder).st_mtime_ns
        if self._seen.get(folder, (None,))[0] != changed:
            self._seen[folder] = (changed, self._find(folder))
        return self._seen[folder][1]

    def _find(self, folder: str) -> str | None:
        for entry in os.scandir(folder):
            name, _, suffix = entry.name.partition(".")
            if name not in self._loaded:
                continue
            if suffix.endswith(("py", "pyc", "so")):
                return entry.path
            # A folder without __init__.py yields to a package elsewhere, but adds to a namespace.
            is_namespace = name not in sys.modules or _is_namespace(sys.modules[name])
            if entry.is_dir() and (is_namespace or os.path.exists(f"{entry.path}/__init__.py")):
                return entry.path
        return None


def _is_namespace(module: object) -> bool:
    return hasattr(module, "__path__") and getattr(module, "__file__", None) is None


def main(descriptor: int) -> None:
    """Serve the client at the other end of `descriptor`. Returns in the children only."""
    client = socket.socket(fileno=descriptor)
    client.set_inheritable(False)
    for name in ("child", "end", "pages", "preload", "server", "sources", "spare"):
        del sys.modules[f"warm_{name}"]
    preload()
    sources = Sources()
    sources.install()
    pages = Pages()
    shared = Shared()
    server = Server(client, sources, pages)
    shared.keep(server)
    job = server.serve()
    if job is None:
        os._exit(0)
    shared.keep_at_exit(pages.tell if job.tells_pages else None)
