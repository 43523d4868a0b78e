"""Nobody gives what he has not got. In Kubernetes the stores of roles and bindings check that themselves."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin, Scope, writes_of
from master.apiserver.admission.rules import escalation
from master.apiserver.authorization import Authorizer
from podlab.rbac.v1.rbac_pb2 import ClusterRole, ClusterRoleBinding, Role, RoleBinding


class RoleEscalation(Plugin):
    """Judges writes of roles and of bindings."""

    name: ClassVar[str] = "RoleEscalation"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Role, ClusterRole, RoleBinding, ClusterRoleBinding, below=None)

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        escalation.check(self._authorizer, request.write.user, request.new, request.old)
        return NOTHING
