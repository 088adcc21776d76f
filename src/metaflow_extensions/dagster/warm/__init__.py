"""Starts Metaflow processes by forking one that has its imports done."""
