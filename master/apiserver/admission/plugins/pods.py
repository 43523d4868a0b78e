"""Plugins about pods: LimitRanger, ServiceAccount, Priority, DefaultTolerationSeconds, PodTopologyLabels."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.lister import Lister, listed
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin
from master.apiserver.admission.rules import limitranger, priority, serviceaccount
from master.apiserver.admission.write import Operation
from master.apiserver.watchcache.cache import Cache
from podlab.api.kinds import Kind
from podlab.api.selection.labels import REGION_LABEL, ZONE_LABEL
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.quota_pb2 import LimitRange
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount as Account
from podlab.core.v1.volume_pb2 import PersistentVolumeClaim
from podlab.kinds.defaults.tolerations import tolerate_lost_nodes
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass

_TOPOLOGY = frozenset({ZONE_LABEL, REGION_LABEL})


class LimitRanger(Plugin):
    """Requests and limits that containers leave open, and bounds of what pods and claims ask for."""

    name: ClassVar[str] = "LimitRanger"

    def __init__(self, ranges: Lister[LimitRange]) -> None:
        self._ranges = ranges

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin. A pod's resources do not change."""
        if subresource:
            return False
        if kind.message is Pod:
            return operation is Operation.CREATE
        return kind.message is PersistentVolumeClaim and operation in (Operation.CREATE, Operation.UPDATE)

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        if isinstance(request.new, Pod) and (ranges := self._ranges.within(request.write.namespace)):
            limitranger.complete(request.new, ranges.values())

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        if ranges := self._ranges.within(request.write.namespace):
            if isinstance(request.new, Pod):
                limitranger.check_pod(request.new, ranges.values())
            elif isinstance(request.new, PersistentVolumeClaim):
                limitranger.check_claim(request.new, ranges.values())
        return NOTHING


class ServiceAccount(Plugin):
    """Whom a pod acts as, and its token. A new namespace is committed together with its account `default`: no pod comes
    too early for it.
    """

    name: ClassVar[str] = "ServiceAccount"

    def __init__(self, accounts: Lister[Account]) -> None:
        self._accounts = accounts

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return kind.message in (Pod, Namespace) and operation is Operation.CREATE and not subresource

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        if isinstance(request.new, Pod):
            at = request.write.namespace
            serviceaccount.complete(request.new, lambda name: self._accounts.get(at, name))

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        return serviceaccount.of_namespace(request.new) if isinstance(request.new, Namespace) else NOTHING


class Priority(Plugin):
    """A pod's priority and preemption policy, from its class; and one default class at most."""

    name: ClassVar[str] = "Priority"

    def __init__(self, classes: Lister[PriorityClass]) -> None:
        self._classes = classes

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        if subresource:
            return False
        return kind.message is PriorityClass or (kind.message is Pod and operation is not Operation.DELETE)

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        if not isinstance(request.new, Pod):
            return
        if request.old is None:
            priority.complete(request.new, self._classes.within(""))
        else:
            priority.keep(request.new, request.old_as(Pod))

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        if isinstance(request.new, PriorityClass):
            if request.write.operation is Operation.DELETE:
                priority.check_deletable(request.new)
            else:
                priority.check_only_default(request.new, self._classes.within(""))
        return NOTHING


class DefaultTolerationSeconds(Plugin):
    """How long a pod stays on a node that is lost."""

    name: ClassVar[str] = "DefaultTolerationSeconds"

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return kind.message is Pod and operation in (Operation.CREATE, Operation.UPDATE) and not subresource

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        tolerate_lost_nodes(request.new_as(Pod), self._seconds)


class PodTopologyLabels(Plugin):
    """A pod that is bound gets the labels that say where its node stands (KEP-4742)."""

    name: ClassVar[str] = "PodTopologyLabels"

    def __init__(self, cache: Cache) -> None:
        self._nodes: Lister[Node] = listed(cache, Node)

    def handles(self, kind: Kind, operation: Operation, subresource: str) -> bool:
        """See Plugin."""
        return kind.message is Pod and subresource == "binding"

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        pod = request.new_as(Pod)
        node = self._nodes.get("", pod.spec.nodeName)
        if node is not None:
            for label in _TOPOLOGY & node.metadata.labels.keys():
                pod.metadata.labels[label] = node.metadata.labels[label]
