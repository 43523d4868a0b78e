"""capabilities: none beyond those that a runtime gives; at `restricted`, none but for low ports."""

from __future__ import annotations

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    containers_named,
    is_windows,
    quoted,
)
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

_BASELINE_ID = "capabilities_baseline"
_DEFAULTS = frozenset(
    {
        *("AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"),
        *("SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"),
    }
)
_LOW_PORTS = frozenset({"NET_BIND_SERVICE"})


def _added(spec: PodSpec, allowed: frozenset[str]) -> str:
    """Which containers add others than those allowed; empty when none does."""
    added = {one.name: {*one.securityContext.capabilities.add} - allowed for one in containers(spec)}
    bad = [name for name, more in added.items() if more]
    more = sorted({capability for each in added.values() for capability in each})
    where = f"must not include {quoted(more)} in securityContext.capabilities.add"
    return f"{containers_named(bad)} {where}" if bad else ""


def _check_baseline(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    added = _added(spec, _DEFAULTS)
    return Violation("non-default capabilities", added) if added else None


def _check_restricted(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    keeping = [one.name for one in containers(spec) if "ALL" not in one.securityContext.capabilities.drop]
    said = [f'{containers_named(keeping)} must set securityContext.capabilities.drop=["ALL"]'] if keeping else []
    if added := _added(spec, _LOW_PORTS):
        said.append(added)
    return Violation("unrestricted capabilities", "; ".join(said)) if said else None


def _check_restricted_on_linux(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    return None if is_windows(spec) else _check_restricted(metadata, spec)


BASELINE = Check(_BASELINE_ID, SecurityLevel.BASELINE, (Revision(0, _check_baseline),))
RESTRICTED = Check(
    "capabilities_restricted",
    SecurityLevel.RESTRICTED,
    (
        Revision(22, _check_restricted, (_BASELINE_ID,)),
        Revision(25, _check_restricted_on_linux, (_BASELINE_ID,)),
    ),
)
