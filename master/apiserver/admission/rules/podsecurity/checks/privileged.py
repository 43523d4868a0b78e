"""privileged: no container is as good as root on its host."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    containers_named,
)
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    bad = [one.name for one in containers(spec) if one.securityContext.privileged]
    if not bad:
        return None
    return Violation("privileged", f"{containers_named(bad)} must not set securityContext.privileged=true")


CHECK = Check("privileged", SecurityLevel.BASELINE, (Revision(0, _check),))
