"""A program that starts a task, and ends all that came of it."""

# `run SECONDS COMMAND...` is the parent of a task, which so leads neither a session nor a process
# group, as in a native run, and may come to lead one. It ends as the task does. When its stdin
# closes, it ends the task with all that came of it: first asks, and kills after these seconds.
# `end SECONDS ID...` does that to the processes, groups and sessions with these numbers.
# `rest SECONDS ID...` gives them these seconds to end by themselves first.
SUPERVISOR = """
import _thread, os, resource, signal, sys, time

def living(ids):
    if os.path.isdir("/proc/self"):
        rows = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", errors="replace") as file:
                    rows.append([pid, *file.read().rpartition(")")[2].split()[:4]])
            except OSError:
                pass
    else:
        rows = map(str.split, os.popen("ps -axo pid=,state=,ppid=,pgid="))
    states, above = {}, {}
    for pid, state, *parent_group_session in rows:
        states[int(pid)] = state
        above[int(pid)] = set(map(int, parent_group_session))
    while found := {pid for pid in above.keys() - ids if above[pid] & ids}:
        ids |= found
    return {pid for pid in ids & above.keys() - {os.getpid()} if states[pid][0] not in "ZX"}

def end(tasks):
    ids, deadline = set(tasks), time.monotonic() + patience
    send(signal.SIGTERM, living(ids))
    while living(ids) & tasks and time.monotonic() < deadline:
        time.sleep(0.02)
    while (left := living(ids)) and time.monotonic() < deadline + 5:
        send(signal.SIGKILL, left)
        time.sleep(0.02)

def send(sig, pids):
    for pid in pids:
        try:
            os.kill(pid, sig)
        except OSError:
            pass

def run(command):
    null = os.open(os.devnull, os.O_RDWR)
    stdin = [(os.POSIX_SPAWN_DUP2, null, 0)]
    defaults = [signal.SIGPIPE, signal.SIGXFSZ]
    task = os.posix_spawnp(command[0], command, os.environ, file_actions=stdin, setsigdef=defaults)
    signal.signal(signal.SIGTERM, lambda *_: end({task, os.getpid()}))
    _thread.start_new_thread(lambda: os.read(0, 1) or os.kill(os.getpid(), signal.SIGTERM), ())
    os.dup2(null, 1)
    os.dup2(null, 2)
    code = os.waitstatus_to_exitcode(os.waitpid(task, 0)[1])
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if code != -signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)

def rest(tasks):
    deadline = time.monotonic() + patience
    while living(set(tasks)) and time.monotonic() < deadline:
        time.sleep(0.05)
    end(tasks)

what, seconds, *given = sys.argv[1:]
patience = float(seconds)
if what == "run":
    run(given)
else:
    {"end": end, "rest": rest}[what](set(map(int, given)))
"""
