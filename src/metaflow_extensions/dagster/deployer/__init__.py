"""Metaflow's Deployer API for this scheduler."""
