"""hostProbesAndHostLifecycle: the kubelet is sent to nobody but the pod itself."""

from __future__ import annotations

from collections.abc import Iterator

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    containers_named,
    counted,
    quoted,
)
from podlab.core.v1.pod_pb2 import Container, LifecycleHandler, PodSpec, ProbeHandler
from podlab.meta.v1.meta_pb2 import ObjectMeta


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    sent_to = {one.name: {host for handler in _handlers(one) for host in _hosts(handler)} for one in containers(spec)}
    bad = sorted(name for name, hosts in sent_to.items() if hosts)
    if not bad:
        return None
    hosts = sorted({host for each in sent_to.values() for host in each})
    word = counted(len(hosts), "probe or lifecycle host", "probe or lifecycle hosts")
    return Violation(
        "probe or lifecycle host",
        f"{containers_named(bad)} {counted(len(bad), 'uses', 'use')} {word} {quoted(hosts)}",
    )


def _handlers(container: Container) -> Iterator[ProbeHandler | LifecycleHandler]:
    for probe in (container.livenessProbe, container.readinessProbe, container.startupProbe):
        yield probe.handler
    yield from (container.lifecycle.postStart, container.lifecycle.preStop)


def _hosts(handler: ProbeHandler | LifecycleHandler) -> Iterator[str]:
    yield from (host for host in (handler.httpGet.host, handler.tcpSocket.host) if host)


CHECK = Check("hostProbesAndHostLifecycle", SecurityLevel.BASELINE, (Revision(34, _check),))
