"""A PostgreSQL of the tests' own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .processes import end, free_port, needed, wait_for


@pytest.fixture
def postgres(postgres_server: Postgres) -> str:
    """URL of an empty database."""
    return postgres_server.new_database()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A server that lets anybody in."""
    with running_postgres() as server:
        yield server


class Postgres:
    """A server that lets anybody in, and keeps its data when it is started again."""

    def __init__(self, folder: Path) -> None:
        self.port = str(free_port())
        self._folder, self._data = folder, folder / "data"
        # It refuses to run as root; and the folders of pytest are closed to others.
        self._user = "nobody" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        initdb = [needed("initdb", "postgresql"), "-D", str(self._data), "-U", "dagster"]
        self._run(*initdb, "--auth=trust", "--no-sync", user=self._user).check_returncode()
        self._process = self._start()

    def new_database(self) -> str:
        """URL of an empty database."""
        name = f"db_{uuid.uuid4().hex}"
        where = ["-h", "127.0.0.1", "-p", self.port, "-U", "dagster"]
        self._run(needed("createdb", "postgresql"), *where, name).check_returncode()
        return f"postgresql+psycopg2://dagster@127.0.0.1:{self.port}/{name}"

    def restart(self) -> None:
        """Stop it while it is in use, and start it again."""
        self._process.send_signal(signal.SIGINT)  # waits for no client
        self._process.wait(timeout=30)
        self._process = self._start()

    def stop(self) -> None:
        end(self._process)

    def _start(self) -> subprocess.Popen[bytes]:
        options = ["-D", self._data, "-p", self.port, "-k", self._folder, "-h", "127.0.0.1", "-F"]
        process = subprocess.Popen(
            [needed("postgres", "postgresql"), *options],
            user=self._user,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        is_ready = [needed("pg_isready", "postgresql"), "-h", "127.0.0.1", "-p", self.port]
        wait_for("PostgreSQL", lambda: not self._run(*is_ready).returncode)
        return process

    def _run(self, *command: str, user: str | None = None) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(command, user=user, cwd=self._folder, capture_output=True)


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """A server, until the context ends."""
    folder = tempfile.mkdtemp(prefix="metaflow-dagster-postgres-", dir="/tmp")
    try:
        server = Postgres(Path(folder))
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)
