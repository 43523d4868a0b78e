"""Which writes somebody wants to see: rules about resources, and selectors. Policies have them, and webhooks. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

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
class Matcher:
    """MatchResources, read once."""

    rules: Sequence[matching_pb2.NamedRuleWithOperations]
    excluded: Sequence[matching_pb2.NamedRuleWithOperations]
    namespaces: Selector
    objects: Selector
    equivalent: bool

    @classmethod
    def of(cls, match: matching_pb2.MatchResources) -> Matcher:
        """What the message says; one that is empty matches everything."""
        return cls(
            tuple(match.resourceRules),
            tuple(match.excludeResourceRules),
            selectors.from_message(match.namespaceSelector),
            selectors.from_message(match.objectSelector),
            match.matchPolicy != "Exact",
        )

    def match(self, target: AdmissionTarget) -> ServedAs | None:
        """As what the write matches; None when it does not."""
        candidates = target.served_as if self.equivalent else target.served_as[:1]
        if any(_takes(self.excluded, target, one) for one in candidates):
            return None
        matched = target.served_as[0] if not self.rules else None
        for one in candidates:
            if matched is None and _takes(self.rules, target, one):
                matched = one
        return matched if matched is not None and self._selects(target) else None

    def _selects(self, target: AdmissionTarget) -> bool:
        if not self.objects.is_empty and not any(self.objects.matches(labels) for labels in target.labels):
            return False
        if self.namespaces.is_empty:
            return True
        labels = target.namespace_labels()
        return labels is None or self.namespaces.matches(labels)


def _takes(rules: Iterable[matching_pb2.NamedRuleWithOperations], target: AdmissionTarget, at: ServedAs) -> bool:
    return any(
        (not named.resourceNames or target.name in named.resourceNames) and takes(named.ruleWithOperations, target, at)
        for named in rules
    )


def takes(rule: matching_pb2.RuleWithOperations, target: AdmissionTarget, at: ServedAs) -> bool:
    """Whether the rule is about such writes of what stands at that place."""
    resources = rule.rule
    return (
        _has(rule.operations, target.operation)
        and _has(resources.apiGroups, at.group)
        and _has(resources.apiVersions, at.version)
        and resources.scope in ("", _ALL, "Namespaced" if target.namespace else "Cluster")
        and any(_is(named, at.resource, target.subresource) for named in resources.resources)
    )


def _has(values: Sequence[str], value: str) -> bool:
    return _ALL in values or value in values


def _is(named: str, resource: str, subresource: str) -> bool:
    wanted, _, below = named.partition("/")
    return wanted in (_ALL, resource) and below in ((_ALL, subresource) if subresource else ("", _ALL))
