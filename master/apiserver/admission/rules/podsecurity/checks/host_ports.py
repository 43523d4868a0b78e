"""hostPorts: no container takes a port of its host."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    containers_named,
    counted,
)
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    taken = {one.name: [str(port.hostPort) for port in one.ports if port.hostPort] for one in containers(spec)}
    bad = [name for name, ports in taken.items() if ports]
    if not bad:
        return None
    ports = sorted({port for each in taken.values() for port in each})
    word = counted(len(ports), "hostPort", "hostPorts")
    return Violation(
        "hostPort", f"{containers_named(bad)} {counted(len(bad), 'uses', 'use')} {word} {', '.join(ports)}"
    )


CHECK = Check("hostPorts", SecurityLevel.BASELINE, (Revision(0, _check),))
