"""The Metaflow side of a task: decorator, result, clones, launch hooks. No Dagster objects here."""
