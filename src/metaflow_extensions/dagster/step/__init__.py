"""The Metaflow side of a step: decorator, launcher and warm start. No Dagster objects here."""
