"""MutatingAdmissionPolicy: what policies make of objects that are written, where a binding puts them in force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from google.protobuf.message import Message

from master.apiserver.admission.lister import listed
from master.apiserver.admission.plugin import AdmissionRequest, Followed, MutatingPlugin
from master.apiserver.admission.plugins import requestvariables
from master.apiserver.admission.plugins.policies.in_force import (
    Binding,
    PoliciesInForce,
    PolicyInForce,
    configures_policies,
)
from master.apiserver.admission.plugins.policies.parameters import Misconfigured, Parameters
from master.apiserver.admission.plugins.progress import MutationProgress
from master.apiserver.admission.plugins.targets import Targets
from master.apiserver.admission.rules.matching import ServedAs
from master.apiserver.admission.rules.policies.mutations import CompiledMutatingPolicy, Mutable, Unmutable
from master.apiserver.admission.seen import SeenWrite, taken_over
from master.apiserver.admission.write import Operation
from master.apiserver.authorization import Authorizer
from master.apiserver.watchcache.cache import Cache
from podlab.admissionregistration.v1 import mutatingadmissionpolicy_pb2 as policy_pb2
from podlab.api import objects
from podlab.api.conversion import versions
from podlab.api.kinds import Kind
from podlab.api.serializer import codec
from podlab.api.values.jsonvalues import Json
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.errors import Cause, Forbidden, InternalError, Invalid
from podlab.kinds.resource import Resource
from podlab.schemas import shapes
from podlab.schemas.schema import parse
from podlab.shapes import messages
from podlab.shapes.shape import Struct

# What is written there is a deletion, or the name of a node: nothing that somebody else could say better.
_LEFT_ALONE = frozenset({"binding", "eviction"})

_Policy = PolicyInForce[
    policy_pb2.MutatingAdmissionPolicy, policy_pb2.MutatingAdmissionPolicyBinding, CompiledMutatingPolicy
]
_Binding = Binding[policy_pb2.MutatingAdmissionPolicyBinding]


@dataclass(frozen=True, slots=True)
class _Invocation:
    """A policy that is asked about a write, with one binding and one parameter."""

    policy: _Policy
    compiled: CompiledMutatingPolicy
    binding: _Binding
    matched: ServedAs
    parameter: object

    @property
    def key(self) -> tuple[str, ...]:
        """What it is known by when it is asked once more."""
        metadata = self.parameter["metadata"] if isinstance(self.parameter, dict) else {}
        binding = self.binding.message.metadata.name
        return self.policy.name, binding, metadata.get("namespace", ""), metadata.get("name", "")


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a policy refuses a write."""

    told: str
    reason: str


class MutatingAdmissionPolicy(MutatingPlugin):
    """Asks the policies that are in force, one after the other. Objects by which policies are configured are left as
    they are."""

    name: ClassVar[str] = "MutatingAdmissionPolicy"

    def __init__(self, cache: Cache, authorizer: Authorizer) -> None:
        self._cache = cache
        self._targets = Targets(cache)
        self._parameters = Parameters(cache)
        self._authorizer = authorizer
        self._in_force = PoliciesInForce(
            listed(cache, policy_pb2.MutatingAdmissionPolicy),
            listed(cache, policy_pb2.MutatingAdmissionPolicyBinding),
            CompiledMutatingPolicy,
        )

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
        return operation is not Operation.DELETE and subresource not in _LEFT_ALONE and not configures_policies(kind)

    def concerns(self, request: AdmissionRequest) -> bool:
        """See MutatingPlugin."""
        return bool(self._about(request))

    def _about(self, request: AdmissionRequest) -> Sequence[_Policy]:
        return self._in_force.about(*self._targets.about(request))

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        again, progress = request.reinvocation, MutationProgress.of(request, self.name)
        faults: list[_Fault] = []
        for invocation in list(self._invocations(request, faults)):
            if self._carry_out(request, invocation, progress, faults):
                progress.changed()
                again.wanted = True
            if invocation.compiled.is_reinvoked:
                progress.asked.add(invocation.key)
        progress.leave(request.new)
        if faults:
            raise _refusal(faults, request)

    def _invocations(self, request: AdmissionRequest, faults: list[_Fault]) -> Iterator[_Invocation]:
        """All that match the object as it is before the first of them changes it."""
        target = self._targets.of(request, self._targets.seen(request))
        for policy in self._about(request):
            matched = policy.matcher.match(target)
            if matched is None:
                continue
            if policy.compiled is None:
                _note(faults, policy, None, f"failed to configure policy: {policy.error}", reason=Forbidden.reason)
                continue
            for binding in policy.bindings:
                if binding.narrower is not None and binding.narrower.match(target) is None:
                    continue
                try:
                    for parameter in self._parameters.given(policy.message, binding.message, target.namespace):
                        yield _Invocation(policy, policy.compiled, binding, matched, parameter)
                except Misconfigured as e:
                    _note(faults, policy, binding, str(e), reason=Forbidden.reason)

    def _carry_out(
        self, request: AdmissionRequest, invocation: _Invocation, progress: MutationProgress, faults: list[_Fault]
    ) -> bool:
        """Whether it has changed the object."""
        seen = self._targets.seen(request)
        met, error = invocation.compiled.conditions.met(self._variables(request, seen, invocation))
        if error:
            _note(faults, invocation.policy, invocation.binding, error)
        if not met or (request.reinvocation.is_second and invocation.key not in progress.due):
            return False
        before = request.new
        for index in range(invocation.compiled.count):
            try:
                self._mutate(request, invocation, index)
            except Unmutable as e:
                _note(faults, invocation.policy, invocation.binding, str(e))
        return request.new is not before and request.new != before

    def _variables(self, request: AdmissionRequest, seen: SeenWrite, invocation: _Invocation) -> Mapping[str, object]:
        kind = self._targets.kind_at(invocation.matched, request.write.kind)
        target = self._targets.of(request, seen)
        namespace = self._targets.namespace(request)
        found = requestvariables.of_request(request, seen, kind, target, namespace, self._authorizer)
        return {**found, "params": invocation.parameter}

    def _mutate(self, request: AdmissionRequest, invocation: _Invocation, index: int) -> None:
        """Carry out one change. Raises Unmutable, InternalError."""
        seen = self._targets.seen(request)
        variables = self._variables(request, seen, invocation)
        content = variables["object"]
        assert isinstance(content, dict)
        kind = seen.kind or self._targets.kind_at(invocation.matched, request.write.kind)
        resource = self._cache.catalog.resource(request.write.kind)
        changed = invocation.compiled.mutated(index, Mutable(content, _shape(_at(resource, kind), kind)), variables)
        if changed != content:
            name = objects.metadata(request.new).name
            request.new = taken_over(request, self._read(changed, kind, request), resource)
            if objects.metadata(request.new).name != name:
                raise Unmutable("metadata.name: Invalid value: it may not be changed")

    def _read(self, content: dict[str, Json], kind: Kind, request: AdmissionRequest) -> Message:
        """The object that the JSON describes, as it is stored. Raises InternalError for one with unknown fields."""
        of_status = request.write.subresource == "status"
        stored = self._cache.catalog.resource(request.write.kind)
        decode = _at(stored, kind).decode if kind.group_kind == stored.group_kind else codec.from_dict_leniently
        message, unknown = decode(content, kind, of_status=of_status)
        if unknown and not isinstance(message, Custom):
            raise InternalError(", ".join(f'strict decoding error: unknown field "{path}"' for path in unknown))
        return versions.stored(message)


def _at(resource: Resource, kind: Kind) -> Resource:
    """What is known of a version."""
    version = resource.version(kind)
    return version.resource if version is not None and version.resource is not None else resource


@lru_cache(maxsize=64)
def _shape(resource: Resource, kind: Kind) -> Struct:
    """The shape of its objects in that version."""
    if kind.message is not Custom:
        return messages.shape_of(kind.message)
    schema = resource.schema_of(kind) if resource.schema_of is not None else None
    return shapes.shape_of(parse(schema or {}))


def _note(
    faults: list[_Fault], policy: _Policy, binding: _Binding | None, why: str, *, reason: str = Invalid.reason
) -> None:
    """A fault refuses the write, unless the policy says otherwise."""
    if policy.fails:
        named = f"'{policy.name}' with binding '{binding.message.metadata.name}'" if binding else f'"{policy.name}"'
        faults.append(_Fault(f"policy {named} denied request: {why}", reason))


def _refusal(faults: Sequence[_Fault], request: AdmissionRequest) -> Forbidden:
    """Of the first fault, whose reason need not be that of the code, as in Kubernetes."""
    write, causes = request.write, [Cause("", "", fault.told) for fault in faults]
    refusal = Forbidden(faults[0].told, kind=write.kind.resource, name=write.name, causes=causes)
    refusal.reason = faults[0].reason
    return refusal
