"""Runs Metaflow for an op: the deployed code, its processes, what a task says and leaves."""
