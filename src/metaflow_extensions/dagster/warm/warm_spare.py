"""A child that is forked before there is something for it to run."""

from __future__ import annotations

import json
import os
import socket
import struct
from dataclasses import dataclass

from warm_child import Job

HEADER = struct.Struct("!I")  # as in client.py, which has more imports than a server should


@dataclass
class Spare:
    """What the server knows of a child, and the channel on which it waits."""

    pid: int
    group: int
    channel: socket.socket

    def hand_over(self, job: Job, fds: list[int]) -> None:
        """Have it run a job.

        Args:
            fds: The task's stdout and stderr, and a socket for its status.

        Raises:
            OSError: it has ended.
        """
        data = json.dumps(vars(job)).encode()
        with self.channel:
            socket.send_fds(self.channel, [HEADER.pack(len(data))], fds)
            self.channel.sendall(data)


def receive(channel: socket.socket) -> tuple[bytes, list[int]] | None:
    """A message: what follows its header, and the descriptors. None if the other end has closed."""
    try:
        header, fds, _, _ = socket.recv_fds(channel, HEADER.size, 3)
        if not header:
            return None
        size = HEADER.unpack(header)[0]
        parts: list[bytes] = []
        while size:
            part = channel.recv(min(size, 1 << 20))
            if not part:
                return None
            parts.append(part)
            size -= len(part)
    except ConnectionError:
        return None
    return b"".join(parts), fds


def wait_for_job(channel: socket.socket) -> Job:
    """In the child: wait for a job, and become what is to run it.

    Ends where none comes, or its client gives the request up before it says its word.
    """
    with channel:
        message = receive(channel)
    if message is None:
        os._exit(0)
    data, (stdout, stderr, status_fd) = message
    for fd, standard in ((stdout, 1), (stderr, 2)):
        os.dup2(fd, standard)
        os.close(fd)
    job = Job(**json.loads(data))
    with socket.socket(fileno=status_fd) as status:
        try:
            status.send(b"%d %d" % (os.getpid(), os.getpgrp()))
            job.prepare()
            word = status.recv(16)
        except ConnectionError:
            word = b""
    if not word:
        os._exit(0)
    return job
