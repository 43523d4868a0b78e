"""Nobody gives what he has not got. In Kubernetes the stores of roles and bindings check that themselves."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin
from master.apiserver.admission.rules import escalation
from master.apiserver.admission.write import Operation
from master.apiserver.authorization import Authorizer
from podlab.api.kinds import Kind
from podlab.rbac.v1.rbac_pb2 import ClusterRole, ClusterRoleBinding, Role, RoleBinding

_GIVING = (Role, ClusterRole, RoleBinding, ClusterRoleBinding)


class RoleEscalation(Plugin):
    """Judges writes of roles and of bindings."""

    name: ClassVar[str] = "RoleEscalation"

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return kind.message in _GIVING and operation is not Operation.DELETE

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        escalation.check(self._authorizer, request.write.user, request.new, request.old)
        return NOTHING
