"""Helpers that every generated file carries.

The emitter copies the functions a flow needs out of these modules, so they use only Dagster, the
standard library and, inside functions, Metaflow: the generated file loads without Metaflow.
``constants`` holds stand-ins for what the generated file defines itself.
"""
