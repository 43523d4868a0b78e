"""Says in a ValidatingAdmissionPolicy's status which of its expressions do not fit the kinds that it names."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.plugin import AdmissionRequest, Plugin, Scope, writes_of
from master.apiserver.admission.rules.policies import typechecking
from master.apiserver.watchcache.cache import Cache
from podlab.admissionregistration.v1.validatingadmissionpolicy_pb2 import ValidatingAdmissionPolicy
from podlab.api.kinds import Kind
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.cel.admission.messagetypes import object_type
from podlab.cel.types import DYN, DeclaredType
from podlab.schemas.rules.declared import declared_type
from podlab.schemas.schema import parse


class PolicyTypes(Plugin):
    """Podlab's: Kubernetes has a controller for it."""

    name: ClassVar[str] = "PolicyTypes"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(ValidatingAdmissionPolicy)

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        policy = request.new_as(ValidatingAdmissionPolicy)
        if request.old is None:
            typechecking.check(policy, policy.metadata.generation, self._type_at)
        elif policy.spec != (old := request.old_as(ValidatingAdmissionPolicy)).spec:
            typechecking.check(policy, old.metadata.generation + 1, self._type_at)

    def _type_at(self, group: str, version: str, plural: str) -> tuple[Kind, DeclaredType] | None:
        kind = self._cache.catalog.at(group, version, plural)
        if kind is None:
            return None
        return kind, object_type(kind.message.DESCRIPTOR) if kind.message is not Custom else self._custom(kind)

    def _custom(self, kind: Kind) -> DeclaredType:
        resource = self._cache.catalog.resource(kind.group_kind)
        version = resource.version(kind)
        at = version.resource if version is not None and version.resource is not None else resource
        schema = at.schema_of(kind) if at.schema_of is not None else None
        return declared_type(parse(schema), root=True) or DYN if schema else DYN
