"""PodSecurity: the pod security standard that a namespace's labels choose. What is decided stands in the rules."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import ClassVar

from google.protobuf.message import Message

from master.apiserver.admission.lister import Lister
from master.apiserver.admission.plugin import NOTHING, AdmissionRequest, Alongside, Plugin, Scope, writes_of
from master.apiserver.admission.rules.podsecurity import evaluation
from master.apiserver.admission.rules.podsecurity.evaluation import Census, Judgement
from master.apiserver.admission.rules.podsecurity.policy import (
    Configuration,
    Labelled,
    Standard,
    of_labels,
)
from master.apiserver.admission.rules.refusal import refused
from master.apiserver.watchcache import keys
from master.apiserver.watchcache.cache import Cache
from podlab.api import kinds
from podlab.apps.v1.daemonset_pb2 import DaemonSet
from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.apps.v1.replicaset_pb2 import ReplicaSet
from podlab.apps.v1.statefulset_pb2 import StatefulSet
from podlab.batch.v1.cronjob_pb2 import CronJob
from podlab.batch.v1.job_pb2 import Job
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.pod_pb2 import Pod, PodTemplateSpec
from podlab.core.v1.podtemplate_pb2 import PodTemplate
from podlab.core.v1.replicationcontroller_pb2 import ReplicationController
from podlab.errors import Invalid

_WORKLOADS = (PodTemplate, ReplicationController, ReplicaSet, Deployment, StatefulSet, DaemonSet, Job, CronJob)
# Others have their turn after so many pods.
_AT_ONCE = 50


class PodSecurity(Plugin):
    """Refuses pods that violate what is enforced, and warns of pods and templates that violate what is warned of.

    https://kubernetes.io/docs/concepts/security/pod-security-admission/
    """

    name: ClassVar[str] = "PodSecurity"
    scopes: ClassVar[tuple[Scope, ...]] = (
        *writes_of(Pod, below=("", "ephemeralcontainers")),
        *writes_of(Namespace, *_WORKLOADS),
    )

    def __init__(self, cache: Cache, namespaces: Lister[Namespace], configuration: Configuration) -> None:
        self._cache = cache
        self._namespaces = namespaces
        self._configuration = configuration
        self._known: dict[str, tuple[Namespace, Labelled]] = {}

    async def validate(self, request: AdmissionRequest) -> Alongside:
        """See Plugin."""
        if isinstance(request.new, Namespace):
            await self._judge_namespace(request, request.new)
            return NOTHING
        judgement = self._judged(request)
        request.write.context.annotations.update(judgement.annotations)
        if judgement.refusal:
            raise refused(request.write.kind, request.write.name, judgement.refusal)
        _warn(request, judgement.warnings)
        return NOTHING

    def _judged(self, request: AdmissionRequest) -> Judgement:
        write, exempt = request.write, self._configuration
        if write.namespace in exempt.namespaces:
            return evaluation.exempt("namespace")
        if write.user.name in exempt.users:
            return evaluation.exempt("user")
        labelled = self._policy(write.namespace)
        if isinstance(request.new, Pod):
            return self._judged_pod(request, request.new, labelled)
        if not labelled.causes and labelled.policy.is_silent:
            return evaluation.NOTHING_SAID
        return self._judged_template(_template(request.new), labelled, enforced=False)

    def _judged_pod(self, request: AdmissionRequest, pod: Pod, labelled: Labelled) -> Judgement:
        if not labelled.causes and labelled.policy.is_privileged:
            return evaluation.PRIVILEGED
        if isinstance(request.old, Pod) and not evaluation.is_significant(pod.spec, request.old.spec):
            return evaluation.NOTHING_SAID
        return self._judged_template(pod, labelled, enforced=True)

    def _judged_template(self, template: Pod | PodTemplateSpec, labelled: Labelled, *, enforced: bool) -> Judgement:
        if template.spec.runtimeClassName in self._configuration.runtime_classes:
            return evaluation.exempt("runtimeClass")
        return evaluation.judged(labelled, template.metadata, template.spec, enforced=enforced)

    def _policy(self, name: str) -> Labelled:
        """That of the namespace as it is now; worked out once for each of its states."""
        namespace = self._namespaces.get("", name)
        if namespace is None:
            return Labelled(self._configuration.defaults)
        known = self._known.get(name)
        if known is None or known[0] is not namespace:
            known = self._known[name] = (namespace, self._labelled(namespace))
        return known[1]

    def _labelled(self, namespace: Namespace) -> Labelled:
        return of_labels(namespace.metadata.labels, self._configuration.defaults)

    async def _judge_namespace(self, request: AdmissionRequest, new: Namespace) -> None:
        after = self._labelled(new)
        before = self._labelled(request.old) if isinstance(request.old, Namespace) else None
        if after.causes and (before is None or after.causes != before.causes):
            raise Invalid.of(request.write.kind.qualified_name, request.write.name, after.causes)
        enforced = after.policy.enforce
        if before is not None and not evaluation.becomes_stricter(enforced, before.policy.enforce):
            return
        if new.metadata.name in self._configuration.namespaces:
            if not after.policy.is_privileged and after.policy != self._configuration.defaults:
                _warn(request, (evaluation.exempt_warning(new.metadata, after.policy),))
        elif before is not None:
            _warn(request, await self._violating(new.metadata.name, enforced))

    async def _violating(self, namespace: str, enforced: Standard) -> list[str]:
        """Which pods that are there would not be let in any more."""
        pods, classes = kinds.of(Pod), self._configuration.runtime_classes
        entries = self._cache.window(pods).ordered(keys.scope_prefix(pods, namespace))
        found = [entry.message_as(Pod) for entry in entries]
        ordered = evaluation.in_order(pod for pod in found if pod.spec.runtimeClassName not in classes)
        census = Census(namespace, enforced)
        looked_at = ordered[: evaluation.MOST_PODS]
        for count, pod in enumerate(looked_at, start=1):
            census.add(pod)
            if count % _AT_ONCE == 0:
                await asyncio.sleep(0)
        return census.warnings(len(looked_at), len(ordered))


def _warn(request: AdmissionRequest, warnings: Iterable[str]) -> None:
    """Once, however often it is tried again."""
    told = request.write.context.warnings
    told.extend(warning for warning in warnings if warning not in told)


def _template(message: Message) -> PodTemplateSpec:
    """The template of the workload's pods."""
    if isinstance(message, CronJob):
        return message.spec.jobTemplate.spec.template
    if isinstance(message, PodTemplate):
        return message.template
    assert isinstance(message, ReplicationController | ReplicaSet | Deployment | StatefulSet | DaemonSet | Job)
    return message.spec.template
