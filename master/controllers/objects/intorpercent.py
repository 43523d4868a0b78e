"""Amounts that are given as a number of pods or as a percentage of them."""

from __future__ import annotations

from podlab.meta.v1 import meta_pb2


def scaled_value(value: meta_pb2.IntOrString, replicas: int) -> float:
    """In pods, not rounded."""
    # Whole numbers first: a percentage of an integer must not be off by a float's last bit.
    return int(value.strVal.removesuffix("%")) * replicas / 100 if value.type == 1 else value.intVal
