"""The HTTP server: the API, and what a container finds at link-local addresses."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

from ..stand_in import Handler
from .calls import Refusal
from .jobs import Json

if TYPE_CHECKING:
    from .batch import Batch

ECS, EC2 = "169.254.170.2", "169.254.169.254"
_MOST_BYTES = 30 * 1024  # of SubmitJob (service_limits.html of the user guide)

LINK_LOCAL = '''
"""Where ECS and EC2 have their addresses, the server of the tests is."""
import socket

_connect = socket.socket.connect


def connect(self, address):
    if isinstance(address, tuple) and address[0] in {addresses!r}:
        address = ("127.0.0.1", {port})
    return _connect(self, address)


socket.socket.connect = connect
'''


def link_local(port: int) -> str:
    """The source of a module for ``make_image``."""
    return LINK_LOCAL.format(addresses=(ECS, EC2), port=port)


class BatchHandler(Handler):
    """Answers for AWS Batch, ECS and EC2."""

    @property
    def batch(self) -> Batch:
        from .batch import Batch

        assert isinstance(self.stand_in, Batch)
        return self.stand_in

    def do_GET(self) -> None:
        text = self.body()
        host = self.headers["Host"].partition(":")[0]
        try:
            with self.batch.lock:
                if host == ECS:
                    self._send(200, self._of_container())
                elif host == EC2:
                    self._send(200, self._of_instance())
                else:
                    self._send(200, self._called(text))
        except Refusal as refusal:
            told = {"message": refusal.message}
            self._send(refusal.code, told, x_amzn_ErrorType=refusal.kind)
        except BrokenPipeError:
            self.close_connection = True

    do_POST = do_PUT = do_GET

    def _called(self, text: bytes) -> Json:
        batch = self.batch
        name = self.path.removeprefix("/v1/")
        batch.requests.append(name)
        if not self.headers.get("Authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise Refusal("Missing Authentication Token", 403, "MissingAuthenticationToken")
        if batch.refusals:
            batch.refusals -= 1
            raise Refusal("Too Many Requests", 429, "TooManyRequestsException")
        if name == "submitjob" and len(text) > _MOST_BYTES:
            raise Refusal("The payload of SubmitJob exceeds 30 KiB")
        call = getattr(batch.calls, name, None)
        if call is None:
            batch.errors.append(f"The stand-in has no {self.path}")
            raise Refusal(f"Unable to determine the service of {self.path}", 404)
        return call(json.loads(text))

    def _of_container(self) -> Json:
        """Task metadata endpoint version 4, and credentials of the role of the job."""
        task = self.path.rsplit("/", 1)[1]
        batch = self.batch
        job, node = batch.by_task(task)
        if self.path == f"/v4/{task}":
            options = {
                "awslogs-group": "/aws/batch/job",
                "awslogs-region": "us-east-1",
                "awslogs-stream": job.log_stream(node),
            }
            return {"DockerId": task, "LogDriver": "awslogs", "LogOptions": options}
        role = node.spec.get("jobRoleArn")
        if self.path != f"/v2/credentials/{task}" or role is None:
            raise Refusal("not found", 404)
        batch.assumed_roles.append(role)
        ends = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 6 * 3600))
        return {
            "RoleArn": role,
            "AccessKeyId": "of-the-role",
            "SecretAccessKey": "testing",
            "Token": "testing",
            "Expiration": ends,
        }

    def _of_instance(self) -> Json | str:
        if self.path == "/latest/api/token":
            return "token"
        if self.path == "/latest/meta-data/instance-life-cycle":
            return "on-demand"
        if self.path == "/latest/dynamic/instance-identity/document":
            return {
                "instanceId": "i-0123456789abcdef0",
                "instanceType": "m5.large",
                "region": "us-east-1",
                "availabilityZone": "us-east-1a",
            }
        raise Refusal("not found", 404)

    def _send(self, code: int, body: Json | str, **headers: str) -> None:
        is_text = isinstance(body, str)
        text = body if is_text else json.dumps(body)
        self.answer(code, text.encode(), "text/plain" if is_text else "application/json", **headers)
