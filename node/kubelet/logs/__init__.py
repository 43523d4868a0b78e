"""Containers' log files."""
