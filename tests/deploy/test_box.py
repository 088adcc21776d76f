"""The server in a box of examples/deploy: its files agree, and its programs work together."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.processes import end, free_port, wait_for

from .server import Server

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"
PROGRAMS = ("code", "webserver", "daemon")


def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def command_of(program: str) -> list[str]:
    return shlex.split(compose()["services"][program]["command"])


@pytest.mark.parametrize("program", PROGRAMS)
def test_units_and_containers_run_the_same(program):
    unit = configparser.ConfigParser(interpolation=None)
    unit.read(DEPLOY / "systemd" / f"dagster-{program}.service")
    started = shlex.split(unit["Service"]["ExecStart"].removeprefix("/opt/dagster/venv/bin/"))
    assert started == [part.replace("0.0.0.0", "127.0.0.1") for part in command_of(program)]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="this machine has no systemd")
def test_systemd_takes_the_units(tmp_path):
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text().replace("/opt/dagster/venv/bin", str(Path(sys.executable).parent))
        (tmp_path / unit.name).write_text(text)
    verify = ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())]
    done = subprocess.run(verify, capture_output=True, text=True)
    # It succeeds where it has ignored a line that it does not know, and says so.
    assert (done.returncode, done.stderr) == (0, "")


def test_settings_agree():
    services = compose()["services"]
    lines = (DEPLOY / "systemd" / "dagster.env").read_text().splitlines()
    variables = {line.split("=")[0] for line in lines if not line.startswith("#")}
    for program in PROGRAMS:
        assert services[program]["environment"].keys() == variables
    [location] = yaml.safe_load((DEPLOY / "workspace-box.yaml").read_text())["load_from"]
    assert location["grpc_server"]["host"] in services
    assert str(location["grpc_server"]["port"]) in command_of("code")
    for volume in services["code"]["volumes"]:
        source = volume.split(":")[0]
        is_ours = source in compose()["volumes"] or source == "./flows"
        assert is_ours or (DEPLOY / source).exists(), source


def test_the_image_has_what_its_containers_run():
    text = (DEPLOY / "Dockerfile").read_text()
    extras = re.search(r"metaflow-dagster\[([a-z0-9,]+)\] @ ", text)
    assert extras
    assert set(extras[1].split(",")) == {"ui", "postgres", "k8s"}
    folder = re.search(r"^WORKDIR (.+)$", text, re.MULTILINE)
    assert folder
    assert compose()["x-dagster"]["working_dir"] == folder[1]
    # A box has no definitions files in this folder, and COPY none of them alone would fail.
    [files] = re.findall(r"^COPY (.+) \./$", text, re.MULTILINE)
    assert all((DEPLOY / name).exists() for name in files.split() if "*" not in name)
    assert any("*" not in name for name in files.split())


def test_helm_values_start_a_code_server(embedded):
    """As the chart does: `dagster api grpc` with the arguments of the values."""
    values = yaml.safe_load((DEPLOY / "helm-values.yaml").read_text())
    assert values["runLauncher"]["type"] == "K8sRunLauncher"
    [deployment] = values["dagster-user-deployments"]["deployments"]
    assert deployment["image"].keys() == {"repository", "tag", "pullPolicy"}
    arguments = deployment["dagsterApiGrpcArgs"]
    folder, file = os.path.split(arguments[-1])
    assert f"WORKDIR {folder}\n" in (DEPLOY / "Dockerfile").read_text()

    project = embedded(str(DEPLOY.parent / "hyperparameters_flow"))
    shutil.copy(project.folder / "defs.py", project.folder / file)
    port = str(free_port())
    location = {"grpc_server": {"host": "127.0.0.1", "port": int(port)}}
    (project.folder / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [location]}))
    dagster = [sys.executable, "-m", "dagster", "api"]
    with (project.folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*dagster, "grpc", "-h", "127.0.0.1", "-p", port, *arguments[:-1], file],
            cwd=project.folder,
            env=project.env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        ask = [*dagster[:-1], "job", "list", "-w", "workspace.yaml"]
        listed = wait_for(
            "the job", lambda: re.findall("^Job: .*", project.run(*ask, code=None), re.M)
        )
        assert "Job: HyperparametersFlow" in listed
    finally:
        end(server)


@pytest.mark.slow
def test_box(embedded, tmp_path, postgres):
    """Its commands as plain processes, with the ports and hosts of this machine."""
    project = embedded(str(DEPLOY.parent / "hyperparameters_flow"))
    server = Server(project, tmp_path / "box", postgres)
    (project.folder / "flows").mkdir()
    shutil.copy(project.folder / "defs.py", project.folder / "flows")
    ports = {"3000": server.url.rsplit(":", 1)[1], "4000": str(free_port())}
    workspace = (DEPLOY / "workspace-box.yaml").read_text().replace("4000", ports["4000"])
    workspace = workspace.replace("host: code", "host: 127.0.0.1")
    (project.folder / "workspace-box.yaml").write_text(workspace)
    processes = []
    try:
        for program in PROGRAMS:
            name, *options = command_of(program)
            processes.append(
                subprocess.Popen(
                    [Path(sys.executable).with_name(name), *(ports.get(o, o) for o in options)],
                    cwd=project.folder,
                    env={**project.env, **server.env},
                    stdout=(project.folder / f"{program}.log").open("wb"),
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )
        wait_for("the job in the webserver", server._has_job)
        project.env["METAFLOW_DAGSTER_URL"] = server.url
        run_id = project.start("trigger")
        assert project.json("status", run_id)["status"] == "Succeeded"
        assert "Best rate 0.03" in project.dagster("logs", run_id)
        task = f"Run('HyperparametersFlow/{run_id}')['compare'].task"
        cards = f"[c.type for c in __import__('metaflow.cards').cards.get_cards({task})]"
        assert project.query(cards) == ["blank"]
    finally:
        for process in reversed(processes):
            end(process)
