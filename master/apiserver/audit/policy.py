"""How much of which request is logged: Kubernetes' audit.k8s.io/v1 Policy. Pure but for `load`.

The first rule that matches gives the level. Bodies that hold secrets are never written, whatever the level.
"""
# ruff: noqa: N815  # a policy's fields have Kubernetes' names

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from pathlib import Path
from typing import Self

from master.apiserver.request.info import RequestInfo
from podlab import settings
from podlab.settings import SettingsError

API_VERSION, KIND = "audit.k8s.io/v1", "Policy"
# By group and resource: their bodies are secrets, or hold credentials.
CONFIDENTIAL = frozenset({("", "secrets"), ("", "serviceaccounts/token"), ("authentication.k8s.io", "tokenreviews")})


class Level(IntEnum):
    """How much is written. Each level includes those before it."""

    NONE = 0
    METADATA = 1
    REQUEST = 2
    REQUEST_RESPONSE = 3

    @property
    def kubernetes_name(self) -> str:
        """The level as Kubernetes writes it: RequestResponse."""
        return _LEVEL_NAMES[self]


_LEVEL_NAMES = {level: level.name.title().replace("_", "") for level in Level}
_LEVELS = {name: level for level, name in _LEVEL_NAMES.items()}


class Stage(StrEnum):
    """The stage of a request for which a line is written."""

    RECEIVED = "RequestReceived"
    STARTED = "ResponseStarted"
    COMPLETE = "ResponseComplete"
    PANIC = "Panic"


RequestAuditConfig = tuple[Level, frozenset[str]]
"""The level of a request, and the stages for which nothing is written."""


@dataclass(frozen=True)
class GroupResources:
    """Some resources of a group: pods, pods/log, pods/*, */scale, *. Empty means all of them."""

    group: str = ""
    resources: tuple[str, ...] = ()
    resourceNames: tuple[str, ...] = ()

    def covers(self, group: str, resource: str, subresource: str, name: str) -> bool:
        """Whether the object belongs to these resources."""
        if group != self.group or (self.resourceNames and name not in self.resourceNames):
            return False
        if not self.resources:
            return True
        if subresource:
            wanted = {"*", f"{resource}/{subresource}", f"{resource}/*", f"*/{subresource}"}
        else:
            wanted = {"*", resource}
        return not wanted.isdisjoint(self.resources)


@dataclass(frozen=True)
class PolicyRule:
    """Matches a request when all of its non-empty fields match. `users` are the real callers, not impersonated ones.

    `omitManagedFields` has no effect: there are no managed fields.
    """

    level: str
    users: tuple[str, ...] = ()
    userGroups: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ()
    resources: tuple[GroupResources, ...] = ()
    namespaces: tuple[str, ...] = ()
    nonResourceURLs: tuple[str, ...] = ()
    omitStages: tuple[str, ...] = ()
    omitManagedFields: bool = False

    def matches(self, asked: RequestInfo) -> bool:
        """Whether the rule is about the request."""
        if self.users and asked.caller.name not in self.users:
            return False
        if self.userGroups and asked.caller.groups.isdisjoint(self.userGroups):
            return False
        return (not self.verbs or asked.verb in self.verbs) and self._matches_place(asked)

    def _matches_place(self, asked: RequestInfo) -> bool:
        if not asked.about_objects:
            return not (self.resources or self.namespaces) and (
                not self.nonResourceURLs or any(_covers_path(pattern, asked.path) for pattern in self.nonResourceURLs)
            )
        if self.nonResourceURLs:
            return False
        wanted = asked.wanted[0]
        if self.namespaces and wanted.namespace not in self.namespaces:
            return False
        place = wanted.group, wanted.resource, wanted.subresource, wanted.name
        return not self.resources or any(each.covers(*place) for each in self.resources)


@dataclass(frozen=True)
class Policy:
    """The rules in their order. `omitStages` holds for all of them."""

    apiVersion: str
    kind: str
    rules: tuple[PolicyRule, ...]
    omitStages: tuple[str, ...] = ()
    omitManagedFields: bool = False

    @classmethod
    def load(cls, path: Path) -> Self:
        """The policy in the file. Raises SettingsError."""
        policy = settings.load(path, cls)
        if problems := policy.problems():
            raise SettingsError(f"{path}: " + "; ".join(problems))
        return policy

    def problems(self) -> list[str]:
        """What is wrong with the policy."""
        found = []
        if (self.apiVersion, self.kind) != (API_VERSION, KIND):
            found.append(f"expected {API_VERSION} {KIND}, found {self.apiVersion} {self.kind}")
        if not self.rules:
            found.append("rules: Required value: a policy without rules would write nothing")
        found += _unknown_stages("omitStages", self.omitStages)
        for index, rule in enumerate(self.rules):
            at = f"rules[{index}]"
            found += _unknown_stages(f"{at}.omitStages", rule.omitStages)
            if rule.level not in _LEVELS:
                found.append(f"{at}.level: {rule.level!r} is none of {', '.join(_LEVELS)}")
            if rule.nonResourceURLs and (rule.resources or rule.namespaces):
                found.append(f"{at}.nonResourceURLs: a rule is about these or about resources, not both")
            for url in rule.nonResourceURLs:
                if url != "*" and (not url.startswith("/") or "*" in url[:-1]):
                    found.append(f"{at}.nonResourceURLs: {url!r} must begin with / and may have one *, at its end")
        return found

    def depends_on(self, asked: RequestInfo) -> tuple[object, ...]:
        """The parts of a request that the decision depends on."""
        caller = asked.caller
        known: list[object] = [caller.name, caller.groups, asked.verb, "" if asked.about_objects else asked.path]
        for wanted in asked.wanted:
            name = wanted.name if self._is_about_names else ""
            known += (wanted.group, wanted.resource, wanted.subresource, wanted.namespace, name)
        return tuple(known)

    @cached_property
    def _is_about_names(self) -> bool:
        return any(each.resourceNames for rule in self.rules for each in rule.resources)

    def decide(self, asked: RequestInfo) -> RequestAuditConfig:
        """The level of the request, and the stages for which nothing is written."""
        for rule in self.rules:
            if rule.matches(asked):
                level = _LEVELS[rule.level]
                if is_confidential(asked):
                    level = min(level, Level.METADATA)
                return level, frozenset((*self.omitStages, *rule.omitStages))
        return Level.NONE, frozenset()


def is_confidential(asked: RequestInfo) -> bool:
    """Whether the request's or the answer's body may hold a secret."""
    for wanted in asked.wanted:
        place = f"{wanted.resource}/{wanted.subresource}" if wanted.subresource else wanted.resource
        if (wanted.group, place) in CONFIDENTIAL or (wanted.group, wanted.resource) in CONFIDENTIAL:
            return True
    return False


def _covers_path(pattern: str, path: str) -> bool:
    return path.startswith(pattern[:-1]) if pattern.endswith("*") else path == pattern


def _unknown_stages(field: str, stages: Sequence[str]) -> list[str]:
    known = [stage.value for stage in Stage]
    return [f"{field}: {stage!r} is none of {', '.join(known)}" for stage in stages if stage not in known]
