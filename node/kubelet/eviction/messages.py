"""How an eviction is told. Pure; the words are Kubernetes'."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from node.kubelet.eviction.ranking import ContainerUse
from node.kubelet.eviction.signals import SIGNALS, Level
from node.kubelet.eviction.thresholds import Threshold, amount_of
from podlab.api.pods import podresources
from podlab.api.values import quantity

EVICTED = "Evicted"


def node_was_low(threshold: Threshold, level: Level | None, containers: Iterable[ContainerUse]) -> str:
    """Why a pod goes: what was short, by how much, and who of it used more than it had asked for."""
    resource = SIGNALS[threshold.signal].resource
    text = f"The node was low on resource: {resource}. "
    if level is not None:
        left = _kibi(resource, level.available)
        text += f"Threshold quantity: {_wanted(threshold, level)}, available: {left}. "
    if resource not in ("memory", "ephemeral-storage"):
        return text
    for each in containers:
        if each.used > each.requested:
            used, asked = _kibi(resource, each.used), _text(resource, each.requested)
            text += (
                f"Container {each.name} was using {used}, request is {asked}, has larger consumption of {resource}. "
            )
    return text


def attempting(resource: str) -> str:
    """Of the Event about a threshold that is met."""
    return f"Attempting to reclaim {resource}"


def _wanted(threshold: Threshold, level: Level) -> str:
    """A share is told as what it is of the capacity."""
    if threshold.amount.endswith("%"):
        return quantity.format_bytes(amount_of(threshold.amount, level.capacity))
    return quantity.canonical(threshold.amount)


def _kibi(resource: str, amount: int) -> str:
    return quantity.format_bytes(amount // 1024 * 1024) if resource in ("memory", "ephemeral-storage") else str(amount)


def _text(resource: str, amount: int) -> str:
    return podresources.text(resource, Fraction(amount))
