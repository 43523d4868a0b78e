"""runAsUser: nobody asks to be root."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    in_user_namespace,
    setters,
)
from podlab.core.v1.pod_pb2 import PodSecurityContext, PodSpec, SecurityContext
from podlab.meta.v1.meta_pb2 import ObjectMeta


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    by_pod = _is_root(spec.securityContext)
    bad = [one.name for one in containers(spec) if _is_root(one.securityContext)]
    if not by_pod and not bad:
        return None
    return Violation("runAsUser=0", f"{setters(by_pod, bad)} must not set runAsUser=0")


def _is_root(context: PodSecurityContext | SecurityContext) -> bool:
    return context.HasField("runAsUser") and context.runAsUser == 0


def _check_unless_in_user_namespace(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    return None if in_user_namespace(spec) else _check(metadata, spec)


CHECK = Check(
    "runAsUser", SecurityLevel.RESTRICTED, (Revision(23, _check), Revision(35, _check_unless_in_user_namespace))
)
