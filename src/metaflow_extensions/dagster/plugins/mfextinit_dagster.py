"""What this extension adds to Metaflow. Nothing imported from here may import Dagster.

Metaflow imports the modules named below in every process that imports Metaflow, and an import
error in any of them disables all plugins (metaflow/extension_support/plugins.py).
"""

CLIS_DESC = [("dagster", "metaflow_extensions.dagster.cli.main.cli")]

TL_PLUGINS_DESC = [("DagsterEvent", "metaflow_extensions.dagster.events.DagsterEvent")]

STEP_DECORATORS_DESC = [
    ("dagster_internal", "metaflow_extensions.dagster.step.decorator.DagsterInternalDecorator")
]

DEPLOYER_IMPL_PROVIDERS_DESC = [
    ("dagster", "metaflow_extensions.dagster.deployer.dagster_deployer.DagsterDeployer")
]
