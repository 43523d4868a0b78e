"""allowPrivilegeEscalation: no program gets more rights than the one that started it."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    containers_named,
    is_windows,
)
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    bad = [
        one.name
        for one in containers(spec)
        if not one.securityContext.HasField("allowPrivilegeEscalation") or one.securityContext.allowPrivilegeEscalation
    ]
    if not bad:
        return None
    why = f"{containers_named(bad)} must set securityContext.allowPrivilegeEscalation=false"
    return Violation("allowPrivilegeEscalation != false", why)


def _check_on_linux(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    return None if is_windows(spec) else _check(metadata, spec)


CHECK = Check(
    "allowPrivilegeEscalation", SecurityLevel.RESTRICTED, (Revision(8, _check), Revision(25, _check_on_linux))
)
