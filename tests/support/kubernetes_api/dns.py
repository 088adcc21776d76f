"""The cluster's DNS, as Python in a container asks it."""

from __future__ import annotations

from pathlib import Path

_DNS = '''
"""Names of pods that have a subdomain are files in a folder."""
import os
import socket

_FOLDER = {folder!r}


def _resolved(ask):
    def resolved(host, *args, **kwargs):
        if isinstance(host, str) and host.endswith(".svc.cluster.local"):
            if not os.path.exists(os.path.join(_FOLDER, host)):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            host = "127.0.0.1"
        return ask(host, *args, **kwargs)

    return resolved


socket.gethostbyname = _resolved(socket.gethostbyname)
socket.getaddrinfo = _resolved(socket.getaddrinfo)
'''


def dns(folder: Path) -> str:
    """The source of a module for ``make_image``."""
    return _DNS.format(folder=str(folder))
