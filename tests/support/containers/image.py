"""What stands for an image: a virtual environment of its own, with the packages of this one."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

# What programs import is not garbage. To look for some in it is a fifth of a container's time.
_QUICK = "import gc; gc.set_threshold(50_000)"


def make_image(folder: Path, network: str) -> Path:
    """Make a folder of programs, which is first on the ``PATH`` of the image's containers.

    Its Python has what is installed beside the running one, but not what that has in development
    mode: Metaflow's extensions come to a container in its code package, or not at all.

    Args:
        network: Source of a module that each Python there imports first: what the network of
            the containers has and this machine's has not.
    """
    venv.create(folder, symlinks=True)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site = folder / "lib" / version / "site-packages"
    (site / "image_network.py").write_text(network)
    shutil.copy(Path(__file__).with_name("bytecode.py"), site / "image_bytecode.py")
    shared = Path(tempfile.gettempdir()) / f"metaflow-dagster-tests-{os.getuid()}" / version
    share = f"import image_bytecode; image_bytecode.share({str(shared)!r})"
    paths = sysconfig.get_path("purelib")
    (site / "image.pth").write_text(f"{paths}\nimport image_network; {share}; {_QUICK}\n")
    # The scripts of installed packages, run by the image's own Python.
    for name in ("dagster",):
        script = Path(sys.executable).with_name(name)
        if script.exists():
            text = script.read_text().split("\n", 1)[1]
            (folder / "bin" / name).write_text(f"#!{folder}/bin/python\n{text}")
            (folder / "bin" / name).chmod(0o755)
    return folder / "bin"
