"""Limit ranges: what containers get when they ask for nothing, and what pods and claims may ask for.

https://kubernetes.io/docs/concepts/policy/limit-range/
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from master.apiserver.admission.rules.refusal import forbidden
from podlab.api.pods import podresources
from podlab.api.pods.podresources import Amounts
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2, quota_pb2, volume_pb2
from podlab.meta.v1 import meta_pb2

ANNOTATION = "kubernetes.io/limit-ranger"
_ZERO = Fraction(0)
Item = quota_pb2.LimitRangeItem
Ranges = Iterable[quota_pb2.LimitRange]


def complete(pod: pod_pb2.Pod, ranges: Ranges) -> None:
    """Give containers the requests and limits that they leave open, and say so in an annotation."""
    told: list[str] = []
    for item in _items(ranges, "Container"):
        for words, containers in (("container", pod.spec.containers), ("init container", pod.spec.initContainers)):
            for container in containers:
                told += _fill(container, item, f"{words} {container.name}")
    if told:
        pod.metadata.annotations[ANNOTATION] = "LimitRanger plugin set: " + "; ".join(told)


def check_pod(pod: pod_pb2.Pod, ranges: Ranges) -> None:
    """Raises Forbidden with all that is out of bounds."""
    faults: list[str] = []
    given = list(ranges)
    for item in _items(given, "Container"):
        for container in (*pod.spec.containers, *pod.spec.initContainers):
            asked, bound = (
                podresources.amounts(side) for side in (container.resources.requests, container.resources.limits)
            )
            faults += _out_of_bounds(item, asked, bound)
    for item in _items(given, "Pod"):
        faults += _out_of_bounds(item, podresources.requests(pod.spec), podresources.limits(pod.spec))
    if faults:
        raise forbidden(pod, _listed(faults))


def check_claim(claim: volume_pb2.PersistentVolumeClaim, ranges: Ranges) -> None:
    """Raises Forbidden with all that is out of bounds."""
    asked = podresources.amounts(claim.spec.resources.requests)
    faults: list[str] = []
    for item in _items(ranges, "PersistentVolumeClaim"):
        faults += _below(item, asked, {})
        for name, most, told in _bounds(item.max):
            where = f"maximum {name} usage per {item.type} is {told}"
            if name not in asked:
                faults.append(f"{where}.  No request is specified")
            elif asked[name] > most:
                faults.append(f"{where}, but request is {podresources.text(name, asked[name])}")
    if faults:
        raise forbidden(claim, _listed(faults))


def _items(ranges: Ranges, of_type: str) -> Iterator[Item]:
    return (item for each in ranges for item in each.spec.limits if item.type == of_type)


def _fill(container: pod_pb2.Container, item: Item, whose: str) -> Iterator[str]:
    """What was set, in the words of the annotation."""
    resources = container.resources
    for side, given, defaults in (
        ("request", resources.requests, item.defaultRequest),
        ("limit", resources.limits, item.default),
    ):
        missing = sorted(name for name in defaults if name not in given)
        for name in missing:
            given[name].CopyFrom(defaults[name])
        if missing:
            yield f"{', '.join(missing)} {side} for {whose}"


def _out_of_bounds(item: Item, asked: Amounts, bound: Amounts) -> Iterator[str]:
    yield from _below(item, asked, bound)
    for name, most, told in _bounds(item.max):
        where = f"maximum {name} usage per {item.type} is {told}"
        if name not in bound:
            yield f"{where}.  No limit is specified"
        elif bound[name] > most:
            yield f"{where}, but limit is {podresources.text(name, bound[name])}"
        elif asked.get(name, _ZERO) > most:
            yield f"{where}, but request is {podresources.text(name, asked[name])}"
    for name, most, told in _bounds(item.maxLimitRequestRatio):
        where = f"{name} max limit to request ratio per {item.type} is {told}"
        if not asked.get(name):
            yield f"{where}, but no request is specified or request is 0"
        elif not bound.get(name):
            yield f"{where}, but no limit is specified or limit is 0"
        elif (ratio := bound[name] / asked[name]) > most:
            yield f"{where}, but provided ratio is {float(ratio):f}"


def _below(item: Item, asked: Amounts, bound: Amounts) -> Iterator[str]:
    for name, least, told in _bounds(item.min):
        where = f"minimum {name} usage per {item.type} is {told}"
        if name not in asked:
            yield f"{where}.  No request is specified"
        elif asked[name] < least:
            yield f"{where}, but request is {podresources.text(name, asked[name])}"
        elif name in bound and bound[name] < least:
            yield f"{where}, but limit is {podresources.text(name, bound[name])}"


def _bounds(given: Mapping[str, meta_pb2.Quantity]) -> Iterator[tuple[str, Fraction, str]]:
    """Names, amounts and these as they were written, in order of names."""
    return ((name, quantity.parse(given[name]), given[name].string) for name in sorted(given))


def _listed(faults: list[str]) -> str:
    different = list(dict.fromkeys(faults))
    return different[0] if len(different) == 1 else f"[{', '.join(different)}]"
