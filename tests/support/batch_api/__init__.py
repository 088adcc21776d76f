"""AWS Batch for tests: its API, and processes in place of containers.

It serves what boto3 asks for on behalf of Metaflow: job definitions, jobs, job queues and compute
environments; and, to a job's container, what ECS and EC2 have at link-local addresses: credentials
of the job's role, facts of the container and of the instance. Nothing of the product knows of it.
What it does is what the user guide and the API reference of AWS Batch say. Metaflow reads logs from
its datastore and asks nothing of CloudWatch, so there are only names of log streams.

A job has one attempt (Metaflow makes its own) and depends on no other job.
"""

from .batch import Batch, serve
from .jobs import Job, Json

__all__ = ["Batch", "Job", "Json", "serve"]
