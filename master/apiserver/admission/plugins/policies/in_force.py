"""The policies that bindings put in force."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from master.apiserver.admission.lister import Lister
from master.apiserver.admission.rules.matching import Matcher, ServedAs
from podlab.admissionregistration.v1.mutatingadmissionpolicy_pb2 import (
    MutatingAdmissionPolicy,
    MutatingAdmissionPolicyBinding,
)
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import (
    ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding,
)
from podlab.api.kinds import Kind
from podlab.cel.values import CompileError

C = TypeVar("C")
P = TypeVar("P", ValidatingAdmissionPolicy, MutatingAdmissionPolicy)
B = TypeVar("B", ValidatingAdmissionPolicyBinding, MutatingAdmissionPolicyBinding)
Policy = ValidatingAdmissionPolicy | MutatingAdmissionPolicy
PolicyBinding = ValidatingAdmissionPolicyBinding | MutatingAdmissionPolicyBinding

GROUP = "admissionregistration.k8s.io"
# By these, policies are configured: they are judged and changed by none.
_CONFIGURING = frozenset(
    {
        "mutatingadmissionpolicies",
        "mutatingadmissionpolicybindings",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
    }
)

log = logging.getLogger(__name__)


def configures_policies(kind: Kind) -> bool:
    """Whether objects of the kind are policies or bindings."""
    return kind.group == GROUP and kind.plural in _CONFIGURING


@dataclass(frozen=True, slots=True)
class Binding(Generic[B]):
    """A binding, and what it is about where that is narrower than its policy."""

    message: B
    narrower: Matcher | None


@dataclass(frozen=True, slots=True)
class PolicyInForce(Generic[P, B, C]):
    """A policy, and the bindings that put it in force. `error` says why the policy cannot be asked."""

    message: P
    compiled: C | None
    error: str
    matcher: Matcher
    bindings: Sequence[Binding[B]]

    @property
    def name(self) -> str:
        """The policy's."""
        return self.message.metadata.name

    @property
    def fails(self) -> bool:
        """Whether a write is refused when the policy cannot be asked."""
        return self.message.spec.failurePolicy != "Ignore"


class PoliciesInForce(Generic[P, B, C]):
    """Follows policies and bindings for ever; each policy is compiled once for all time that it stays as it is."""

    def __init__(self, policies: Lister[P], bindings: Lister[B], compiled: Callable[[P], C]) -> None:
        self._policies: Lister[P] = policies
        self._bindings: Lister[B] = bindings
        self._compile: Callable[[P], C] = compiled
        self._compiled: dict[str, tuple[P, C | None, str]] = {}
        self._in_force: Sequence[PolicyInForce[P, B, C]] | None = None
        self._about: dict[tuple[tuple[ServedAs, ...], str, str], Sequence[PolicyInForce[P, B, C]]] = {}
        for lister in (policies, bindings):
            lister.follow(self._forget)

    def all(self) -> Sequence[PolicyInForce[P, B, C]]:
        """All, by name."""
        return self._in_force if self._in_force is not None else self._read()

    def about(
        self, served_as: Sequence[ServedAs], subresource: str, operation: str
    ) -> Sequence[PolicyInForce[P, B, C]]:
        """Those whose rules may be about such writes, by name. Found out once, until one of them changes."""
        key = (tuple(served_as), subresource, operation)
        found = self._about.get(key)
        if found is None:
            found = [one for one in self.all() if one.matcher.may_take(served_as, subresource, operation)]
            self._about[key] = found
        return found

    def follow(self, changed: Callable[[], None]) -> None:
        """See Followed."""
        for lister in (self._policies, self._bindings):
            lister.follow(changed)

    def _forget(self) -> None:
        self._in_force = None
        self._about.clear()

    def _read(self) -> Sequence[PolicyInForce[P, B, C]]:
        bindings: dict[str, list[Binding[B]]] = {}
        for _, binding in sorted(self._bindings.within("").items()):
            matcher = Matcher.of(binding.spec.matchResources) if binding.spec.HasField("matchResources") else None
            bindings.setdefault(binding.spec.policyName, []).append(Binding(binding, matcher))
        policies = self._policies.within("")
        self._compiled = {name: held for name, held in self._compiled.items() if policies.get(name) is held[0]}
        self._in_force = [
            PolicyInForce(policy, *self._held(name, policy), Matcher.of(policy.spec.matchConstraints), bindings[name])
            for name, policy in sorted(policies.items())
            if name in bindings
        ]
        return self._in_force

    def _held(self, name: str, policy: P) -> tuple[C | None, str]:
        if name not in self._compiled:
            try:
                self._compiled[name] = policy, self._compile(policy), ""
            except CompileError as e:  # it was written by a release that had other functions
                log.warning("%s %s does not compile: %s", policy.DESCRIPTOR.name, name, e)
                self._compiled[name] = policy, None, str(e)
        return self._compiled[name][1:]
