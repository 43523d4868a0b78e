"""ValidatingAdmissionPolicy: what policies say of a write, where a binding puts them in force."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import orjson

from master.apiserver.admission.lister import listed
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Followed, Plugin
from master.apiserver.admission.plugins import requestvariables
from master.apiserver.admission.plugins.policies.in_force import PoliciesInForce, PolicyInForce, configures_policies
from master.apiserver.admission.plugins.policies.parameters import Misconfigured, Parameters
from master.apiserver.admission.plugins.targets import Targets
from master.apiserver.admission.rules.matching import ServedAs
from master.apiserver.admission.rules.policies.refusals import refusal
from master.apiserver.admission.rules.policies.validations import INVALID, CompiledPolicy, PolicyVerdict
from master.apiserver.admission.write import Operation
from master.apiserver.authorization import Authorizer
from master.apiserver.watchcache.cache import Cache
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import (
    ValidatingAdmissionPolicy as Policy,
)
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import (
    ValidatingAdmissionPolicyBinding as Binding,
)
from podlab.api.kinds import Kind
from podlab.errors import ApiError

_FAILURES = "validation.policy.admission.k8s.io/validation_failure"
_MOST_ANNOTATION_CHARS = 10 * 1024


class ValidatingAdmissionPolicy(Plugin):
    """Asks the policies that are in force. Objects by which policies are configured are not judged by any."""

    name: ClassVar[str] = "ValidatingAdmissionPolicy"

    def __init__(self, cache: Cache, authorizer: Authorizer) -> None:
        self.targets = Targets(cache)
        self.parameters = Parameters(cache)
        self.authorizer = authorizer
        self._in_force = PoliciesInForce(listed(cache, Policy), listed(cache, Binding), CompiledPolicy)

    @property
    def told_by(self) -> tuple[Followed, ...]:
        """See Plugin."""
        return (self._in_force,)

    @property
    def is_idle(self) -> bool:
        """See Plugin."""
        return not self._in_force.all()

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return not configures_policies(kind)

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        if in_force := self._in_force.about(*self.targets.about(request)):
            judgement = _Judgement(self, request)
            for one in in_force:
                judgement.ask(one)
            judgement.conclude()
        return NOTHING


class _Judgement:
    """One write before all policies. The first that refuses it is told, once all have been asked."""

    def __init__(self, plugin: ValidatingAdmissionPolicy, request: AdmissionRequest) -> None:
        self._plugin = plugin
        self._request = request
        self._seen = plugin.targets.seen(request)
        self._target = plugin.targets.of(request, self._seen)
        self._variables: dict[ServedAs, Mapping[str, object]] = {}
        self._refusal: ApiError | None = None

    def ask(self, one: PolicyInForce[Policy, Binding, CompiledPolicy]) -> None:
        """Have the policy judge it with each binding and parameter."""
        matched = one.matcher.match(self._target)
        if matched is None:
            return
        if one.compiled is None:
            if one.fails:
                self._refuse(one.message, None, f"failed to configure policy: {one.error}")
            return
        annotations: dict[str, dict[str, None]] = {}
        for binding in one.bindings:
            if binding.narrower is None or binding.narrower.match(self._target) is not None:
                self._ask(one.compiled, binding.message, matched, annotations)
        for key, values in annotations.items():
            self._annotate(f"{one.name}/{key}", ", ".join(values))

    def conclude(self) -> None:
        """Raise what the first policy that refuses it has said."""
        if self._refusal is not None:
            raise self._refusal

    def _ask(
        self, compiled: CompiledPolicy, binding: Binding, matched: ServedAs, annotations: dict[str, dict[str, None]]
    ) -> None:
        policy = compiled.policy
        try:
            for parameter in self._plugin.parameters.given(policy, binding, self._target.namespace):
                verdict = compiled.ask({**self._variables_at(matched), "params": parameter})
                self._enforce(policy, binding, verdict)
                for key, value in (verdict.annotations or {}).items():
                    annotations.setdefault(key, {})[value[:_MOST_ANNOTATION_CHARS]] = None
        except Misconfigured as e:
            if compiled.fails:
                self._refuse(policy, binding if "binding:" in str(e) else None, str(e))

    def _variables_at(self, matched: ServedAs) -> Mapping[str, object]:
        if matched not in self._variables:
            targets, request = self._plugin.targets, self._request
            self._variables[matched] = requestvariables.of_request(
                request,
                self._seen,
                targets.kind_at(matched, request.write.kind),
                self._target,
                targets.namespace(request),
                self._plugin.authorizer,
            )
        return self._variables[matched]

    def _enforce(self, policy: Policy, binding: Binding, verdict: PolicyVerdict) -> None:
        names = f"'{policy.metadata.name}' with binding '{binding.metadata.name}'"
        for failure in verdict.failures:
            for action in binding.spec.validationActions:
                if action == "Deny":
                    self._refuse(policy, binding, failure.message, failure.reason)
                elif action == "Warn":
                    told = f"Validation failed for ValidatingAdmissionPolicy {names}: {failure.message}"
                    self._request.write.context.warnings.append(told)
                else:
                    self._annotate(_FAILURES, _failure_note(policy, binding, failure.index, failure.message))
        if verdict.refusal:
            self._refuse(policy, binding, verdict.refusal)

    def _annotate(self, key: str, value: str) -> None:
        self._request.write.context.annotations.setdefault(key, value)

    def _refuse(self, policy: Policy, binding: Binding | None, message: str, reason: str = INVALID) -> None:
        if self._refusal is None:
            bound = f" with binding '{binding.metadata.name}'" if binding is not None else ""
            told = f"ValidatingAdmissionPolicy '{policy.metadata.name}'{bound} denied request: {message}"
            self._refusal = refusal(self._request.write.kind, self._target.name, told, reason)


def _failure_note(policy: Policy, binding: Binding, index: int, message: str) -> str:
    note = {
        "message": message,
        "policy": policy.metadata.name,
        "binding": binding.metadata.name,
        "expressionIndex": index,
        "validationActions": list(binding.spec.validationActions),
    }
    return orjson.dumps([note]).decode()
