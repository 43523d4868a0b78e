"""appArmorProfile: nobody leaves the profile of the runtime, but for one of the host's."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    counted,
    quoted,
    setters,
)
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"
_TYPES = frozenset({"", "Localhost", "RuntimeDefault"})


def _check(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    own = spec.securityContext.appArmorProfile.type
    asked = {one.name: one.securityContext.appArmorProfile.type for one in containers(spec)}
    bad = [name for name, kind in asked.items() if kind not in _TYPES]
    annotations = sorted(
        f'{key}="{value}"'
        for key, value in metadata.annotations.items()
        if key.startswith(_ANNOTATION) and not _is_allowed(value)
    )
    who = [setters(own not in _TYPES, bad)] if own not in _TYPES or bad else []
    who += [counted(len(annotations), "annotation", "annotations")] if annotations else []
    if not who:
        return None
    values = [*sorted({own, *asked.values()} - _TYPES), *annotations]
    return Violation(
        counted(len(values), "forbidden AppArmor profile", "forbidden AppArmor profiles"),
        f"{' and '.join(who)} must not set AppArmor profile type to {quoted(values)}",
    )


def _is_allowed(value: str) -> bool:
    return value in ("", "runtime/default") or value.startswith("localhost/")


CHECK = Check("appArmorProfile", SecurityLevel.BASELINE, (Revision(0, _check),))
