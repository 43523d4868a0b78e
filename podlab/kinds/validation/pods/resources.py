"""Quantities, and what containers ask for and are limited to."""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from podlab.api.pods import podresources
from podlab.api.values import quantity
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.meta.v1 import meta_pb2

NATIVE = ("cpu", "memory", "ephemeral-storage")

_SYNTAX = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def check_quantity(found: Findings, field: str, given: meta_pb2.Quantity) -> Fraction | None:
    """The amount, which may not be negative; None when there is no telling."""
    try:
        amount = quantity.parse(given)
    except ValueError:
        found.invalid(field, given.string, _SYNTAX)
        return None
    if amount < 0:
        found.invalid(field, given.string, "must be greater than or equal to 0")
        return None
    return amount


def check_resource_list(found: Findings, field: str, resources: Mapping[str, meta_pb2.Quantity]) -> None:
    """A node's capacity: any resource names, none negative."""
    for name, given in resources.items():
        found.invalid(f"{field}[{name}]", name, *syntax.qualified_name(name))
        check_quantity(found, f"{field}[{name}]", given)


def check_requirements(
    found: Findings, field: str, resources: pod_pb2.ResourceRequirements, *, of_pod: bool = False
) -> None:
    """Names and amounts; no request beyond its limit. A request that is its limit (the default) has nothing to add."""
    limits = _amounts(found, f"{field}.limits", resources.limits, of_pod=of_pod)
    differing = {name: given for name, given in resources.requests.items() if given != resources.limits.get(name)}
    requests = _amounts(found, f"{field}.requests", differing, of_pod=of_pod)
    named = resources.limits.keys() | resources.requests.keys()
    if any(name.startswith(podresources.HUGE_PAGES) for name in named) and not named & {"cpu", "memory"}:
        found.forbidden(field, "HugePages require cpu or memory")
    for name, request in requests.items():
        limit = limits.get(name)
        where, asked = f"{field}.requests", resources.requests[name].string
        if name in NATIVE:
            if limit is not None and request > limit:
                bound = resources.limits[name].string
                found.invalid(where, asked, f"must be less than or equal to {name} limit of {bound}")
        elif name not in resources.limits:
            found.required(f"{field}.limits", f"Limit must be set for non overcommitable resources: {name}")
        elif limit is not None and request != limit:
            bound = resources.limits[name].string
            found.invalid(where, asked, f"must be equal to {name} limit of {bound}")


def check_limits(found: Findings, field: str, limits: Mapping[str, meta_pb2.Quantity]) -> None:
    """Amounts of what containers may be limited to."""
    _amounts(found, f"{field}.limits", limits)


def check_resize_policy(
    found: Findings, field: str, policies: Iterable[pod_pb2.ContainerResizePolicy], *, restarts: bool
) -> None:
    """What a change of processors or memory does to the container, each told once. Without `restarts`, the pod's
    containers never start anew."""
    told: set[str] = set()
    for index, policy in enumerate(policies):
        where = f"{field}[{index}]"
        if policy.resourceName in told:
            found.duplicate(where, policy.resourceName)
        told.add(policy.resourceName)
        found.one_of(f"{where}.resourceName", policy.resourceName, ("cpu", "memory"))
        found.one_of(f"{where}.restartPolicy", policy.restartPolicy, ("NotRequired", "RestartContainer"))
        if not restarts and policy.restartPolicy == "RestartContainer":
            found.invalid(where, policy.restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'")


def _amounts(
    found: Findings, field: str, resources: Mapping[str, meta_pb2.Quantity], *, of_pod: bool = False
) -> dict[str, Fraction]:
    amounts: dict[str, Fraction] = {}
    for name, given in resources.items():
        where = f"{field}[{name}]"
        if of_pod and not podresources.is_of_pods(name):
            found.unsupported(where, name, ("cpu", podresources.HUGE_PAGES, "memory"))
        elif name.startswith(podresources.HUGE_PAGES):
            _check_pages(found, where, name, given)
        elif name not in NATIVE:
            _check_extended_name(found, where, name)
        amount = check_quantity(found, where, given)
        if amount is None:
            continue
        if name not in NATIVE and amount.denominator != 1:
            found.invalid(where, given.string, "must be an integer")
        amounts[name] = amount
    return amounts


def _check_pages(found: Findings, field: str, name: str, given: meta_pb2.Quantity) -> None:
    """Huge pages, which are had in whole ones.

    https://kubernetes.io/docs/tasks/manage-hugepages/scheduling-hugepages/
    """
    try:
        size = quantity.parse(meta_pb2.Quantity(string=name.removeprefix(podresources.HUGE_PAGES)))
    except ValueError:
        size = Fraction(0)
    if size < 1:
        found.invalid(field, name, "must be a standard resource for containers")
        return
    try:
        amount = quantity.parse(given)
    except ValueError:  # told by check_quantity
        return
    if amount % size:
        found.invalid(field, given.string, f"{given.string} is not positive integer multiple of {name}")


def _check_extended_name(found: Findings, field: str, name: str) -> None:
    """Beside cpu, memory and ephemeral-storage there are only resources of other domains (example.com/gpu)."""
    found.invalid(field, name, *syntax.qualified_name(name))
    domain, slash, _ = name.partition("/")
    if not slash:
        found.invalid(field, name, "must be a standard resource type or fully qualified")
    elif domain == "kubernetes.io" or domain.endswith(".kubernetes.io"):
        found.invalid(field, name, "must be a standard resource for containers")
