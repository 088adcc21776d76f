"""What stands for an image: a virtual environment of its own, with the packages of this one."""

from __future__ import annotations

import sys
import sysconfig
import venv
from pathlib import Path

_DNS = '''
"""The cluster's DNS: names of pods that have a subdomain are files in a folder."""
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


def make_image(folder: Path, dns: Path, *packages: Path) -> Path:
    """A folder of programs for ``Node.images``.

    Its Python has what is installed beside the running one, but not what that has in development
    mode: Metaflow's extensions come to a pod in its code package, or not at all.

    Args:
        packages: Folders that are on its path too.
    """
    venv.create(folder, symlinks=True)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = folder / "lib" / version / "site-packages"
    (site / "cluster_dns.py").write_text(_DNS.format(folder=str(dns)))
    paths = [str(path) for path in (sysconfig.get_path("purelib"), *packages)]
    (site / "image.pth").write_text("\n".join([*paths, "import cluster_dns", ""]))
    # The scripts of installed packages, run by the image's own Python.
    for name in ("dagster",):
        script = Path(sys.executable).with_name(name)
        if script.exists():
            text = script.read_text().split("\n", 1)[1]
            (folder / "bin" / name).write_text(f"#!{folder}/bin/python\n{text}")
            (folder / "bin" / name).chmod(0o755)
    return folder / "bin"
