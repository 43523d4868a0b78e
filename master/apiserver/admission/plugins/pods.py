"""Plugins about pods: LimitRanger, ServiceAccount, Priority, DefaultTolerationSeconds, RuntimeClass, and
PodTopologyLabels."""

from __future__ import annotations

from typing import ClassVar

from master.apiserver.admission.lister import Lister, listed
from master.apiserver.admission.plugin import (
    ALL,
    NOTHING,
    AdmissionRequest,
    Alongside,
    Followed,
    Plugin,
    Scope,
    writes_of,
)
from master.apiserver.admission.rules import limitranger, priority, runtimeclass, serviceaccount
from master.apiserver.admission.write import Operation
from master.apiserver.watchcache.cache import Cache
from podlab.api.selection.labels import REGION_LABEL, ZONE_LABEL
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.quota_pb2 import LimitRange
from podlab.core.v1.serviceaccount_pb2 import ServiceAccount as Account
from podlab.core.v1.volume_pb2 import PersistentVolumeClaim
from podlab.kinds.defaults.tolerations import tolerate_lost_nodes
from podlab.node.v1.runtimeclass_pb2 import RuntimeClass as Class
from podlab.scheduling.v1.priorityclass_pb2 import PriorityClass

_TOPOLOGY = frozenset({ZONE_LABEL, REGION_LABEL})


class LimitRanger(Plugin):
    """Requests and limits that containers leave open, and bounds of what pods and claims ask for."""

    name: ClassVar[str] = "LimitRanger"
    scopes: ClassVar[tuple[Scope, ...]] = (
        *writes_of(Pod, on=(Operation.CREATE,)),
        *writes_of(Pod, on=(Operation.UPDATE,), below=("resize",)),  # otherwise a pod's resources do not change
        *writes_of(PersistentVolumeClaim),
    )

    def __init__(self, ranges: Lister[LimitRange]) -> None:
        self._ranges = ranges

    @property
    def completes_by(self) -> tuple[Followed, ...]:
        """See Plugin."""
        return (self._ranges,)

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
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Pod, Namespace, on=(Operation.CREATE,))

    def __init__(self, accounts: Lister[Account]) -> None:
        self._accounts = accounts

    @property
    def completes_by(self) -> tuple[Followed, ...]:
        """See Plugin."""
        return (self._accounts,)

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
    scopes: ClassVar[tuple[Scope, ...]] = (*writes_of(PriorityClass, on=ALL), *writes_of(Pod))

    def __init__(self, classes: Lister[PriorityClass]) -> None:
        self._classes = classes

    @property
    def completes_by(self) -> tuple[Followed, ...]:
        """See Plugin."""
        return (self._classes,)

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
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Pod)

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        tolerate_lost_nodes(request.new_as(Pod), self._seconds)


class RuntimeClass(Plugin):
    """A pod's overhead, and the nodes that can run it, as its class says."""

    name: ClassVar[str] = "RuntimeClass"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Pod, on=(Operation.CREATE,))

    def __init__(self, classes: Lister[Class]) -> None:
        self._classes = classes

    @property
    def completes_by(self) -> tuple[Followed, ...]:
        """See Plugin."""
        return (self._classes,)

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        runtimeclass.complete(request.new_as(Pod), self._class)

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        runtimeclass.check(request.new_as(Pod), self._class)
        return NOTHING

    def _class(self, name: str) -> Class | None:
        return self._classes.get("", name)


class PodTopologyLabels(Plugin):
    """A pod that is bound gets the labels that say where its node stands (KEP-4742)."""

    name: ClassVar[str] = "PodTopologyLabels"
    scopes: ClassVar[tuple[Scope, ...]] = writes_of(Pod, on=(Operation.CREATE,), below=("binding",))

    def __init__(self, cache: Cache) -> None:
        self._nodes: Lister[Node] = listed(cache, Node)

    async def mutate(self, request: AdmissionRequest) -> None:
        """See Plugin."""
        pod = request.new_as(Pod)
        node = self._nodes.get("", pod.spec.nodeName)
        if node is None:
            return
        labels = node.metadata.labels
        for label in _TOPOLOGY:
            if label in labels:
                pod.metadata.labels[label] = labels[label]
