"""A Dagster to run on: a live deployment, an instance in DAGSTER_HOME, or the embedded one.

Modules that import Dagster say so in their first line; the others are loaded with every command.
"""
