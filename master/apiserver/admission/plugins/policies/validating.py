"""ValidatingAdmissionPolicy: what policies say of a write, where a binding puts them in force."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import orjson

from master.apiserver.admission.lister import Lister, listed
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin
from master.apiserver.admission.plugins import requestvariables
from master.apiserver.admission.rules.matching import AdmissionTarget, Matcher, ServedAs
from master.apiserver.admission.rules.policies import INVALID, CompiledPolicy, PolicyVerdict
from master.apiserver.admission.rules.policyrefusals import refusal
from master.apiserver.admission.write import Operation
from master.apiserver.authorization import Authorizer
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ParamRef
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import (
    ValidatingAdmissionPolicy as Policy,
)
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import (
    ValidatingAdmissionPolicyBinding as Binding,
)
from podlab.api import objects
from podlab.api.kinds import Kind
from podlab.api.selection import selectors
from podlab.cel.compiler import CompileError
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.errors import ApiError

GROUP = "admissionregistration.k8s.io"
# Subresources whose objects are of another kind than what they stand below.
_OF_OTHER_KINDS = frozenset({"binding", "eviction", "scale", "token"})
_FAILURES = "validation.policy.admission.k8s.io/validation_failure"
_MOST_ANNOTATION_CHARS = 10 * 1024

log = logging.getLogger(__name__)


class Misconfigured(Exception):
    """A policy or a binding that cannot be asked."""


@dataclass(frozen=True, slots=True)
class _InForce:
    """A policy, and the bindings that put it in force. `error` says why the policy cannot be asked."""

    policy: Policy
    compiled: CompiledPolicy | None
    error: str
    bindings: Sequence[tuple[Binding, Matcher | None]]

    @property
    def fails(self) -> bool:
        """Whether a write is refused when the policy cannot be asked."""
        return self.policy.spec.failurePolicy != "Ignore"


class ValidatingAdmissionPolicy(Plugin):
    """Asks the policies that are in force. Objects by which policies are configured are not judged by any."""

    name: ClassVar[str] = "ValidatingAdmissionPolicy"

    def __init__(self, cache: Cache, authorizer: Authorizer) -> None:
        self._cache = cache
        self._authorizer = authorizer
        self._namespaces = listed(cache, Namespace)
        self._policies: Lister[Policy] = listed(cache, Policy)
        self._bindings: Lister[Binding] = listed(cache, Binding)
        self._compiled: dict[str, tuple[Policy, CompiledPolicy | None, str]] = {}
        self._in_force: Sequence[_InForce] | None = None
        for lister in (self._policies, self._bindings):
            lister.follow(self._forget)

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return kind.group != GROUP and subresource not in _OF_OTHER_KINDS

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        in_force = self._in_force if self._in_force is not None else self._read()
        if in_force:
            self._judge(request, in_force)
        return NOTHING

    def _forget(self) -> None:
        self._in_force = None

    def _read(self) -> Sequence[_InForce]:
        """All policies that have a binding, each compiled once for all time that it stays as it is."""
        bindings: dict[str, list[tuple[Binding, Matcher | None]]] = {}
        for _, binding in sorted(self._bindings.within("").items()):
            matcher = Matcher.of(binding.spec.matchResources) if binding.spec.HasField("matchResources") else None
            bindings.setdefault(binding.spec.policyName, []).append((binding, matcher))
        policies = self._policies.within("")
        self._compiled = {name: held for name, held in self._compiled.items() if policies.get(name) is held[0]}
        self._in_force = [
            _InForce(policy, *self._compile(name, policy), bindings[name])
            for name, policy in sorted(policies.items())
            if name in bindings
        ]
        return self._in_force

    def _compile(self, name: str, policy: Policy) -> tuple[CompiledPolicy | None, str]:
        if name not in self._compiled:
            try:
                self._compiled[name] = policy, CompiledPolicy(policy), ""
            except CompileError as e:  # it was written by a release that had other functions
                log.warning("ValidatingAdmissionPolicy %s does not compile: %s", name, e)
                self._compiled[name] = policy, None, str(e)
        return self._compiled[name][1:]

    def _judge(self, request: AdmissionRequest, in_force: Sequence[_InForce]) -> None:
        judgement = _Judgement(self, request)
        for one in in_force:
            judgement.ask(one)
        judgement.conclude()

    def target(self, request: AdmissionRequest) -> AdmissionTarget:
        """What matchers look at."""
        write = request.write
        kind, deletes = write.kind, write.operation is Operation.DELETE
        resource = self._cache.catalog.resource(kind)
        served = (kind, *(one.kind for one in resource.other_versions))
        seen = [one for one in (None if deletes else request.new, request.old) if one is not None]
        labels = [objects.metadata(one).labels for one in seen]

        def namespace_labels() -> Mapping[str, str] | None:
            if kind.message is Namespace:
                return labels[0]
            if not kind.namespaced:
                return None
            namespace = self._namespaces.get("", write.namespace)
            return namespace.metadata.labels if namespace is not None else {}

        return AdmissionTarget(
            served_as=[ServedAs(one.group, one.version, one.plural) for one in served],
            subresource=write.subresource,
            operation=write.operation.value,
            namespace=write.namespace,
            name=write.name or objects.metadata(request.new).name,
            labels=labels,
            namespace_labels=namespace_labels,
        )

    def variables(self, request: AdmissionRequest, target: AdmissionTarget, matched: ServedAs) -> Mapping[str, object]:
        """What expressions see of the write, in the version that a rule names."""
        kind = self._cache.catalog.at(matched.group, matched.version, matched.resource) or request.write.kind
        namespace = self._namespaces.get("", target.namespace) if request.write.kind.namespaced else None
        return requestvariables.of_request(request, kind, target, namespace, self._authorizer)

    def params(self, policy: Policy, binding: Binding, namespace: str) -> Iterator[object]:
        """Each parameter, as JSON; None where the policy has none. Raises Misconfigured."""
        spec = policy.spec
        if not spec.HasField("paramKind") or not binding.spec.HasField("paramRef"):
            yield None
            return
        named = spec.paramKind
        kind = self._cache.catalog.of_api_version(named.apiVersion, named.kind)
        if kind is None:
            told = f"failed to find resource referenced by paramKind: '{named.apiVersion}, Kind={named.kind}'"
            raise Misconfigured(f"failed to configure policy: {told}")
        reference = binding.spec.paramRef
        found = list(self._referenced(kind, reference, _scope(kind, reference, namespace)))
        if not found and reference.parameterNotFoundAction == "Deny":
            told = "no params found for policy binding with `Deny` parameterNotFoundAction"
            raise Misconfigured(f"failed to configure binding: {told}")
        yield from found

    def _referenced(self, kind: Kind, reference: ParamRef, namespace: str) -> Iterator[object]:
        if reference.name:
            entry = self._cache.get(kind, keys.object_key(kind, namespace, reference.name))
            if entry is not None:
                yield orjson.loads(entry.json_as(kind))
            return
        selector = selectors.from_message(reference.selector)
        prefix = keys.scope_prefix(kind, namespace)
        for key, entry in sorted(self._cache.window(kind).entries.items()):
            if key.startswith(prefix) and selector.matches(objects.metadata(entry.message()).labels):
                yield orjson.loads(entry.json_as(kind))


def _scope(kind: Kind, reference: ParamRef, namespace: str) -> str:
    """Where parameters are. Raises Misconfigured."""
    if not kind.namespaced:
        if reference.namespace:
            told = "paramRef.namespace must not be provided for a cluster-scoped `paramKind`"
            raise Misconfigured(f"failed to configure binding: {told}")
        return ""
    if not reference.namespace and not namespace:
        told = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
        raise Misconfigured(f"failed to configure binding: {told}")
    return reference.namespace or namespace


class _Judgement:
    """One write before all policies. The first that refuses it is told, once all have been asked."""

    def __init__(self, plugin: ValidatingAdmissionPolicy, request: AdmissionRequest) -> None:
        self._plugin = plugin
        self._request = request
        self._target = plugin.target(request)
        self._variables: dict[ServedAs, Mapping[str, object]] = {}
        self._refusal: ApiError | None = None

    def ask(self, one: _InForce) -> None:
        """Have the policy judge it with each binding and parameter."""
        matcher = one.compiled.matcher if one.compiled is not None else Matcher.of(one.policy.spec.matchConstraints)
        matched = matcher.match(self._target)
        if matched is None:
            return
        if one.compiled is None:
            if one.fails:
                self._refuse(one.policy, None, f"failed to configure policy: {one.error}")
            return
        annotations: dict[str, dict[str, None]] = {}
        for binding, narrower in one.bindings:
            if narrower is None or narrower.match(self._target) is not None:
                self._ask(one.compiled, binding, matched, annotations)
        for key, values in annotations.items():
            self._annotate(f"{one.policy.metadata.name}/{key}", ", ".join(values))

    def conclude(self) -> None:
        """Raise what the first policy that refuses it has said."""
        if self._refusal is not None:
            raise self._refusal

    def _ask(
        self, compiled: CompiledPolicy, binding: Binding, matched: ServedAs, annotations: dict[str, dict[str, None]]
    ) -> None:
        policy = compiled.policy
        try:
            for parameter in self._plugin.params(policy, binding, self._target.namespace):
                if matched not in self._variables:
                    self._variables[matched] = self._plugin.variables(self._request, self._target, matched)
                verdict = compiled.ask({**self._variables[matched], "params": parameter})
                self._enforce(policy, binding, verdict)
                for key, value in (verdict.annotations or {}).items():
                    annotations.setdefault(key, {})[value[:_MOST_ANNOTATION_CHARS]] = None
        except Misconfigured as e:
            if compiled.fails:
                self._refuse(policy, binding if "binding:" in str(e) else None, str(e))

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
