"""A network of namespaces on this machine: a host in one can be cut off the others.

Needs root and iproute2 (Linux).
"""

from __future__ import annotations

import contextlib
import random
import shutil
import subprocess
from collections.abc import Iterator


class Network:
    """A bridge at ``address``, to which each host has a cable of its own."""

    def __init__(self) -> None:
        number = random.randrange(1, 255)
        self._prefix, self._name = f"10.213.{number}", f"mdnet{number}"
        self._hosts: list[str] = []
        self.address = f"{self._prefix}.1"
        _ip("link", "add", "name", self._name, "type", "bridge")
        _ip("addr", "add", f"{self.address}/24", "dev", self._name)
        _ip("link", "set", self._name, "up")

    def join(self) -> Cable:
        """Connect a new host."""
        number = len(self._hosts) + 2
        cable = Cable(f"{self._name}-{number}", f"{self._prefix}.{number}")
        self._hosts.append(cable.namespace)
        _ip("netns", "add", cable.namespace)
        _ip("link", "add", cable.name, "type", "veth", "peer", "eth0", "netns", cable.namespace)
        _ip("link", "set", cable.name, "master", self._name, "up")
        inside = ("-n", cable.namespace)
        _ip(*inside, "addr", "add", f"{cable.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip(*inside, "link", "set", device, "up")
        return cable

    def close(self) -> None:
        """Processes in it stay, without a network."""
        for namespace in self._hosts:
            with contextlib.suppress(subprocess.CalledProcessError):  # it was not made
                _ip("netns", "del", namespace)
        _ip("link", "del", self._name)


class Cable:
    """What connects a host: its namespace, and its address."""

    def __init__(self, namespace: str, address: str) -> None:
        self.namespace, self.address = namespace, address
        self.name = f"v{namespace.removeprefix('mdnet')}"

    def plug(self, is_plugged: bool) -> None:
        _ip("link", "set", self.name, "up" if is_plugged else "down")


@contextlib.contextmanager
def network() -> Iterator[Network | str]:
    """A network, or why there can be none on this machine."""
    if shutil.which("ip") is None:
        yield "there is no iproute2"
        return
    try:
        made = Network()
    except subprocess.CalledProcessError as error:
        yield error.stderr.strip()
        return
    try:
        made.join().plug(False)
    except subprocess.CalledProcessError as error:
        made.close()
        yield error.stderr.strip()
        return
    try:
        yield made
    finally:
        made.close()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
