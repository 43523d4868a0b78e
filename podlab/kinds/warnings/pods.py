"""Of pods and of what pods are made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from podlab.core.v1 import pod_pb2
from podlab.kinds.warnings import claims, containers, labels
from podlab.meta.v1 import meta_pb2

_SECCOMP = "seccomp.security.alpha.kubernetes.io/pod"
_SECCOMP_OF = "container.seccomp.security.alpha.kubernetes.io/"
_APPARMOR_OF = "container.apparmor.security.beta.kubernetes.io/"
_SYSCTLS = 'non-functional in v1.11+; use the "sysctls" field instead'
_ANNOTATIONS = {
    "scheduler.alpha.kubernetes.io/critical-pod": (
        'non-functional in v1.16+; use the "priorityClassName" field instead'
    ),
    "security.alpha.kubernetes.io/sysctls": _SYSCTLS,
    "security.alpha.kubernetes.io/unsafe-sysctls": _SYSCTLS,
}
_NO_PROFILE = 'non-functional in v1.27+; use the "seccompProfile" field instead'
_NULL_SELECTOR = "a null labelSelector results in matching no pod"


def of(pod: pod_pb2.Pod | pod_pb2.PodTemplateSpec, at: str = "") -> Iterator[str]:
    """`at` is where a template stands, and empty for a pod."""
    prefix = f"{at}." if at else ""
    field, spec, marks = f"{prefix}spec", pod.spec, f"{prefix}metadata.annotations"
    yield from _placement(field, spec)
    for key, told in _ANNOTATIONS.items():
        if key in pod.metadata.annotations:
            yield f"{marks}[{key}]: {told}"
    yield from _volumes(field, spec)
    yield from _repeated(f"{field}.hostAliases", "ip", (alias.ip for alias in spec.hostAliases))
    yield from _repeated(f"{field}.imagePullSecrets", "name", (secret.name for secret in spec.imagePullSecrets))
    for index, secret in enumerate(spec.imagePullSecrets):
        if not secret.name:
            yield f'{field}.imagePullSecrets[{index}].name: invalid empty name ""'
    yield from containers.of_bytes(f"{field}.overhead", spec.overhead)
    if _SECCOMP in pod.metadata.annotations and not spec.securityContext.HasField("seccompProfile"):
        yield f"{marks}[{_SECCOMP}]: {_NO_PROFILE}"
    for where, container in containers.each(field, spec):
        yield from _profiles(marks, pod.metadata, spec, container, template=bool(at))
        yield from containers.of_resources(where, container)
        yield from containers.of_variables(where, container)
    yield from containers.of_ports(field, spec)
    yield from _neighbours(f"{field}.affinity", spec.affinity)


def is_looked_at(annotation: str) -> bool:
    """Whether something may be said of a pod for its having this annotation."""
    return annotation in _ANNOTATIONS or annotation == _SECCOMP or annotation.startswith((_SECCOMP_OF, _APPARMOR_OF))


def _placement(field: str, spec: pod_pb2.PodSpec) -> Iterator[str]:
    for key in sorted(spec.nodeSelector):
        if key in labels.DEPRECATED:
            yield f"{field}.nodeSelector[{key}]: {labels.DEPRECATED[key]}"
    nodes, where = spec.affinity.nodeAffinity, f"{field}.affinity.nodeAffinity"
    for index, term in enumerate(nodes.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms):
        at = f"{where}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[{index}]"
        yield from labels.of_term(at, term)
    for index, wish in enumerate(nodes.preferredDuringSchedulingIgnoredDuringExecution):
        at = f"{where}.preferredDuringSchedulingIgnoredDuringExecution[{index}].preference"
        yield from labels.of_term(at, wish.preference)
    for index, constraint in enumerate(spec.topologySpreadConstraints):
        at = f"{field}.topologySpreadConstraints[{index}]"
        yield from labels.of_key(f"{at}.topologyKey", constraint.topologyKey)
        if not constraint.HasField("labelSelector"):
            yield f"{at}.labelSelector: {_NULL_SELECTOR}"


def _neighbours(field: str, affinity: pod_pb2.Affinity) -> Iterator[str]:
    for name in ("podAffinity", "podAntiAffinity"):
        side, where = getattr(affinity, name), f"{field}.{name}"
        required, preferred = (
            f"{where}.{how}DuringSchedulingIgnoredDuringExecution" for how in ("required", "preferred")
        )
        for index, term in enumerate(side.requiredDuringSchedulingIgnoredDuringExecution):
            if not term.HasField("labelSelector"):
                yield f"{required}[{index}].labelSelector: {_NULL_SELECTOR}"
        for index, wish in enumerate(side.preferredDuringSchedulingIgnoredDuringExecution):
            if not wish.podAffinityTerm.HasField("labelSelector"):
                yield f"{preferred}[{index}].podAffinityTerm.labelSelector: {_NULL_SELECTOR}"


def _repeated(field: str, name: str, values: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield f'{field}[{index}].{name}: duplicate {name} "{value}"'
        seen.add(value)


def _profiles(
    marks: str,
    metadata: meta_pb2.ObjectMeta,
    spec: pod_pb2.PodSpec,
    container: pod_pb2.Container,
    *,
    template: bool,
) -> Iterator[str]:
    """Annotations of the time before there were fields."""
    key, own = f"{_SECCOMP_OF}{container.name}", container.securityContext
    if key in metadata.annotations and not own.HasField("seccompProfile"):
        yield f"{marks}[{key}]: {_NO_PROFILE}"
    key = f"{_APPARMOR_OF}{container.name}"
    said = own.HasField("appArmorProfile") or spec.securityContext.HasField("appArmorProfile")
    if template and key in metadata.annotations and not said:
        yield f'{marks}[{key}]: deprecated since v1.30; use the "appArmorProfile" field instead'


def _volumes(field: str, spec: pod_pb2.PodSpec) -> Iterator[str]:
    tokens = {
        source.serviceAccountToken.path
        for volume in spec.volumes
        for source in volume.volumeSource.projected.sources
        if source.HasField("serviceAccountToken")
    }
    for index, volume in enumerate(spec.volumes):
        where, source = f"{field}.volumes[{index}]", volume.volumeSource
        if source.ephemeral.HasField("volumeClaimTemplate"):
            template = source.ephemeral.volumeClaimTemplate
            yield from claims.of_spec(f"{where}.ephemeral.volumeClaimTemplate.spec", template.spec)
        for part in source.projected.sources if tokens else ():
            for name, paths in (
                ("configMap", [item.path for item in part.configMap.items]),
                ("secrets", [item.path for item in part.secret.items]),
                ("downwardAPI", [item.path for item in part.downwardAPI.items]),
            ):
                for place, path in enumerate(paths):
                    if path in tokens:
                        at = f"{where}.projected.sources.{name}[{place}]"
                        yield f'{at}: has duplicated path with ServiceAccountToken "{path}"'
