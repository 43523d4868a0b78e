"""seccompProfile: nobody is without a filter of system calls; at `restricted`, everybody asks for one."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    containers_named,
    counted,
    is_windows,
    quoted,
    setters,
)
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

_BASELINE_ID = "seccompProfile_baseline"
_POD, _CONTAINER = "seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/"
_TYPES = frozenset({"Localhost", "RuntimeDefault"})


def _check_annotations(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    keys = [_POD, *(f"{_CONTAINER}{one.name}" for one in containers(spec))]
    given = {key: metadata.annotations[key] for key in keys if key in metadata.annotations}
    bad = sorted(f'{key}="{value}"' for key, value in given.items() if not _is_allowed(value))
    if not bad:
        return None
    word = counted(len(bad), "annotation", "annotations")
    return Violation("seccompProfile", f"forbidden {word} {', '.join(bad)}")


def _is_allowed(value: str) -> bool:
    return value in ("runtime/default", "docker/default") or value.startswith("localhost/")


def _check_set(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    """What is set must be allowed."""
    own = spec.securityContext.seccompProfile.type if spec.securityContext.HasField("seccompProfile") else None
    asked = {
        one.name: one.securityContext.seccompProfile.type
        for one in containers(spec)
        if one.securityContext.HasField("seccompProfile")
    }
    by_pod = own is not None and own not in _TYPES
    bad = [name for name, kind in asked.items() if kind not in _TYPES]
    if not by_pod and not bad:
        return None
    values = sorted({*asked.values(), *([own] if own is not None else [])} - _TYPES)
    return Violation(
        "seccompProfile",
        f"{setters(by_pod, bad)} must not set securityContext.seccompProfile.type to {quoted(values)}",
    )


def _check_required(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    """It must be set, too, by the pod or by each container."""
    if violation := _check_set(metadata, spec):
        return violation
    if spec.securityContext.HasField("seccompProfile"):
        return None
    lacking = [one.name for one in containers(spec) if not one.securityContext.HasField("seccompProfile")]
    if not lacking:
        return None
    return Violation(
        "seccompProfile",
        f"pod or {containers_named(lacking)} must set securityContext.seccompProfile.type to "
        '"RuntimeDefault" or "Localhost"',
    )


def _check_required_on_linux(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    return None if is_windows(spec) else _check_required(metadata, spec)


BASELINE = Check(_BASELINE_ID, SecurityLevel.BASELINE, (Revision(0, _check_annotations), Revision(19, _check_set)))
RESTRICTED = Check(
    "seccompProfile_restricted",
    SecurityLevel.RESTRICTED,
    (
        Revision(19, _check_required, (_BASELINE_ID,)),
        Revision(25, _check_required_on_linux, (_BASELINE_ID,)),
    ),
)
