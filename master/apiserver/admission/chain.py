"""Admission in order: what completes new objects before they are validated, and what judges writes after that.

Kubernetes' order: namespace lifecycle, service account, limit ranges, priority, default classes, growth of claims.
Quotas come last, with the commit itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message

from master.apiserver.admission import default_classes, limitranger, namespacelifecycle, priority, serviceaccount
from master.apiserver.admission.lister import Followed
from master.apiserver.admission.refusal import forbidden
from master.apiserver.admission.resourcequota import Quotas
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.core.v1 import namespace_pb2, pod_pb2, quota_pb2, serviceaccount_pb2, volume_pb2
from podlab.kinds.validation.cluster.policy import SYSTEM_CLASSES
from podlab.meta.v1 import meta_pb2
from podlab.networking.v1 import ingress_pb2
from podlab.scheduling.v1 import priorityclass_pb2
from podlab.storage.v1 import storageclass_pb2


class Admission:
    """Looks things up as the cache has them; changes no more than the message it is given."""

    def __init__(self, cache: Cache) -> None:
        self.quotas = Quotas(cache)
        self._namespaces: Followed[namespace_pb2.Namespace] = _followed(cache, namespace_pb2.Namespace)
        self._accounts: Followed[serviceaccount_pb2.ServiceAccount] = _followed(
            cache, serviceaccount_pb2.ServiceAccount
        )
        self._ranges: Followed[quota_pb2.LimitRange] = _followed(cache, quota_pb2.LimitRange)
        self._priorities: Followed[priorityclass_pb2.PriorityClass] = _followed(cache, priorityclass_pb2.PriorityClass)
        self._storage: Followed[storageclass_pb2.StorageClass] = _followed(cache, storageclass_pb2.StorageClass)
        self._ingress: Followed[ingress_pb2.IngressClass] = _followed(cache, ingress_pb2.IngressClass)
        self._completing: dict[type[Message], Callable[[Any], None]] = {
            pod_pb2.Pod: self._complete_pod,
            volume_pb2.PersistentVolumeClaim: lambda claim: default_classes.complete_claim(
                claim, self._storage.within("")
            ),
            ingress_pb2.Ingress: lambda ingress: default_classes.complete_ingress(ingress, self._ingress.within("")),
            quota_pb2.ResourceQuota: self.quotas.begin,
        }
        self._judging: dict[type[Message], Callable[[Any, Any], None]] = {
            pod_pb2.Pod: self._judge_pod,
            volume_pb2.PersistentVolumeClaim: self._judge_claim,
            priorityclass_pb2.PriorityClass: lambda new, _: priority.check_only_default(
                new, self._priorities.within("")
            ),
        }

    def check_home(self, message: Message) -> None:
        """Raises NotFound when the object's namespace is not there, Forbidden when it goes."""
        namespace = _metadata(message).namespace
        namespacelifecycle.check_home(message, namespace, self._namespaces.get("", namespace))

    def complete(self, message: Message) -> None:
        """Give a new object, which has its defaults, what depends on the rest of the cluster. Raises Forbidden."""
        if complete := self._completing.get(type(message)):
            complete(message)

    def judge(self, new: Message, old: Message | None) -> None:
        """Raises Forbidden when what is valid in itself may not be written here. `old` is None for a new object."""
        if judge := self._judging.get(type(new)):
            judge(new, old)

    def judge_deletion(self, old: Message) -> None:
        """Raises Forbidden for what the cluster itself stands on."""
        if isinstance(old, priorityclass_pb2.PriorityClass) and old.metadata.name in SYSTEM_CLASSES:
            raise forbidden(old, "this is a system priority class and cannot be deleted")

    def follow_pods_needs(self, changed: Callable[[], None]) -> None:
        """Call `changed` whenever something changes that `complete` looks up for pods."""
        for followed in (self._accounts, self._ranges, self._priorities):
            followed.follow(changed)

    def _complete_pod(self, pod: pod_pb2.Pod) -> None:
        at = pod.metadata.namespace
        serviceaccount.complete(pod, lambda name: self._accounts.get(at, name))
        if ranges := self._ranges.within(at):
            limitranger.complete(pod, ranges.values())
        priority.complete(pod, self._priorities.within(""))

    def _judge_pod(self, new: pod_pb2.Pod, old: pod_pb2.Pod | None) -> None:
        if old is None and (ranges := self._ranges.within(new.metadata.namespace)):
            limitranger.check_pod(new, ranges.values())

    def _judge_claim(self, new: volume_pb2.PersistentVolumeClaim, old: volume_pb2.PersistentVolumeClaim | None) -> None:
        if ranges := self._ranges.within(new.metadata.namespace):
            limitranger.check_claim(new, ranges.values())
        if old is not None:
            default_classes.check_growth(new, old, self._storage.within(""))


def _followed(cache: Cache, kind: type[Message]) -> Followed[Any]:
    return Followed(cache.window(kinds.of(kind)))


def _metadata(message: Any) -> meta_pb2.ObjectMeta:
    metadata: meta_pb2.ObjectMeta = message.metadata
    return metadata
