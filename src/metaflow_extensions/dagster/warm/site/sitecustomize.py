"""Turns ``python flow.py`` into a warm server, before it gets to the script.

``warm/client.py`` puts this folder first on PYTHONPATH. Python imports this module when it has set
itself up and has yet to run the script, so a child forked from here only has to return: Python
itself then runs the flow file as the main module, with nothing of ours on the stack, and ends as it
always does.
"""

import importlib.machinery
import importlib.util
import os
import sys
import traceback

_VARIABLE = "METAFLOW_DAGSTER_WARM_SERVER"  # as in contract/variables.py, too far to import


def _restore_path() -> None:
    """Take this folder off the path, where it was only to be found."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    sys.path_importer_cache.pop(here, None)
    rest = os.environ["PYTHONPATH"].partition(os.pathsep)[2]
    if rest:
        os.environ["PYTHONPATH"] = rest
    else:
        del os.environ["PYTHONPATH"]


def _import_next() -> None:
    """Run the sitecustomize that this one hides, if there is one."""
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def _serve(descriptor: int) -> None:
    """Serve; returns in the children."""
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path.insert(0, folder)
    import warm_server

    sys.path.remove(folder)
    sys.path_importer_cache.pop(folder, None)
    warm_server.main(descriptor)


if _VARIABLE in os.environ:
    try:
        _descriptor = int(os.environ.pop(_VARIABLE))
        _restore_path()
        _import_next()
        _serve(_descriptor)
    except BaseException:
        # Python would report an error here, and then run the flow.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
