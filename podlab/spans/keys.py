"""By what is remembered that has no uid where it is measured. Pure."""

from __future__ import annotations


def endpoint(namespace: str, service: str, address: str) -> str:
    """An endpoint of a Service, as nodes know it."""
    return f"{namespace}/{service}:{address}"
