# ruff: noqa: N815 - the fields are those of Kubernetes' file
"""The arguments of plugins, by Kubernetes' names, and the plugins that are made of them.

https://kubernetes.io/docs/reference/config-api/kube-scheduler-config.v1/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from google.protobuf.message import Message

from master.scheduler.cache.spread_constraints import DO_NOT_SCHEDULE, SCHEDULE_ANYWAY, SpreadConstraint
from master.scheduler.plugins.balanced_allocation import NodeResourcesBalancedAllocation
from master.scheduler.plugins.default_preemption import DefaultPreemption
from master.scheduler.plugins.dynamic_resources import BINDING_TIMEOUT_S, FILTER_TIMEOUT_S, DynamicResources
from master.scheduler.plugins.interpod_affinity import MOST_HARD_WEIGHT, InterPodAffinity
from master.scheduler.plugins.node_affinity import NodeAffinity
from master.scheduler.plugins.node_resources_fit import NodeResourcesFit
from master.scheduler.plugins.strategies import MAX_SCORE, MAX_SHAPE_SCORE, Point, Strategy, WeightedResource
from master.scheduler.plugins.topology_spread import SYSTEM_DEFAULTS, PodTopologySpread
from master.scheduler.plugins.volume_binding import BIND_TIMEOUT_S, VolumeBinding
from podlab import settings
from podlab.api.serializer import codec
from podlab.api.values import times
from podlab.core.v1 import pod_pb2
from podlab.errors import BadRequest
from podlab.settings import SettingsError

M = TypeVar("M", bound=Message)
T = TypeVar("T")
VERSION = "kubescheduler.config.k8s.io/v1"
RATIO = "RequestedToCapacityRatio"
_STRATEGIES = ("LeastAllocated", "MostAllocated", RATIO)


@dataclass(frozen=True)
class ResourceSpec:
    name: str
    weight: int = 1


@dataclass(frozen=True)
class UtilizationShapePoint:
    utilization: int
    score: int


@dataclass(frozen=True)
class RatioParam:
    shape: tuple[UtilizationShapePoint, ...] = ()


@dataclass(frozen=True)
class ScoringStrategy:
    type: str = "LeastAllocated"
    resources: tuple[ResourceSpec, ...] = (ResourceSpec("cpu"), ResourceSpec("memory"))
    requestedToCapacityRatio: RatioParam = field(default_factory=RatioParam)


@dataclass(frozen=True)
class NodeResourcesFitArgs:
    ignoredResources: tuple[str, ...] = ()
    ignoredResourceGroups: tuple[str, ...] = ()
    scoringStrategy: ScoringStrategy = field(default_factory=ScoringStrategy)


@dataclass(frozen=True)
class NodeResourcesBalancedAllocationArgs:
    resources: tuple[ResourceSpec, ...] = (ResourceSpec("cpu"), ResourceSpec("memory"))


@dataclass(frozen=True)
class NodeAffinityArgs:
    addedAffinity: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class PodTopologySpreadArgs:
    defaultConstraints: tuple[dict[str, object], ...] = ()
    defaultingType: str = "System"


@dataclass(frozen=True)
class InterPodAffinityArgs:
    hardPodAffinityWeight: int = 1
    ignorePreferredTermsOfExistingPods: bool = False


@dataclass(frozen=True)
class VolumeBindingArgs:
    bindTimeoutSeconds: int = int(BIND_TIMEOUT_S)


@dataclass(frozen=True)
class DefaultPreemptionArgs:
    minCandidateNodesPercentage: int = 10
    minCandidateNodesAbsolute: int = 100


@dataclass(frozen=True)
class DynamicResourcesArgs:
    filterTimeout: str = f"{FILTER_TIMEOUT_S:.0f}s"
    bindingTimeout: str = f"{BINDING_TIMEOUT_S:.0f}s"


def dynamic_resources(args: Mapping[str, object], where: str) -> DynamicResources:
    """Raises SettingsError."""
    read = _read(DynamicResourcesArgs, args, where)
    filter_timeout_s = _duration_s(read.filterTimeout, f"{where}.filterTimeout")
    if filter_timeout_s < 0:
        raise SettingsError(f"{where}.filterTimeout: must be zero or positive, found {read.filterTimeout}")
    binding_timeout_s = _duration_s(read.bindingTimeout, f"{where}.bindingTimeout")
    if binding_timeout_s < 1:
        raise SettingsError(f"{where}.bindingTimeout: must be at least 1 second, found {read.bindingTimeout}")
    return DynamicResources(filter_timeout_s, binding_timeout_s)


def default_preemption(args: Mapping[str, object], where: str) -> DefaultPreemption:
    """Raises SettingsError."""
    read = _read(DefaultPreemptionArgs, args, where)
    percentage, least = read.minCandidateNodesPercentage, read.minCandidateNodesAbsolute
    if not 0 <= percentage <= 100:
        raise SettingsError(f"{where}.minCandidateNodesPercentage: must be 0 to 100, found {percentage}")
    if least < 0:
        raise SettingsError(f"{where}.minCandidateNodesAbsolute: must be at least 0, found {least}")
    if not percentage and not least:
        problem = "minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be 0"
        raise SettingsError(f"{where}: {problem}")
    return DefaultPreemption(percentage, least)


def node_resources_fit(args: Mapping[str, object], where: str) -> NodeResourcesFit:
    """Raises SettingsError."""
    read = _read(NodeResourcesFitArgs, args, where)
    given = read.scoringStrategy
    at = f"{where}.scoringStrategy"
    if given.type not in _STRATEGIES:
        raise SettingsError(f"{at}.type: expected {_either(_STRATEGIES)}, found {given.type!r}")
    _check_resources(given.resources, f"{at}.resources", most=100)
    if given.type == RATIO:
        _check_shape(given.requestedToCapacityRatio.shape, f"{at}.requestedToCapacityRatio.shape")
    strategy = Strategy(
        given.type,
        [WeightedResource(each.name, each.weight) for each in given.resources],
        [Point(each.utilization, each.score) for each in given.requestedToCapacityRatio.shape],
    )
    return NodeResourcesFit(strategy, read.ignoredResources, read.ignoredResourceGroups)


def balanced_allocation(args: Mapping[str, object], where: str) -> NodeResourcesBalancedAllocation:
    """Raises SettingsError."""
    read = _read(NodeResourcesBalancedAllocationArgs, args, where)
    _check_resources(read.resources, f"{where}.resources", most=1)
    return NodeResourcesBalancedAllocation([each.name for each in read.resources])


def node_affinity(args: Mapping[str, object], where: str) -> NodeAffinity:
    """Raises SettingsError."""
    added = _read(NodeAffinityArgs, args, where).addedAffinity
    return NodeAffinity(_part(added, pod_pb2.NodeAffinity, f"{where}.addedAffinity"))


def pod_topology_spread(args: Mapping[str, object], where: str) -> PodTopologySpread:
    """Raises SettingsError."""
    read = _read(PodTopologySpreadArgs, args, where)
    if read.defaultingType == "System":
        if read.defaultConstraints:
            raise SettingsError(f"{where}.defaultConstraints: allowed only when defaultingType is List, found System")
        return PodTopologySpread(SYSTEM_DEFAULTS)
    if read.defaultingType != "List":
        raise SettingsError(f"{where}.defaultingType: expected System or List, found {read.defaultingType!r}")
    constraints = [
        _constraint(each, f"{where}.defaultConstraints[{index}]") for index, each in enumerate(read.defaultConstraints)
    ]
    return PodTopologySpread(constraints, system_defaulting=False)


def inter_pod_affinity(args: Mapping[str, object], where: str) -> InterPodAffinity:
    """Raises SettingsError."""
    read = _read(InterPodAffinityArgs, args, where)
    weight = read.hardPodAffinityWeight
    if not 0 <= weight <= MOST_HARD_WEIGHT:
        raise SettingsError(f"{where}.hardPodAffinityWeight: must be 0 to {MOST_HARD_WEIGHT}, found {weight}")
    return InterPodAffinity(weight, ignore_preferred_of_existing=read.ignorePreferredTermsOfExistingPods)


def volume_binding(args: Mapping[str, object], where: str) -> VolumeBinding:
    """Raises SettingsError."""
    timeout_s = _read(VolumeBindingArgs, args, where).bindTimeoutSeconds
    if timeout_s < 0:
        raise SettingsError(f"{where}.bindTimeoutSeconds: must not be negative, found {timeout_s}")
    return VolumeBinding(float(timeout_s))


def _read(kind: type[T], args: Mapping[str, object], where: str) -> T:
    """The arguments as `kind`. They may have `apiVersion` and `kind`, which have to be right."""
    for name, right in (("apiVersion", VERSION), ("kind", kind.__name__)):
        if args.get(name, right) != right:
            raise SettingsError(f"{where}.{name}: expected {right}, found {args[name]!r}")
    own = {name: value for name, value in args.items() if name not in ("apiVersion", "kind")}
    return settings.build(kind, own, where)


def _duration_s(text: str, where: str) -> float:
    try:
        return times.parse_duration(text) / 1e9
    except ValueError:
        raise SettingsError(f"{where}: expected a duration such as 10s or 1m30s, found {text!r}") from None


def _part(data: object, message: type[M], where: str) -> M:
    try:
        return codec.part_from_dict(data, message)
    except BadRequest as error:
        raise SettingsError(f"{where}: {error}") from error


def _constraint(data: Mapping[str, object], where: str) -> SpreadConstraint:
    given = _part(data, pod_pb2.TopologySpreadConstraint, where)
    if given.HasField("labelSelector"):
        raise SettingsError(f"{where}.labelSelector: must not be set: it is that of the pod's Service or controller")
    if given.maxSkew <= 0:
        raise SettingsError(f"{where}.maxSkew: must be greater than zero, found {given.maxSkew}")
    if not given.topologyKey:
        raise SettingsError(f"{where}.topologyKey: required and missing")
    if given.whenUnsatisfiable not in (DO_NOT_SCHEDULE, SCHEDULE_ANYWAY):
        expected = _either((DO_NOT_SCHEDULE, SCHEDULE_ANYWAY))
        raise SettingsError(f"{where}.whenUnsatisfiable: expected {expected}, found {given.whenUnsatisfiable!r}")
    return SpreadConstraint(
        given.topologyKey, given.maxSkew, given.whenUnsatisfiable, min_domains=given.minDomains or 1
    )


def _check_resources(resources: Sequence[ResourceSpec], where: str, *, most: int) -> None:
    if not resources:
        raise SettingsError(f"{where}: name at least one resource")
    for index, each in enumerate(resources):
        if not 1 <= each.weight <= most:
            expected = f"1 to {most}" if most > 1 else "1"
            raise SettingsError(f"{where}[{index}].weight: must be {expected}, found {each.weight}")
    names = [each.name for each in resources]
    if len(set(names)) < len(names):
        raise SettingsError(f"{where}: each resource once, found {', '.join(names)}")


def _check_shape(shape: Sequence[UtilizationShapePoint], where: str) -> None:
    if not shape:
        raise SettingsError(f"{where}: at least one point must be specified")
    for index, point in enumerate(shape):
        if not 0 <= point.utilization <= MAX_SCORE:
            raise SettingsError(f"{where}[{index}].utilization: must be 0 to {MAX_SCORE}, found {point.utilization}")
        if not 0 <= point.score <= MAX_SHAPE_SCORE:
            raise SettingsError(f"{where}[{index}].score: must be 0 to {MAX_SHAPE_SCORE}, found {point.score}")
        if index and point.utilization <= shape[index - 1].utilization:
            raise SettingsError(f"{where}[{index}].utilization: must be more than that of the point before")


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
