"""What the rules of a role allow. Pure.

Each version of a role is compiled once: its rules are grouped by verb and hold sets in place of lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from master.apiserver.authorization.attributes import Attributes
from podlab.rbac.v1 import rbac_pb2

ALL = "*"


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule of a role, without its verbs."""

    groups: frozenset[str]
    resources: frozenset[str]
    names: frozenset[str]
    urls: frozenset[str]
    url_prefixes: tuple[str, ...]

    def covers_path(self, path: str) -> bool:
        """Whether the rule is about the path."""
        return path in self.urls or path.startswith(self.url_prefixes)

    def covers(self, combined: str, below: str, group: str, name: str) -> bool:
        """Whether the rule is about the object. This is the most frequent check, so its arguments are prepared once."""
        resources = self.resources
        return (
            (combined in resources or ALL in resources or below in resources)
            and (group in self.groups or ALL in self.groups)
            and (not self.names or name in self.names)
        )


class Role:
    """The compiled rules of a Role or ClusterRole. `rules` are the original ones."""

    __slots__ = ("_any_verb", "_by_verb", "rules")

    def __init__(self, rules: Iterable[rbac_pb2.PolicyRule]) -> None:
        self.rules: Sequence[rbac_pb2.PolicyRule] = tuple(rules)
        self._any_verb: list[CompiledRule] = []
        self._by_verb: dict[str, list[CompiledRule]] = {}
        for written in self.rules:
            rule, verbs = _compiled(written), frozenset(written.verbs)
            if ALL in verbs:
                self._any_verb.append(rule)
                continue
            for verb in verbs:
                self._by_verb.setdefault(verb, []).append(rule)

    def allows(self, wanted: Attributes) -> bool:
        """Whether any rule allows the request."""
        named = self._by_verb.get(wanted.verb, ())
        if wanted.path:
            return any(rule.covers_path(wanted.path) for rule in (*named, *self._any_verb))
        combined, group, name = wanted.combined, wanted.group, wanted.name
        below = f"*/{wanted.subresource}" if wanted.subresource else combined
        for rules in (named, self._any_verb):
            for rule in rules:
                if rule.covers(combined, below, group, name):
                    return True
        return False


def _compiled(rule: rbac_pb2.PolicyRule) -> CompiledRule:
    return CompiledRule(
        groups=frozenset(rule.apiGroups),
        resources=frozenset(rule.resources),
        names=frozenset(rule.resourceNames),
        urls=frozenset(rule.nonResourceURLs),
        url_prefixes=tuple(url.rstrip("*") for url in rule.nonResourceURLs if url.endswith(ALL)),
    )
