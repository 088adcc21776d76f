"""Translators, good and bad."""

from metaflow_dagster import DagsterMetaflowTranslator


class Ours(DagsterMetaflowTranslator):
    def get_job_name(self, flow):
        return f"ml_{flow.default_job_name}"

    def get_op_name(self, flow, job_name, step):
        return f"{job_name}_does_{step}"

    def get_description(self, flow):
        return f"{flow.description} Of {len(flow.steps)} steps."

    def get_metadata(self, flow):
        return {"runbook": "https://x.example", "critical": True}

    def get_run_tags(self, flow):
        return {"cost": "low", "steps": str(len(flow.steps))}

    def get_op_tags(self, flow, step):
        return {"retried": "yes"} if "retry" in flow.decorators[step] else {}

    def get_owners(self, flow):
        return ["team:research"]

    def get_group_name(self, flow):
        return "research"

    def get_asset_key(self, flow):
        return ["research", *flow.default_asset_key]

    def get_artifact_asset_key(self, flow, step, artifact):
        return [step, artifact]


class Wrong(DagsterMetaflowTranslator):
    def get_owners(self, flow):
        return "team:research"


class Failing(DagsterMetaflowTranslator):
    def get_job_name(self, flow):
        return {}["nothing"]


class Plain(DagsterMetaflowTranslator):
    pass


class NoTranslator:
    pass
