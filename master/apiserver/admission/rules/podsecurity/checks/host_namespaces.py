"""hostNamespaces: a pod shares no namespace with its host."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import Check, Revision, SecurityLevel, Violation
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    shared = [name for name in ("hostIPC", "hostNetwork", "hostPID") if getattr(spec, name)]
    return Violation("host namespaces", ", ".join(shared)) if shared else None


CHECK = Check("hostNamespaces", SecurityLevel.BASELINE, (Revision(0, _check),))
