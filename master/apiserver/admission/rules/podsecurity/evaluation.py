"""What is said of a pod, of a workload's template, and of the pods of a namespace that becomes stricter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from master.apiserver.admission.rules.podsecurity.check import Check, CheckPod, SecurityLevel, Violation
from master.apiserver.admission.rules.podsecurity.checks import (
    allow_privilege_escalation,
    apparmor,
    capabilities,
    host_namespaces,
    host_path_volumes,
    host_ports,
    host_probes,
    privileged,
    proc,
    restricted_volumes,
    run_as_non_root,
    run_as_user,
    seccomp,
    selinux,
    windows_host_process,
)
from master.apiserver.admission.rules.podsecurity.policy import LABELS, Labelled, NamespacePolicy, Standard
from podlab.core.v1.pod_pb2 import Container, Pod, PodSpec
from podlab.meta.v1.meta_pb2 import ObjectMeta

# Each level in the order in which violations are told: by the names of the checks.
BASELINE: tuple[Check, ...] = (
    apparmor.CHECK,
    capabilities.BASELINE,
    host_namespaces.CHECK,
    host_path_volumes.CHECK,
    host_ports.CHECK,
    host_probes.CHECK,
    privileged.CHECK,
    proc.BASELINE,
    selinux.CHECK,
    seccomp.BASELINE,
    proc.SYSCTLS,
    windows_host_process.CHECK,
)
RESTRICTED: tuple[Check, ...] = (
    allow_privilege_escalation.CHECK,
    capabilities.RESTRICTED,
    proc.RESTRICTED,
    restricted_volumes.CHECK,
    run_as_non_root.CHECK,
    run_as_user.CHECK,
    seccomp.RESTRICTED,
)
NEWEST = max(revision.since for check in (*BASELINE, *RESTRICTED) for revision in check.revisions)
# Of a namespace that becomes stricter, so many pods are looked at.
MOST_PODS = 3000


@cache
def checks_of(standard: Standard) -> tuple[CheckPod, ...]:
    """What a pod has to pass, in order."""
    minor = NEWEST if standard.minor is None else min(standard.minor, NEWEST)
    if standard.level is SecurityLevel.PRIVILEGED:
        return ()
    stricter = RESTRICTED if standard.level is SecurityLevel.RESTRICTED else ()
    revisions = [revision for check in stricter if (revision := check.at(minor)) is not None]
    replaced = {name for revision in revisions for name in revision.overrides}
    below = (check.at(minor) for check in BASELINE if check.id not in replaced)
    return tuple(revision.check for revision in (*below, *revisions) if revision is not None)


def violations(standard: Standard, metadata: ObjectMeta, spec: PodSpec) -> list[Violation]:
    """All that the standard has against the pod."""
    found = (check(metadata, spec) for check in checks_of(standard))
    return [violation for violation in found if violation is not None]


@dataclass(frozen=True, slots=True)
class Judgement:
    """`refusal` is empty for what may be written. `annotations` are for the audit log."""

    refusal: str = ""
    warnings: tuple[str, ...] = ()
    annotations: dict[str, str] = field(default_factory=dict)


def judged(labelled: Labelled, metadata: ObjectMeta, spec: PodSpec, *, enforced: bool) -> Judgement:
    """Of a pod, or of a template, for which nothing is enforced."""
    policy, annotations = labelled.policy, {}
    if labelled.causes:
        annotations[f"{LABELS}error"] = f"Failed to parse policy: {_aggregated(labelled)}"
    told = {standard: _told(standard, metadata, spec) for standard in _looked_at(policy, enforced=enforced)}
    if enforced:
        annotations[f"{LABELS}enforce-policy"] = str(policy.enforce)
    if told[policy.audit]:
        annotations[f"{LABELS}audit-violations"] = f"would violate {told[policy.audit]}"
    if enforced and told[policy.enforce]:
        return Judgement(f"violates {told[policy.enforce]}", (), annotations)
    warnings = (f"would violate {told[policy.warn]}",) if told[policy.warn] else ()
    return Judgement("", warnings, annotations)


def exempt(reason: str) -> Judgement:
    """Of what is not looked at: user, namespace or runtimeClass say why."""
    return Judgement(annotations={f"{LABELS}exempt": reason})


NOTHING_SAID = Judgement()
PRIVILEGED = Judgement(annotations={f"{LABELS}enforce-policy": str(Standard())})


def _looked_at(policy: NamespacePolicy, *, enforced: bool) -> set[Standard]:
    return {policy.audit, policy.warn, *((policy.enforce,) if enforced else ())}


def _told(standard: Standard, metadata: ObjectMeta, spec: PodSpec) -> str:
    found = violations(standard, metadata, spec)
    return f'PodSecurity "{standard}": {", ".join(map(str, found))}' if found else ""


def _aggregated(labelled: Labelled) -> str:
    told = [str(cause) for cause in labelled.causes]
    return told[0] if len(told) == 1 else f"[{', '.join(told)}]"


def is_significant(new: PodSpec, old: PodSpec) -> bool:
    """Whether a changed pod is looked at again: for what runs in it."""
    lists = ((new.containers, old.containers), (new.initContainers, old.initContainers))
    if any(_images(mine) != _images(theirs) for mine, theirs in lists):
        return True
    before = {one.ephemeralContainerCommon.name: one.ephemeralContainerCommon.image for one in old.ephemeralContainers}
    joined = (one.ephemeralContainerCommon for one in new.ephemeralContainers)
    return any(before.get(one.name) != one.image for one in joined)


def _images(containers: Sequence[Container]) -> list[str]:
    return [one.image for one in containers]


def becomes_stricter(new: Standard, old: Standard) -> bool:
    """Whether pods that were let in before may violate what is enforced from now on."""
    if new == old or new.level is SecurityLevel.PRIVILEGED:
        return False
    return new.minor != old.minor or new.level > old.level


def in_order(pods: Iterable[Pod]) -> list[Pod]:
    """One of each controller first: they are alike."""
    first: list[Pod] = []
    others: list[Pod] = []
    seen: set[str] = set()
    for pod in pods:
        owner = next((one.uid for one in pod.metadata.ownerReferences if one.controller), "")
        (others if owner in seen else first).append(pod)
        seen.update((owner,) if owner else ())
    return [*first, *others]


def exempt_warning(namespace: ObjectMeta, policy: NamespacePolicy) -> str:
    """For whoever labels a namespace that nobody looks at."""
    labels = namespace.labels
    modes = {"enforce": policy.enforce, "audit": policy.audit, "warn": policy.warn}
    told = ", ".join(
        f"{mode}={standard}"
        for mode, standard in modes.items()
        if standard.level and (f"{LABELS}{mode}" in labels or f"{LABELS}{mode}-version" in labels)
    )
    return f'namespace "{namespace.name}" is exempt from Pod Security, and the policy ({told}) will be ignored'


@dataclass(slots=True)
class Census:
    """Counts the pods of a namespace that violate a standard, by what they violate."""

    namespace: str
    standard: Standard
    _names: dict[str, list[str]] = field(default_factory=dict)

    def add(self, pod: Pod) -> None:
        """Look at one."""
        if found := violations(self.standard, pod.metadata, pod.spec):
            self._names.setdefault(", ".join(one.reason for one in found), []).append(pod.metadata.name)

    def warnings(self, looked_at: int, total: int) -> list[str]:
        """For whoever made the namespace stricter."""
        told = []
        if looked_at < total:
            told.append(
                f"new PodSecurity enforce level only checked against the first {looked_at} of {total} existing pods"
            )
        if self._names:
            where = f'existing pods in namespace "{self.namespace}" violate the new PodSecurity enforce level'
            told.append(f'{where} "{self.standard}"')
        return told + sorted(f"{_first(names)}: {reason}" for reason, names in self._names.items())


def _first(names: Sequence[str]) -> str:
    others = len(names) - 1
    more = f" (and {others} other {'pod' if others == 1 else 'pods'})" if others else ""
    return f"{min(names)}{more}"
