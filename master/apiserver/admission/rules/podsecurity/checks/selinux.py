"""seLinuxOptions: a pod is of a type that containers are of, and of no other user or role."""

from __future__ import annotations

from collections.abc import Mapping

from master.apiserver.admission.rules.podsecurity.check import (
    Check,
    CheckPod,
    Revision,
    SecurityLevel,
    Violation,
    containers,
    counted,
    quoted,
    setters,
)
from podlab.core.v1.pod_pb2 import PodSpec, SELinuxOptions
from podlab.meta.v1.meta_pb2 import ObjectMeta

_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t"})


def _checking(types: frozenset[str]) -> CheckPod:
    def check(_: ObjectMeta, spec: PodSpec) -> Violation | None:
        own = spec.securityContext.seLinuxOptions
        by_pod = not _is_allowed(own, types)
        given: Mapping[str, SELinuxOptions] = {one.name: one.securityContext.seLinuxOptions for one in containers(spec)}
        bad = [name for name, options in given.items() if not _is_allowed(options, types)]
        if not by_pod and not bad:
            return None
        said = _said([own, *given.values()], types)
        return Violation(
            "seLinuxOptions", f"{setters(by_pod, bad)} set forbidden securityContext.seLinuxOptions: {said}"
        )

    return check


def _is_allowed(options: SELinuxOptions, types: frozenset[str]) -> bool:
    return options.type in types and not options.user and not options.role


def _said(all_options: list[SELinuxOptions], types: frozenset[str]) -> str:
    bad_types = sorted({options.type for options in all_options} - types)
    said = [f"{counted(len(bad_types), 'type', 'types')} {quoted(bad_types)}"] if bad_types else []
    said += ["user may not be set"] * any(options.user for options in all_options)
    said += ["role may not be set"] * any(options.role for options in all_options)
    return "; ".join(said)


CHECK = Check(
    "seLinuxOptions",
    SecurityLevel.BASELINE,
    (Revision(0, _checking(_TYPES)), Revision(31, _checking(_TYPES | {"container_engine_t"}))),
)
