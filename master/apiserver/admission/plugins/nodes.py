"""Plugins about nodes: NodeRestriction and TaintNodesByCondition, and one of Podlab's own that remembers what left."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar

from google.protobuf.message import Message

from master.apiserver.admission.plugin import ALL, NOTHING, AdmissionRequest, Alongside, Plugin, Scope, writes_of
from master.apiserver.admission.rules import noderestriction
from master.apiserver.admission.rules.certificates import May
from master.apiserver.admission.rules.refusal import refused
from master.apiserver.admission.write import Operation
from master.apiserver.authentication import deleted_nodes
from master.apiserver.authorization.attributes import Attributes
from master.apiserver.authorization.node import node_of
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.api.pods import volumes
from podlab.api.pods.tolerations import NOT_READY
from podlab.api.values import times
from podlab.authentication.v1.token_pb2 import TokenRequest
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest
from podlab.coordination.v1.lease_pb2 import Lease
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount
from podlab.core.v1.volume_pb2 import PersistentVolume, PersistentVolumeClaim
from podlab.errors import NotFound
from podlab.kinds.subresource import TOKEN
from podlab.meta.v1 import meta_pb2
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice
from podlab.storage.v1.csi_pb2 import CSIDriver, CSINode

EFFECT = "NoSchedule"
M = TypeVar("M", bound=Message)


class NodeRestriction(Plugin):
    """What a kubelet may not make of its node, and of pods and volumes on it; and whose tokens it may have."""

    name: ClassVar[str] = "NodeRestriction"
    scopes: ClassVar[tuple[Scope, ...]] = (
        *writes_of(Node, Lease, Pod, PersistentVolume, on=ALL, below=None),
        *writes_of(CSINode, ResourceSlice, on=ALL),
        *writes_of(PersistentVolumeClaim, on=(Operation.UPDATE,), below=("status",)),
        *writes_of(CertificateSigningRequest, on=(Operation.CREATE,)),
        *writes_of(ServiceAccount, on=(Operation.CREATE,), below=(TOKEN.name,)),
    )

    def __init__(self, cache: Cache, may: May) -> None:
        self._cache = cache
        self._may = may

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        if (node := node_of(request.write.user)) and (why := self._refusal(node, request)):
            raise refused(request.write.kind, request.write.name, why)
        return NOTHING

    def _refusal(self, node: str, request: AdmissionRequest) -> str:
        """Raises NotFound for a token bound to a pod that there is not."""
        if isinstance(request.new, TokenRequest):
            return self._token_refusal(node, request.new, request)
        new = None if request.write.operation is Operation.DELETE else request.new
        evicts = request.write.subresource == "eviction"
        return noderestriction.refusal(node, new, request.old, self._uid, evicts=evicts)

    def _token_refusal(self, node: str, asked: TokenRequest, request: AdmissionRequest) -> str:
        write = request.write

        def may_ask_for(audience: str) -> bool:
            pod = self._pod(write.namespace, asked.spec.boundObjectRef.name)
            if audience in self._audiences_of_drivers(pod):
                return True
            verb = "request-serviceaccounts-token-audience"
            wanted = Attributes(verb, resource=audience, namespace=write.namespace, name=write.name)
            return self._may(write.user, wanted)

        return noderestriction.token_refusal(
            node, asked.spec, lambda name: self._pod(write.namespace, name), may_ask_for
        )

    def _audiences_of_drivers(self, pod: Pod) -> set[str]:
        """Those of the tokens that drivers of the pod's volumes are given."""
        names = {each.volumeSource.csi.driver for each in pod.spec.volumes if each.volumeSource.HasField("csi")}
        names.update(self._driver_of(pod.metadata.namespace, claim) for claim in volumes.claims_of(pod))
        found = [self._found(CSIDriver, "", name) for name in names]
        return {asked.audience for driver in found if driver is not None for asked in driver.spec.tokenRequests}

    def _driver_of(self, namespace: str, claim: str) -> str:
        """The driver of the claim's volume; empty where it has none."""
        bound = self._found(PersistentVolumeClaim, namespace, claim)
        volume = self._found(PersistentVolume, "", bound.spec.volumeName) if bound is not None else None
        return volume.spec.persistentVolumeSource.csi.driver if volume is not None else ""

    def _found(self, message: type[M], namespace: str, name: str) -> M | None:
        kind = kinds.of(message)
        entry = self._cache.get(kind, keys.object_key(kind, namespace, name)) if name else None
        return entry.message_as(message) if entry is not None else None

    def _pod(self, namespace: str, name: str) -> Pod:
        pod = self._found(Pod, namespace, name)
        if pod is None:
            raise NotFound.of("pods", name)
        return pod

    def _uid(self, name: str) -> str:
        node = self._found(Node, "", name)
        return node.metadata.uid if node is not None else ""


class TaintNodesByCondition(Plugin):
    """No pod comes to a new node before the controllers have seen that it is ready: they take the taint away.

    https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#taintnodesbycondition
    """

    name: ClassVar[str] = "TaintNodesByCondition"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Node, on=(Operation.CREATE,))

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        node = request.new_as(Node)
        if not any((taint.key, taint.effect) == (NOT_READY, EFFECT) for taint in node.spec.taints):
            node.spec.taints.add(key=NOT_READY, effect=EFFECT)


class DeletedNodes(Plugin):
    """What was signed for a node before it was deleted is believed no longer: a mark that goes with it says when."""

    name: ClassVar[str] = "DeletedNodes"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Node, on=(Operation.UPDATE, Operation.DELETE), below=None)

    def __init__(self, clock: Callable[[], meta_pb2.Time] = times.now) -> None:
        self._clock = clock

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        return deleted_nodes.departing(request.write.name, self._clock()) if request.removed else NOTHING
