"""DefaultIngressClass: the class of Ingresses that name none."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.lister import Lister
from master.apiserver.admission.plugin import AdmissionRequest, Plugin, Scope, writes_of
from master.apiserver.admission.rules import default_classes
from master.apiserver.admission.write import Operation
from podlab.networking.v1.ingress_pb2 import Ingress, IngressClass


class DefaultIngressClass(Plugin):
    """Completes Ingresses."""

    name: ClassVar[str] = "DefaultIngressClass"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Ingress, on=(Operation.CREATE,))

    def __init__(self, classes: Lister[IngressClass]) -> None:
        self._classes = classes

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        default_classes.complete_ingress(request.new_as(Ingress), self._classes.within(""))
