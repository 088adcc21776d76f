"""Where runs go and how they are operated: instances, deployments, runs, resume, Deployer.

Modules that import Dagster say so in their first line; the others are loaded with every command.
"""
