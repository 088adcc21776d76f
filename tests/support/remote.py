"""S3 and Metaflow's metadata service, both real ones served on this machine."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from .processes import free_port, wait_for

_S3 = Path(__file__).with_name("s3_server.py")
_SERVICE = Path(__file__).with_name("metadata_service.py")


@dataclass(frozen=True)
class Remote:
    """Where the datastore and the metadata are."""

    env: dict[str, str]
    metadata: str


@dataclass(frozen=True)
class Service:
    """A metadata service, as whoever looks at it sees it."""

    url: str
    log: Path

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def code(self, method: str, path: str, body: Any) -> int:
        """The status with which a request is answered."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    def runs(self, flow: str) -> set[str]:
        return {str(run["run_number"]) for run in self.get(f"/flows/{flow}/runs")}


@contextmanager
def serve_metadata(folder: Path, wait: float) -> Iterator[Service]:
    """A metadata service that asks for a heartbeat every ``wait`` seconds."""
    with _server(folder, str(_SERVICE), str(wait)) as url:
        yield Service(url, folder / f"{url.rsplit(':', 1)[1]}.log")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A metadata service of this test's own, which asks for a heartbeat every second."""
    (tmp_path / "service").mkdir()
    with serve_metadata(tmp_path / "service", wait=1) as service:
        yield service


@pytest.fixture(scope="session")
def remote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Remote]:
    with serve_remote(tmp_path_factory.mktemp("remote")) as served:
        yield served


@pytest.fixture
def troubled(tmp_path: Path) -> Iterator[Remote]:
    """The same with an S3 that refuses requests now and then, and all of them for some seconds."""
    with serve_remote(tmp_path, "--trouble") as served:
        yield served


@contextmanager
def serve_remote(folder: Path, *options: str) -> Iterator[Remote]:
    """Both, until the context ends."""
    with _server(folder, str(_S3), *options) as s3:
        with _server(folder, str(_SERVICE)) as service:
            env = {
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_DEFAULT_REGION": "us-east-1",
                "METAFLOW_S3_ENDPOINT_URL": s3,
                "METAFLOW_DATASTORE_SYSROOT_S3": "s3://store/metaflow",
                "METAFLOW_DEFAULT_DATASTORE": "s3",
                "METAFLOW_SERVICE_URL": service,
                "METAFLOW_DEFAULT_METADATA": "service",
            }
            client = boto3.client(
                "s3",
                endpoint_url=s3,
                region_name="us-east-1",
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
            )
            client.create_bucket(Bucket="store")
            yield Remote(env, f"service@{service}")


@contextmanager
def _server(folder: Path, *arguments: str) -> Iterator[str]:
    """Start a Python program that serves on the port which is its last argument; its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with (folder / f"{port}.log").open("wb") as log:
        command = [sys.executable, *arguments, str(port)]
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(f"start of {process.args}", lambda: process.poll() or _answers(url), 60)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=30)


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
