"""A PostgreSQL of the tests' own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .processes import end, free_port, needed, wait_for


@pytest.fixture
def postgres(postgres_port: str) -> str:
    """URL of an empty database."""
    name = f"db_{uuid.uuid4().hex}"
    createdb = [needed("createdb", "postgresql"), "-h", "127.0.0.1", "-p", postgres_port]
    subprocess.run([*createdb, "-U", "dagster", name], check=True)
    return f"postgresql+psycopg2://dagster@127.0.0.1:{postgres_port}/{name}"


@pytest.fixture(scope="session")
def postgres_port() -> Iterator[str]:
    """Port of a server that lets anybody in."""
    with running_postgres() as port:
        yield port


@contextmanager
def running_postgres() -> Iterator[str]:
    """Port of a server that lets anybody in, until the context ends."""
    bins = {name: needed(name, "postgresql") for name in ("initdb", "postgres", "pg_isready")}
    # It refuses to run as root; and the folders of pytest are closed to others.
    user = "nobody" if os.getuid() == 0 else None
    folder = tempfile.mkdtemp(prefix="metaflow-dagster-postgres-", dir="/tmp")
    try:
        if user:
            shutil.chown(folder, user)
        data, port = f"{folder}/data", str(free_port())
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
        initdb = [bins["initdb"], "-D", data, "-U", "dagster", "--auth=trust", "--no-sync"]
        subprocess.run(initdb, check=True, user=user, **quiet)
        server = subprocess.Popen(
            [bins["postgres"], "-D", data, "-p", port, "-k", folder, "-h", "127.0.0.1", "-F"],
            user=user,
            start_new_session=True,
            **quiet,
        )
        try:
            is_ready = [bins["pg_isready"], "-h", "127.0.0.1", "-p", port]
            wait_for("PostgreSQL", lambda: not subprocess.run(is_ready, **quiet).returncode)
            yield port
        finally:
            end(server)
    finally:
        shutil.rmtree(folder)
