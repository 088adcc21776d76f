"""A warm child is what a new interpreter is: every promise, held against the real thing."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.warm_lab import Lab, is_alive, wait_until

from metaflow_extensions.dagster.warm import client as warm

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    yield Lab(tmp_path_factory.mktemp("warm"))
    warm._state.retire_all()


PROBE = """
    from metaflow import FlowSpec, step
    import gc, json, locale, os, random, resource, signal, sys, tempfile, threading, time, warnings

    main = sys.modules["__main__"]
    handlers = {}
    for number in signal.valid_signals():
        handler = signal.getsignal(number)
        handlers[str(int(number))] = getattr(handler, "__name__", str(handler))
    fds = {}
    for fd in os.listdir("/proc/self/fd"):
        try:
            fds[fd] = os.readlink(f"/proc/self/fd/{fd}").partition(":")[0]
        except FileNotFoundError:
            pass
    stdio = [
        [s.name, s.encoding, s.errors, s.line_buffering, s.write_through, s.isatty(), s.mode]
        for s in (sys.stdin, sys.stdout, sys.stderr)
    ]
    print(json.dumps({
        "argv": sys.argv, "orig_argv": sys.orig_argv, "path": sys.path, "flags": list(sys.flags),
        "executable": sys.executable, "prefix": sys.prefix, "env": dict(os.environ),
        "cwd": os.getcwd(), "file": __file__, "name": __name__, "spec": __spec__,
        "main": sorted(set(vars(main)) - {"fds"}), "is_main": vars(main) is globals(),
        "loader": [type(__loader__).__name__, __loader__.name, __loader__.path],
        "stdin": sys.stdin.read(), "stdio": stdio, "seekable": sys.stdout.seekable(),
        "handlers": handlers, "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "wakeup": signal.set_wakeup_fd(-1), "fds": fds, "umask": os.umask(0o22),
        "session": os.getsid(0) == os.getpid(), "group": os.getpgid(0) == os.getpid(),
        "threads": [thread.name for thread in threading.enumerate()],
        "is_main_thread": threading.current_thread() is threading.main_thread(),
        "gc": [gc.isenabled(), gc.get_threshold()], "recursion": sys.getrecursionlimit(),
        "limits": resource.getrlimit(resource.RLIMIT_NOFILE), "locale": locale.setlocale(0),
        "tz": time.tzname, "tmp": tempfile.gettempdir(), "excepthook": sys.excepthook.__name__,
        "dont_write": sys.dont_write_bytecode, "filters": [str(f) for f in warnings.filters],
        "children": os.path.exists("/proc/self/task"), "trace": str(sys.gettrace()),
        "hash": hash("x") if os.environ.get("PYTHONHASHSEED") else None,
    }))
"""


@pytest.mark.parametrize(
    "variation",
    [
        {},
        {"unbuffered": True},
        {"env": {"PYTHONUNBUFFERED": "", "LC_ALL": "C", "PYTHONHASHSEED": "7"}},
        {"env": {"TZ": "Asia/Tokyo", "TMPDIR": "/var/tmp", "PYTHONPATH": "lib:/nowhere"}},
    ],
    ids=["plain", "unbuffered", "locale", "paths"],
)
def test_a_child_looks_like_a_new_interpreter(lab, variation):
    (lab.folder / "lib").mkdir(exist_ok=True)
    script = lab.script(PROBE)
    warm_one, cold_one = lab.both(script, "an argument", "--flag=é", **dict(variation))
    seen, expected = json.loads(warm_one.out), json.loads(cold_one.out)
    assert {name: seen[name] for name in expected} == expected
    assert warm_one.err == cold_one.err


def test_relative_and_linked_scripts(lab):
    lab.script(PROBE, "deep/real.py")
    link = lab.folder / "link.py"
    link.symlink_to(lab.folder / "deep" / "real.py")
    for name in ("./deep/real.py", "deep/../deep/real.py", "link.py"):
        warm_one, cold_one = lab.both(name)
        seen, expected = json.loads(warm_one.out), json.loads(cold_one.out)
        assert (seen["argv"], seen["file"], seen["path"]) == (
            expected["argv"],
            expected["file"],
            expected["path"],
        )


ENDINGS = {
    "returns": "pass",
    "exit_0": "import sys; sys.exit()",
    "exit_1": "import sys; sys.exit(1)",
    "exit_202": "import sys; sys.exit(202)",
    "exit_minus_1": "import sys; sys.exit(-1)",
    "exit_true": "import sys; sys.exit(True)",
    "exit_text": "import sys; sys.exit('what went wrong')",
    "exit_object": "raise SystemExit(['a', 1])",
    "raises": "def f():\n    raise ValueError('no')\nf()",
    "raises_chained": "try:\n    1 / 0\nexcept ArithmeticError as e:\n    raise KeyError(1) from e",
    "syntax": "def f(:\n",
    "interrupt": "raise KeyboardInterrupt",
    "own_excepthook": "import sys\nsys.excepthook = lambda t, v, tb: print(t.__name__, tb is not "
    "None)\nraise ValueError('hooked')",
    "os_exit": "import os; os._exit(77)",
    "killed": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "terminated": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "segfault": "import ctypes; ctypes.string_at(0)",
    "abort": "import os; os.abort()",
    "atexit": "import atexit\natexit.register(print, 'last')\natexit.register(print, 'first')",
    "atexit_fails": "import atexit\natexit.register(lambda: 1 / 0)",
    "atexit_after_exit": "import atexit, sys\natexit.register(print, 'bye')\nsys.exit(3)",
    "thread": "import threading, time\n"
    "threading.Thread(target=lambda: (time.sleep(0.2), print('joined'))).start()",
    "daemon_thread": "import threading, time\n"
    "threading.Thread(target=lambda: time.sleep(60), daemon=True).start()",
    "pool": "from concurrent.futures import ThreadPoolExecutor as P\n"
    "P(1).submit(lambda: __import__('time').sleep(0.1) or print('pooled'))",
    "no_newline": "print('partial', end='')",
    "closed_stdout": "import sys\nprint('x')\nsys.stdout.close()",
    "broken_stdout": "import os, sys\nsys.stdout.write('x')\nos.close(1)",
    "stderr_and_stdout": "import sys\nprint('out')\nprint('err', file=sys.stderr)",
    "alarm": "import signal, time\ndef late(*_):\n    raise TimeoutError('alarm')\n"
    "signal.signal(signal.SIGALRM, late)\nsignal.setitimer(signal.ITIMER_REAL, 0.1)\n"
    "time.sleep(10)",
    "main_del": "class C:\n    def __del__(self):\n        print('deleted')\nc = C()",
    "native_output": "import ctypes\nctypes.CDLL(None).printf(b'from C\\n')",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_processes_end_alike(lab, ending):
    script = lab.script(ENDINGS[ending] + "\n", "script.py")
    env = {"PYTHONUNBUFFERED": ""}
    warm_one, cold_one = lab.both(script, env=env)
    assert (warm_one.code, warm_one.out) == (cold_one.code, cold_one.out)
    assert _without_addresses(warm_one.err) == _without_addresses(cold_one.err)


# What a flow does around a command of Metaflow's, after which a child ends by itself.
AROUND = {
    "nothing": "Flow()",
    "no_flow": "del Flow\none = Deleted('one')\nimport sys\nsys.exit(0)",
    "deleted": "one = Deleted('one')\nFlow()",
    "cycle": "one, two = Deleted('one'), Deleted('two')\none.other, two.other = two, one\nFlow()",
    "order": "b, _a, __c, a = map(Deleted, ['b', '_a', '__c', 'a'])\nFlow()",
    "flow_elsewhere": "del Flow\nimport elsewhere\none = Deleted('one')\nelsewhere.Flow()",
    "of_a_module": "import mine\nmine.kept = Deleted('kept')\nFlow()",
    "of_a_cyclic_module": "import mine\nmine.itself = mine\nmine._kept = Deleted('kept')\nFlow()",
    "of_a_class": "class C:\n    kept = Deleted('kept')\nFlow()",
    "of_sys": "import sys\nsys.kept = Deleted('kept')\nFlow()",
    "buffered": "import sys\nfile = open(sys.argv[0] + '.left', 'w')\nfile.write('left')\nFlow()",
    "buffered_in_c": "import ctypes\nctypes.CDLL(None).printf(b'from C\\n')\nFlow()",
    "other_stdout": "import io, sys\nclass Twice(io.StringIO):\n    def write(self, text):\n"
    "        return sys.__stdout__.write(text * 2)\nsys.stdout = Twice()\nFlow()",
    "atexit": "import atexit\natexit.register(print, 'last')\nFlow()",
    "atexit_exits": "import atexit, os\natexit.register(os._exit, 9)\nFlow()",
    "thread": "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.2), "
    "print('joined'))).start()\nFlow()",
    "daemon_thread": "import threading, time\nthreading.Thread(target=lambda: time.sleep(60), "
    "daemon=True).start()\nFlow()",
    "closed_stdout": "import sys\nsys.stdout.close()\nFlow()",
    "broken_stdout": "import os, sys\nsys.stdout.write('x')\nos.close(1)\nFlow()",
    "caught": "try:\n    Flow()\nexcept SystemExit as error:\n    print(repr(error), error.code, "
    "error.args, type(error))",
    "replaced": "import sys\ntry:\n    Flow()\nfinally:\n    sys.exit(3)",
    "changed": "try:\n    Flow()\nexcept SystemExit as error:\n    error.code = 5\n    raise",
    "changed_to_text": "try:\n    Flow()\nexcept SystemExit as error:\n    error.code = 'no'\n"
    "    raise",
    "raised_in_handler": "try:\n    Flow()\nexcept SystemExit:\n    raise ValueError('late')",
    "shown": "import traceback\ntry:\n    Flow()\nexcept SystemExit as error:\n"
    "    print(traceback.format_exception_only(error))",
    "pickled": "import pickle\ntry:\n    Flow()\nexcept SystemExit as error:\n"
    "    print(type(pickle.loads(pickle.dumps(error))), pickle.loads(pickle.dumps(error)).code)",
    "forked": "import os\npid = os.fork()\nif pid:\n    print(os.waitpid(pid, 0)[1])\nFlow()",
    "unraisable": "class Bad:\n    def __del__(self):\n        raise ValueError('late')\n"
    "bad = Bad()\nFlow()",
}
FLOW_AROUND = """
from metaflow import FlowSpec, step

class Deleted:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("deleted", self.name)

class Flow(FlowSpec):
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass

"""


@pytest.mark.parametrize("around", AROUND)
def test_commands_of_metaflow_end_alike(lab, around):
    lab.script("kept = None\n", "mine.py")
    lab.script(FLOW_AROUND.replace("deleted", "gone"), "elsewhere.py")
    script = lab.script(FLOW_AROUND + AROUND[around] + "\n", "around.py")
    left = lab.folder / "around.py.left"
    seen = []
    for is_warm in (True, False):
        left.unlink(missing_ok=True)
        ran = lab.run(script, "--quiet", "version", is_warm=is_warm, env={"PYTHONUNBUFFERED": ""})
        text = left.read_text() if left.exists() else None
        seen.append((ran.code, ran.out, _without_addresses(ran.err), text))
    assert seen[0] == seen[1]


def _without_addresses(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def test_files_left_open_are_written(lab):
    script = lab.script(
        """
        import gzip, sys
        text = open(sys.argv[1] + ".txt", "w")
        text.write("text")
        keep = [open(sys.argv[1] + ".bin", "wb")]
        keep[0].write(b"bytes")
        sys.held = open(sys.argv[1] + ".held", "w")  # known to a module that was there before
        sys.held.write("held")
        packed = gzip.open(sys.argv[1] + ".gz", "wt")
        packed.write("packed")
        """,
    )
    for is_warm in (True, False):
        stem = lab.folder / f"left_{is_warm}"
        assert lab.run(script, str(stem), is_warm=is_warm).code == 0
        assert stem.with_suffix(".txt").read_text() == "text"
        assert stem.with_suffix(".bin").read_bytes() == b"bytes"
        assert stem.with_suffix(".held").read_text() == "held"
        assert gzip.open(f"{stem}.gz").read() == b"packed"


def test_each_child_is_its_own(lab):
    """Modules, random numbers, globals and signal handlers of one task are new in the next."""
    lab.script("count = 0\n", "helper_module.py")
    script = lab.script(
        """
        import os, random, signal, sys, uuid
        import helper_module, json, metaflow
        helper_module.count += 1
        seen = [helper_module.count, getattr(json, "mark", None), getattr(metaflow, "mark", None)]
        json.mark = metaflow.mark = 1
        handler = signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
        signal.signal(signal.SIGUSR1, lambda *_: None)
        os.environ["LEFT_BEHIND"] = "x"
        os.chdir("/")
        print(os.getpid(), random.random(), uuid.uuid4(), seen, handler)
        """,
    )
    lines = [lab.run(script).out.split(maxsplit=3) for _ in range(3)]
    for column in range(3):
        assert len({line[column] for line in lines}) == 3
    assert {line[3] for line in lines} == {"[1, None, None] True\n"}


def test_changed_files_are_seen(lab):
    (lab.folder / "changing").mkdir()
    for text in ("one", "two"):
        lab.script(f"word = {text!r}\n", "changing/imported_word.py")
        script = lab.script(
            f"import imported_word; print({text!r}, imported_word.word)", "changing/main_file.py"
        )
        assert lab.run(script).out == f"{text} {text}\n"
        time.sleep(0.01)


def test_settings_are_those_of_the_task(lab):
    """Metaflow freezes METAFLOW_* at import: tasks with other settings get another server."""
    script = lab.script(
        "import metaflow.metaflow_config as c, os\n"
        "print(c.DEFAULT_DATASTORE, c.SERVICE_URL, os.environ.get('METAFLOW_DAGSTER_RESULT_FILE'))",
    )
    pids = set()
    for url in ("http://a", "http://b"):
        for result in ("1", "2"):
            env = {"METAFLOW_SERVICE_URL": url, "METAFLOW_DAGSTER_RESULT_FILE": result}
            ran = lab.run(script, env=env)
            assert ran.out == f"local {url} {result}\n"
            pids |= {server._process.pid for server in warm._state.servers.values()}
    assert len({key for key in warm._state.servers if ("METAFLOW_SERVICE_URL", "http://a") in key})


def test_large_command_lines_and_environments(lab):
    script = lab.script(
        "import os, sys; print(len(sys.argv[1]), len(sys.argv), len(os.environ['BIG']))", "big.py"
    )
    ran = lab.run(script, "x" * 100_000, *["y" * 100] * 1000, env={"BIG": "é" * 60_000})
    assert ran.out == "100000 1002 60000\n"
    odd = "a b\n$'\"\\ \udcff 日本"
    script = lab.script("import os, sys; print(ascii([sys.argv[1], os.environ['ODD']]))")
    warm_one, cold_one = lab.both(script, odd, env={"ODD": odd})
    assert warm_one.out == cold_one.out


def test_many_at_once(lab):
    script = lab.script(
        "import os, sys, time\ntime.sleep(0.05)\nprint(os.getpid(), sys.argv[1], os.environ['N'])\n"
        "sys.exit(int(sys.argv[1]) % 5)",
    )

    def one(n: int):
        return n, lab.run(script, str(n), env={"N": str(n)})

    with ThreadPoolExecutor(64) as pool:
        ran = list(pool.map(one, range(128)))
    assert len({result.pid for _, result in ran}) == 128
    for n, result in ran:
        assert (result.out, result.code) == (f"{result.pid} {n} {n}\n", n % 5)


def test_a_process_can_be_waited_for_and_killed(lab):
    script = lab.script("import time\nprint('up', flush=True)\ntime.sleep(60)")
    process, out, err = lab.start([sys.executable, script])
    assert os.read(out, 2) == b"up"
    assert process.poll() is None
    assert process.returncode is None
    started = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0.1)
    assert 0.09 < time.monotonic() - started < 1
    assert process.pid != os.getpgid(process.pid) == process.group != os.getpgid(0)
    process.end("5")
    assert process.wait(timeout=5) == -signal.SIGTERM
    assert process.poll() == process.wait() == process.returncode == -signal.SIGTERM
    os.close(out)
    os.close(err)


def test_what_a_task_starts_may_outlive_its_parent_process(lab):
    """A fork in user code runs on like after `python script.py`, and its exit is not the task's."""
    script = lab.script(
        """
        import os, subprocess, sys, time
        pid = os.fork()
        if pid == 0:
            time.sleep(0.3)
            print("from the fork", flush=True)
            os._exit(9)
        child = subprocess.Popen([sys.executable, "-c", "print('from a child')"])
        assert child.wait() == 0
        print(os.waitpid(pid, 0)[1] >> 8, flush=True)
        """,
    )
    warm_one, cold_one = lab.both(script)
    assert (warm_one.code, warm_one.out) == (cold_one.code, cold_one.out)


def test_multiprocessing_in_user_code(lab):
    script = lab.script(
        """
        import multiprocessing, sys
        def double(n):
            return 2 * n
        if __name__ == "__main__":
            for method in ("fork", "spawn"):
                with multiprocessing.get_context(method).Pool(2) as pool:
                    print(method, pool.map(double, range(4)))
        """,
    )
    ran = lab.run(script)
    assert ran.out == "fork [0, 2, 4, 6]\nspawn [0, 2, 4, 6]\n", ran.err


def test_a_crash_harms_no_other_task(lab):
    script = lab.script(
        """
        import ctypes, sys, time
        if sys.argv[1] == "crash":
            ctypes.string_at(0)
        time.sleep(1)
        print("well")
        """
    )
    with ThreadPoolExecutor(6) as pool:
        steady = [pool.submit(lab.run, script, "work") for _ in range(3)]
        crashed = [pool.submit(lab.run, script, "crash") for _ in range(3)]
    assert [ran.result().out for ran in steady] == ["well\n"] * 3
    assert [ran.result().code for ran in crashed] == [-signal.SIGSEGV] * 3
    assert not is_alive(crashed[0].result().pid)


def test_descriptors_of_other_tasks_are_closed(lab):
    """A task holds no pipe of another one: readers see the end of output when a task ends."""
    script = lab.script("import sys, time\ntime.sleep(int(sys.argv[1]))\nprint('done')")
    process, out, err = lab.start([sys.executable, script, "30"])
    started = time.monotonic()
    assert lab.run(script, "0").out == "done\n"
    assert time.monotonic() - started < 5
    process.end("0")
    wait_until(lambda: process.poll() is not None)
    os.close(out)
    os.close(err)
