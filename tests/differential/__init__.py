"""Flows run natively and through Dagster, and everything that they left is compared."""
