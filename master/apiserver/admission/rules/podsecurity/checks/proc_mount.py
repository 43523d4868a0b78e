"""procMount: /proc stays masked. From 1.35 on a pod in a user namespace of its own is trusted with it at `baseline`."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    containers_named,
    in_user_namespace,
    quoted,
)
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

_ID = "procMount"


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    asked = {one.name: one.securityContext.procMount for one in containers(spec)}
    bad = {name: kind for name, kind in asked.items() if kind not in ("", "Default")}
    if not bad:
        return None
    kinds = quoted(sorted(set(bad.values())))
    return Violation("procMount", f"{containers_named([*bad])} must not set securityContext.procMount to {kinds}")


def _check_unless_in_user_namespace(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    return None if in_user_namespace(spec) else _check(metadata, spec)


BASELINE = Check(_ID, SecurityLevel.BASELINE, (Revision(0, _check), Revision(35, _check_unless_in_user_namespace)))
RESTRICTED = Check("procMount_restricted", SecurityLevel.RESTRICTED, (Revision(35, _check, (_ID,)),))
