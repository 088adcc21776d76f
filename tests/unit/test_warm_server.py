"""The life of warm servers: when there is one, when there is none, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from support.warm_lab import Lab, is_alive, wait_until

from metaflow_extensions.dagster.contract import variables
from metaflow_extensions.dagster.warm import client as warm

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks on Linux only")


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A lab without servers, so that each test sees its own start and end."""
    monkeypatch.setattr(warm, "_state", warm._State())
    yield Lab(tmp_path)
    warm._state.retire_all()


def servers() -> list[int]:
    return [server._process.pid for server in warm._state.servers.values()]


CLIENT = """
    import os, sys, time
    sys.path.insert(0, {src!r})
    from metaflow_extensions.dagster.warm import client as warm
    out = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    processes = [
        warm.spawn([sys.executable, script], env=dict(os.environ), cwd={cwd!r}, stdout=out,
                   stderr=out)
        for script in {scripts!r}
    ]
    server = next(iter(warm._state.servers.values()))._process.pid
    print(server, *[process.pid for process in processes], flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_client(lab, sig):
    """However the client ends: its server, its tasks, what they started, even if it is stubborn."""
    plain = lab.script(
        """
        import subprocess, time
        child = subprocess.Popen(["sleep", "61"])
        print("child", child.pid, flush=True)
        time.sleep(60)
        """,
        "plain.py",
    )
    stubborn = lab.script(
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('deaf', flush=True)\ntime.sleep(60)",
        "stubborn.py",
    )
    log = lab.folder / "log"
    text = textwrap.dedent(CLIENT).format(
        src=os.path.abspath("src"), log=str(log), cwd=str(lab.folder), scripts=[plain, stubborn]
    )
    client = subprocess.Popen(
        [sys.executable, "-c", text], env=lab.env, stdout=subprocess.PIPE, text=True
    )
    assert client.stdout is not None
    pids = [int(pid) for pid in client.stdout.readline().split()]
    wait_until(lambda: log.read_text().count("\n") == 2)
    pids.append(int(log.read_text().partition("child ")[2].split()[0]))
    assert all(is_alive(pid) for pid in pids)
    client.send_signal(sig)
    client.wait()
    started = time.monotonic()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 6)
    assert time.monotonic() - started < 5


def test_the_death_of_a_server_ends_its_tasks_and_starts_another_one(lab):
    sleeper = lab.script("import time\ntime.sleep(60)", "sleeper.py")
    process, out, err = lab.start([sys.executable, sleeper])
    (server,) = servers()
    os.kill(server, signal.SIGKILL)
    assert process.wait(timeout=5) == -signal.SIGKILL
    wait_until(lambda: not is_alive(process.pid))
    lab.script("print('again')", "sleeper.py")
    assert lab.run(sleeper).out == "again\n"
    assert servers() != [server]
    os.close(out)
    os.close(err)


def children(pid: int) -> list[int]:
    """The process's children that run."""
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [child for child in map(int, file.read().split()) if is_alive(child)]


def test_a_child_is_forked_ahead(lab):
    """It runs the next command, ends with its server, and one that was killed is done without."""
    script = lab.script("import os\nprint(os.getpid())", "who.py")
    lab.run(script)
    (server,) = servers()
    wait_until(lambda: len(children(server)) == 1)
    (ahead,) = children(server)
    assert int(lab.run(script).out) == ahead
    wait_until(lambda: len(children(server)) == 1)
    (ahead,) = children(server)
    os.kill(ahead, signal.SIGKILL)
    process, out, err = lab.start([sys.executable, script])
    assert process is None
    os.close(out)
    os.close(err)
    assert lab.run(script).code == 0
    assert servers() == [server]
    wait_until(lambda: len(children(server)) == 1)
    (ahead,) = children(server)
    warm._state.retire_all()
    wait_until(lambda: not is_alive(server) and not is_alive(ahead))


def test_a_server_that_cannot_start_is_given_up_once(lab, capfd):
    script = lab.script("print('cold')", "cold.py")
    lab.env["METAFLOW_PROFILE"] = "there-is-no-such-profile"
    for _ in range(3):
        process, out, err = lab.start([sys.executable, script])
        assert process is None
        os.close(out)
        os.close(err)
    said = capfd.readouterr().err
    assert said.count("no warm start") == 1
    assert "there-is-no-such-profile" in said
    assert servers() == []


def test_a_server_that_hangs_is_given_up(lab, capfd, monkeypatch):
    """Neither a stopped server nor one that takes no requests blocks the caller for ever."""
    script = lab.script("print('never')", "never.py")
    monkeypatch.setattr(warm, "REPLY_SECONDS", 0.5)
    warm.prestart([sys.executable, script], env=lab.env, cwd=str(lab.folder))
    (server,) = servers()
    os.kill(server, signal.SIGSTOP)
    started = time.monotonic()
    process, out, err = lab.start([sys.executable, script])
    assert process is None
    assert time.monotonic() - started < 5
    assert not is_alive(server)
    assert "no warm start" in capfd.readouterr().err
    assert os.read(out, 10) == b""  # what was asked for has not run, and will not
    os.close(out)
    os.close(err)


@pytest.mark.parametrize(
    "cmd",
    [
        ["python", "flow.py"],
        [sys.executable],
        [sys.executable, "-u"],
        [sys.executable, "-c", "pass"],
        [sys.executable, "-m", "flow"],
        [sys.executable, "-O", "flow.py"],
        [sys.executable, "-u", "-W", "flow.py"],
        [sys.executable, "flow"],
        ["/usr/bin/python3", "flow.py"],
        ["/usr/bin/env", "python", "flow.py"],
        [],
    ],
)
def test_other_commands_are_left_to_subprocess(lab, cmd):
    process, out, err = lab.start(cmd)
    assert process is None
    assert servers() == []
    os.close(out)
    os.close(err)


def test_the_switch(lab, monkeypatch):
    script = lab.script("print(1)")
    process, out, err = lab.start([sys.executable, script], env={variables.WARM: "0"})
    assert process is None
    os.close(out)
    os.close(err)
    monkeypatch.setenv(variables.WARM, "0")
    process, out, err = lab.start([sys.executable, script])
    assert process is None
    warm.prestart([sys.executable, script], env=lab.env, cwd=str(lab.folder))
    assert servers() == []
    os.close(out)
    os.close(err)


def test_an_interpreter_by_another_name(lab, tmp_path):
    """python, python3 and python3.11 of one folder are one; a link from elsewhere is not."""
    script = lab.script("import sys; print(sys.executable)", "which.py")
    folder = os.path.dirname(sys.executable)
    other = os.path.join(folder, "python3" if sys.executable.endswith("python") else "python")
    if os.path.exists(other):
        process, out, err = lab.start([other, script])
        assert process.wait() == 0
        assert os.read(out, 1000).decode().strip() == other
        os.close(out)
        os.close(err)
    (tmp_path / "python").symlink_to(sys.executable)
    process, out, err = lab.start([str(tmp_path / "python"), script])
    assert process is None
    os.close(out)
    os.close(err)


@pytest.mark.parametrize("name", ["requests.py", "yaml/__init__.py", "metaflow_extensions/x/a.py"])
def test_files_that_stand_in_for_modules_are_honoured(lab, name):
    """`python flow.py` imports from the flow's folder first: a server has imported the others."""
    lab.run(lab.script("pass", "plain/flow.py"))
    script = lab.script("import sys; print('ours')", "shadowed/flow.py")
    lab.script("", f"shadowed/{name}")
    process, out, err = lab.start([sys.executable, script])
    assert process is None
    os.close(out)
    os.close(err)


def test_folders_without_code_stand_in_for_nothing(lab):
    (lab.folder / "plain" / "requests").mkdir(parents=True)
    (lab.folder / "plain" / "time").mkdir()
    assert lab.run(lab.script("import requests; print(requests.__version__)", "plain/flow.py")).out


def test_a_forked_client_has_servers_of_its_own(lab):
    """Dagster's code server forks: a copy must neither use nor keep alive its parent's servers."""
    script = lab.script("print('x')")
    lab.run(script)
    (server,) = servers()
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        ok = servers() == [] and lab.run(script).out == "x\n" and servers() != [server]
        os.write(write, b"ok" if ok else b"no")
        os._exit(0)
    os.close(write)
    assert os.read(read, 10) == b"ok"
    os.waitpid(pid, 0)
    os.close(read)
    assert is_alive(server)
    assert lab.run(script).out == "x\n"
    assert servers() == [server]


def test_prestart_returns_at_once_and_is_used(lab):
    script = lab.script("pass")
    started = time.monotonic()
    warm.prestart([sys.executable, script], env=lab.env, cwd=str(lab.folder))
    assert time.monotonic() - started < 0.1
    (server,) = servers()
    lab.run(script)
    assert servers() == [server]


def test_servers_end_with_the_last_run(lab):
    script = lab.script("import time\nprint('up', flush=True)\ntime.sleep(0.5)\nprint('end')")
    with warm.keep_warm():
        with warm.keep_warm():
            process, out, err = lab.start([sys.executable, script])
        (server,) = servers()
        assert is_alive(server)
        assert os.read(out, 2) == b"up"
    assert servers() == []
    assert process.wait(timeout=5) == 0  # what still runs is not cut off
    wait_until(lambda: not is_alive(server))
    os.close(out)
    os.close(err)


def test_the_number_of_servers_is_limited(lab):
    script = lab.script("pass")
    for n in range(warm.MAX_SERVERS + 1):
        env = {**lab.env, "METAFLOW_SERVICE_URL": f"http://{n}"}
        warm.prestart([sys.executable, script], env=env, cwd=str(lab.folder))
    assert len(servers()) == warm.MAX_SERVERS
    assert lab.run(script, env={"METAFLOW_SERVICE_URL": "http://1"}).code == 0


def test_a_child_of_multiprocessing_starts_cold_at_first(lab):
    """Dagster's multiprocess executor runs a process a step, for which a server does not pay."""
    code = """
        import multiprocessing, os, sys
        from metaflow_extensions.dagster.warm import client as warm

        def kinds(script, env, cwd):
            found = []
            for _ in range(3):
                process = warm.spawn([sys.executable, script], env=env, cwd=cwd, stdout=1, stderr=2)
                found.append(process and process.wait())
            print(found, flush=True)

        if __name__ == "__main__":
            context = multiprocessing.get_context("spawn")
            child = context.Process(target=kinds, args=(sys.argv[1], dict(os.environ), os.getcwd()))
            child.start()
            child.join()
    """
    target = lab.script("pass", "target.py")
    ran = lab.run(lab.script(code, "mp.py"), target, is_warm=False)
    assert ran.out == "[None, None, 0]\n", ran.err


def test_waiting_costs_no_time(lab):
    """64 threads that wait for tasks use no CPU."""
    script = lab.script("import time\ntime.sleep(1)", "sleep1.py")
    started = [lab.start([sys.executable, script]) for _ in range(16)]
    used = time.process_time()
    threads = [threading.Thread(target=process.wait) for process, _, _ in started]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.process_time() - used < 0.2
    for process, out, err in started:
        process.end("0")
        os.close(out)
        os.close(err)
