"""The one table of what each kind's authors are warned of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import Message

from podlab.apps.v1 import daemonset_pb2, deployment_pb2, replicaset_pb2, statefulset_pb2
from podlab.batch.v1 import cronjob_pb2, job_pb2
from podlab.core.v1 import pod_pb2, replicationcontroller_pb2, service_pb2, volume_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.warnings import claims, network, pods
from podlab.networking.v1 import ingress_pb2, networkpolicy_pb2

_Look = Callable[[Any], Iterator[str]]


def of(new: Message, old: Message | None) -> list[str]:
    """What to tell of an object that replaces `old`, None for a new one. Its status is not looked at.

    Pods are looked at when they are made; of others whose pods are made later, when what they ask for changes.
    """
    kind = type(new)
    if kind in _TEMPLATES:
        if old is not None and _spec(new) == _spec(old):
            return []
        return [*(_of_name(new) if old is None else ()), *_TEMPLATES[kind](new)]
    if kind is pod_pb2.Pod:
        return [*_of_name(new), *pods.of(new)] if old is None else []  # type: ignore[arg-type]
    look = _OTHERS.get(kind)
    return list(look(new)) if look is not None else []


def _template(message: Any) -> Iterator[str]:
    yield from pods.of(message.spec.template, "spec.template")


def _stateful_set(message: statefulset_pb2.StatefulSet) -> Iterator[str]:
    yield from _template(message)
    for index, template in enumerate(message.spec.volumeClaimTemplates):
        yield from claims.of_spec(f"spec.volumeClaimTemplates[{index}].spec", template.spec)
    if message.spec.revisionHistoryLimit < 0:
        yield (
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended"
        )


def _cron_job(message: cronjob_pb2.CronJob) -> Iterator[str]:
    yield from pods.of(message.spec.jobTemplate.spec.template, "spec.jobTemplate.spec.template")


_TEMPLATES: dict[type[Message], _Look] = {
    deployment_pb2.Deployment: _template,
    replicaset_pb2.ReplicaSet: _template,
    replicationcontroller_pb2.ReplicationController: _template,
    daemonset_pb2.DaemonSet: _template,
    statefulset_pb2.StatefulSet: _stateful_set,
    job_pb2.Job: _template,
    cronjob_pb2.CronJob: _cron_job,
}
_OTHERS: dict[type[Message], _Look] = {
    service_pb2.Service: network.of_service,
    ingress_pb2.Ingress: network.of_ingress,
    networkpolicy_pb2.NetworkPolicy: network.of_policy,
    volume_pb2.PersistentVolume: claims.of_volume,
    volume_pb2.PersistentVolumeClaim: claims.of_claim,
}
_NAMED_IN_PODS = frozenset(_TEMPLATES) - {daemonset_pb2.DaemonSet, statefulset_pb2.StatefulSet}


def _spec(message: Any) -> Message:
    spec: Message = message.spec
    return spec


def _of_name(message: Any) -> Iterator[str]:
    """Names of more than a label's form come into hostnames."""
    faults = syntax.label(message.metadata.name)
    if not faults:
        return
    told = f"which can result in surprising behavior; a DNS label is recommended: [{' '.join(faults)}]"
    if type(message) is pod_pb2.Pod:
        yield f"metadata.name: this is used in the Pod's hostname, {told}"
    elif type(message) in _NAMED_IN_PODS:
        yield f"metadata.name: this is used in Pod names and hostnames, {told}"
