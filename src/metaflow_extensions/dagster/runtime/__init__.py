"""What a generated file runs: its flow's tasks, as Metaflow would, from Dagster's ops.

A file has a copy of the functions that it needs or, with ``create --runtime=package``, imports
them from ``api``. Each is given the flow as a ``_Flow``, so that flows can share the modules. As
they are copied, they use only Dagster, the standard library and, inside functions, Metaflow.
"""
