"""procMount and sysctls: /proc stays masked, and a pod sets below it only what changes nothing for others.

From 1.35 on a pod in a user namespace of its own is trusted with an unmasked one at `baseline`.
"""

from __future__ import annotations

from typing import Final

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    CheckPod,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    containers_named,
    in_user_namespace,
    quoted,
)
from podlab.api.pods.sysctls import SAFE
from podlab.core.v1.pod_pb2 import PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

_ID = "procMount"
# By the version of Kubernetes that began to allow them.
_SINCE_32: Final = frozenset({"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"})
_SINCE_29: Final = frozenset(
    {
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
    }
)
_SINCE_27: Final = frozenset({"net.ipv4.ip_local_reserved_ports"})


def _check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
    asked = {one.name: one.securityContext.procMount for one in containers(spec)}
    bad = {name: kind for name, kind in asked.items() if kind not in ("", "Default")}
    if not bad:
        return None
    kinds = quoted(sorted(set(bad.values())))
    return Violation("procMount", f"{containers_named([*bad])} must not set securityContext.procMount to {kinds}")


def _check_unless_in_user_namespace(metadata: ObjectMeta, spec: PodSpec) -> Violation | None:
    return None if in_user_namespace(spec) else _check(metadata, spec)


def _allowing(allowed: frozenset[str]) -> CheckPod:
    def check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
        bad = [each.name for each in spec.securityContext.sysctls if each.name not in allowed]
        return Violation("forbidden sysctls", ", ".join(bad)) if bad else None

    return check


BASELINE = Check(_ID, SecurityLevel.BASELINE, (Revision(0, _check), Revision(35, _check_unless_in_user_namespace)))
RESTRICTED = Check("procMount_restricted", SecurityLevel.RESTRICTED, (Revision(35, _check, (_ID,)),))
SYSCTLS = Check(
    "sysctls",
    SecurityLevel.BASELINE,
    (
        Revision(0, _allowing(SAFE - _SINCE_32 - _SINCE_29 - _SINCE_27)),
        Revision(27, _allowing(SAFE - _SINCE_32 - _SINCE_29)),
        Revision(29, _allowing(SAFE - _SINCE_32)),
        Revision(32, _allowing(SAFE)),
    ),
)
