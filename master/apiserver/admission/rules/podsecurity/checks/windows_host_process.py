"""windowsHostProcess: no container of Windows is a process of its host."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    setters,
)
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    by_pod = spec.securityContext.windowsOptions.hostProcess
    bad = [one.name for one in containers(spec) if one.securityContext.windowsOptions.hostProcess]
    if not by_pod and not bad:
        return None
    why = f"{setters(by_pod, bad)} must not set securityContext.windowsOptions.hostProcess=true"
    return Violation("hostProcess", why)


CHECK = Check("windowsHostProcess", SecurityLevel.BASELINE, (Revision(0, _check),))
