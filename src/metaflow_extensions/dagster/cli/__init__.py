"""Commands of ``python flow.py dagster ...``: one thin function a command."""
