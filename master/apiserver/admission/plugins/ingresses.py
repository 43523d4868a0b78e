"""DefaultIngressClass: the class of Ingresses that name none."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.lister import Lister
from master.apiserver.admission.plugin import AdmissionRequest, Plugin
from master.apiserver.admission.rules import default_classes
from master.apiserver.admission.write import Operation
from podlab.api.kinds import Kind
from podlab.networking.v1.ingress_pb2 import Ingress, IngressClass


class DefaultIngressClass(Plugin):
    """Completes Ingresses."""

    name: ClassVar[str] = "DefaultIngressClass"

    def __init__(self, classes: Lister[IngressClass]) -> None:
        self._classes = classes

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return kind.message is Ingress and operation is Operation.CREATE and not subresource

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        default_classes.complete_ingress(request.new_as(Ingress), self._classes.within(""))
