"""runAsNonRoot: the kubelet starts no container as root."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    containers_named,
    in_user_namespace,
    setters,
)
from podlab.core.v1.pod_pb2 import PodSecurityContext, PodSpec, SecurityContext
from podlab.meta.v1.meta_pb2 import ObjectMeta

_REASON = "runAsNonRoot != true"


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    own = spec.securityContext
    asked = {one.name: one.securityContext for one in containers(spec)}
    allowing = [name for name, context in asked.items() if _allows_root(context)]
    by_pod = _allows_root(own)
    if by_pod or allowing:
        return Violation(_REASON, f"{setters(by_pod, allowing)} must not set securityContext.runAsNonRoot=false")
    lacking = [name for name, context in asked.items() if not context.HasField("runAsNonRoot")]
    if own.runAsNonRoot or not lacking:
        return None
    return Violation(_REASON, f"pod or {containers_named(lacking)} must set securityContext.runAsNonRoot=true")


def _allows_root(context: PodSecurityContext | SecurityContext) -> bool:
    return context.HasField("runAsNonRoot") and not context.runAsNonRoot


def _check_unless_in_user_namespace(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    return None if in_user_namespace(spec) else _check(metadata, spec)


CHECK = Check(
    "runAsNonRoot", SecurityLevel.RESTRICTED, (Revision(0, _check), Revision(35, _check_unless_in_user_namespace))
)
