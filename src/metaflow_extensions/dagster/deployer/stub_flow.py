"""A stand-in for a flow's source, made of what the registry knows of a deployment.

Metaflow has the same for its own schedulers (``generate_fake_flow_file_contents`` in
metaflow/runner/deployer.py), without repeated options and with help texts that quotes can break.
"""

from __future__ import annotations

from ..deploy.registry import Deployment

_TYPES = {"str", "int", "float", "bool"}


def flow_file_text(deployment: Deployment) -> str:
    """Python source of a flow with the same name, project and parameters."""
    project = f"@project(name={deployment.project!r})\n" if deployment.project else ""
    lines: list[str] = []
    for facts in deployment.parameters.values():
        kind = facts["type"]
        options = [repr(facts["name"])]
        if kind == "FilePath":
            call = "IncludeFile"
        else:
            call = "Parameter"
            known = "JSONType" if kind == "JSON" else kind if kind in _TYPES else "str"
            options.append(f"type={known}")
            if facts.get("multiple"):
                options.append("multiple=True")
        options += [f"help={facts['description']!r}", f"required={facts['is_required']!r}"]
        lines.append(f"    {facts['python_var_name']} = {call}({', '.join(options)})\n")
    return f"""\
from metaflow import FlowSpec, IncludeFile, JSONType, Parameter, project, step


{project}class {deployment.flow_name}(FlowSpec):
{"".join(lines)}
    @step
    def start(self):
        self.next(self.end)

    @step
    def end(self):
        pass


if __name__ == "__main__":
    {deployment.flow_name}()
"""
