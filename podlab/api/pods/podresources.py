"""What a whole pod asks for and is limited to."""

from collections.abc import Callable, Mapping
from fractions import Fraction

from podlab.api.values import quantity
from podlab.core.v1.pod_pb2 import Container, PodSpec
from podlab.meta.v1.meta_pb2 import Quantity

Amounts = dict[str, Fraction]


_NOTHING: Mapping[str, Quantity] = {}
HUGE_PAGES = "hugepages-"


def is_of_pods(resource: str) -> bool:
    """Whether a pod can ask for the resource as a whole, in `spec.resources`.

    https://kubernetes.io/docs/tasks/configure-pod-container/assign-pod-level-resources/
    """
    return resource in ("cpu", "memory") or resource.startswith(HUGE_PAGES)


def has_own(spec: PodSpec) -> bool:
    """Whether the pod asks for something, or is limited, as a whole."""
    return any(is_of_pods(name) for side in (spec.resources.requests, spec.resources.limits) for name in side)


def requests(spec: PodSpec, missing: Mapping[str, Quantity] = _NOTHING) -> Amounts:
    """What the pod asks for: as a whole, or what its containers ask for at most at the same time.

    `missing` stands for what a container does not mention.
    """
    return container_requests(spec, missing) | _own(spec.resources.requests)


def container_requests(spec: PodSpec, missing: Mapping[str, Quantity] = _NOTHING) -> Amounts:
    """What the pod's containers ask for at most at the same time."""
    if not missing:
        return _of_pod(spec, lambda container: container.resources.requests)
    return _of_pod(spec, lambda container: {**missing, **container.resources.requests})


def limits(spec: PodSpec) -> Amounts:
    """What the pod may use: as a whole, or what its containers may use at most at the same time, as far as they have
    limits."""
    return container_limits(spec) | _own(spec.resources.limits)


def container_limits(spec: PodSpec) -> Amounts:
    """What the pod's containers may use at most at the same time, as far as they have limits."""
    return _of_pod(spec, lambda container: container.resources.limits)


def whole(spec: PodSpec, missing: Mapping[str, Quantity] = _NOTHING) -> dict[str, int]:
    """What the pod needs on a node, its overhead too, as it is counted there; nothing of which it needs 0.

    https://kubernetes.io/docs/concepts/scheduling-eviction/pod-overhead/
    """
    asked = requests(spec, missing)
    _add(asked, amounts(spec.overhead))
    return {name: number for name, amount in asked.items() if (number := rounded(name, amount))}


def limits_of(spec: PodSpec, container: Container) -> dict[str, Quantity]:
    """What the container may use at most: its own limits, and of processors and memory those of its pod where it says
    nothing."""
    own = dict(container.resources.limits)
    return {name: amount for name, amount in spec.resources.limits.items() if name in ("cpu", "memory")} | own


def rounded(resource: str, amount: Fraction) -> int:
    """Processors in thousandths, all else in units, rounded up."""
    exact = amount * (1000 if resource == "cpu" else 1)
    return -(-exact.numerator // exact.denominator)


def amounts(given: Mapping[str, Quantity]) -> Amounts:
    """Exact numbers. ValueError when one is not a quantity."""
    return {name: quantity.parse(value) for name, value in given.items()}


def text(resource: str, amount: Fraction) -> str:
    """As Kubernetes prints it: 1500m of cpu, 64Mi of memory."""
    if resource.endswith("cpu"):
        return quantity.format_millis(-(-amount.numerator * 1000 // amount.denominator))
    whole = -(-amount.numerator // amount.denominator)
    return quantity.canonical(quantity.format_bytes(whole) if resource.endswith(("memory", "storage")) else str(whole))


def _own(side: Mapping[str, Quantity]) -> Amounts:
    return {name: quantity.parse(amount) for name, amount in side.items() if is_of_pods(name)}


def _of_pod(spec: PodSpec, side: Callable[[Container], Mapping[str, Quantity]]) -> Amounts:
    """The containers and sidecars together, or the largest moment of the start-up if that is more.

    https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers
    """
    running: Amounts = {}
    for container in spec.containers:
        _add(running, amounts(side(container)))
    sidecars: Amounts = {}
    start: Amounts = {}
    for container in spec.initContainers:
        own = amounts(side(container))
        if container.restartPolicy == "Always":
            _add(sidecars, own)
            _raise(start, sidecars)
        else:
            _add(own, sidecars)
            _raise(start, own)
    _add(running, sidecars)
    _raise(running, start)
    return running


def _add(to: Amounts, more: Amounts) -> None:
    for name, amount in more.items():
        to[name] = to.get(name, Fraction(0)) + amount


def _raise(to: Amounts, other: Amounts) -> None:
    for name, amount in other.items():
        to[name] = max(to.get(name, amount), amount)
