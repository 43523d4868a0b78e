"""Probes and lifecycle hooks: what asks a running container."""
