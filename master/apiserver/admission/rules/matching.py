"""Which writes somebody wants to see: rules about resources, and selectors. Policies have them, and webhooks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from podlab.admissionregistration.v1 import matching_pb2
from podlab.api.selection import selectors
from podlab.api.selection.selectors import Selector

_ALL = "*"


@dataclass(frozen=True, slots=True)
class ServedAs:
    """One place of the API at which a kind's objects stand."""

    group: str
    version: str
    resource: str


@dataclass(frozen=True, slots=True)
class AdmissionTarget:
    """A write, as far as rules and selectors look at it.

    `served_as` are the kind's versions, the one that is written first. `labels` are those of the object as it is to be
    and as it is, without those that there are not. `namespace_labels` are None for what is in no namespace.
    """

    served_as: Sequence[ServedAs]
    subresource: str
    operation: str
    namespace: str
    name: str
    labels: Sequence[Mapping[str, str]]
    namespace_labels: Callable[[], Mapping[str, str] | None]


@dataclass(frozen=True, slots=True)
class ResourceRule:
    """RuleWithOperations, read once: every write is held against all of them."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    resources: frozenset[str]
    scope: str
    names: frozenset[str]
    """Those of the objects; empty for all."""

    @classmethod
    def of(cls, rule: matching_pb2.RuleWithOperations, names: Iterable[str] = ()) -> ResourceRule:
        """What the message says, of the objects of these names."""
        resources = rule.rule
        return cls(
            frozenset(rule.operations),
            frozenset(resources.apiGroups),
            frozenset(resources.apiVersions),
            frozenset(resources.resources),
            resources.scope or _ALL,
            frozenset(names),
        )

    def may_take(self, at: ServedAs, subresource: str, operation: str) -> bool:
        """Whether it is about such writes of some objects that stand at that place."""
        return (
            _has(self.operations, operation)
            and _has(self.groups, at.group)
            and _has(self.versions, at.version)
            and not self.resources.isdisjoint(_names(at.resource, subresource))
        )

    def takes(self, target: AdmissionTarget, at: ServedAs) -> bool:
        """Whether it is about such writes of what stands at that place."""
        return (
            self.may_take(at, target.subresource, target.operation)
            and self.scope in (_ALL, "Namespaced" if target.namespace else "Cluster")
            and (not self.names or target.name in self.names)
        )


@dataclass(frozen=True, slots=True)
class Matcher:
    """MatchResources, read once."""

    rules: Sequence[ResourceRule]
    excluded: Sequence[ResourceRule]
    namespaces: Selector
    objects: Selector
    equivalent: bool

    @classmethod
    def of(cls, match: matching_pb2.MatchResources) -> Matcher:
        """What the message says; one that is empty matches everything."""
        return cls(
            [ResourceRule.of(one.ruleWithOperations, one.resourceNames) for one in match.resourceRules],
            [ResourceRule.of(one.ruleWithOperations, one.resourceNames) for one in match.excludeResourceRules],
            selectors.from_message(match.namespaceSelector),
            selectors.from_message(match.objectSelector),
            match.matchPolicy != "Exact",
        )

    def may_take(self, served_as: Sequence[ServedAs], subresource: str, operation: str) -> bool:
        """Whether such a write may match, whatever it is of."""
        candidates = served_as if self.equivalent else served_as[:1]
        return not self.rules or any(
            rule.may_take(at, subresource, operation) for at in candidates for rule in self.rules
        )

    def match(self, target: AdmissionTarget) -> ServedAs | None:
        """As what the write matches; None when it does not."""
        candidates = target.served_as if self.equivalent else target.served_as[:1]
        matched = _taken(self.rules, target, candidates) if self.rules else target.served_as[0]
        if matched is None or _taken(self.excluded, target, candidates) is not None:
            return None
        return matched if self._selects(target) else None

    def _selects(self, target: AdmissionTarget) -> bool:
        if not self.objects.is_empty and not any(self.objects.matches(labels) for labels in target.labels):
            return False
        if self.namespaces.is_empty:
            return True
        labels = target.namespace_labels()
        return labels is None or self.namespaces.matches(labels)


def _taken(rules: Sequence[ResourceRule], target: AdmissionTarget, candidates: Sequence[ServedAs]) -> ServedAs | None:
    """The first of these places of which a rule takes the write."""
    return next((at for at in candidates for rule in rules if rule.takes(target, at)), None)


def _has(values: frozenset[str], value: str) -> bool:
    return value in values or _ALL in values


@lru_cache(maxsize=4096)
def _names(resource: str, subresource: str) -> frozenset[str]:
    """All that rules may call it."""
    if not subresource:
        return frozenset({resource, _ALL, f"{resource}/*", "*/*"})
    return frozenset({f"{resource}/{subresource}", f"{resource}/*", f"*/{subresource}", "*/*"})
