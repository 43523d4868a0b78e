"""Ephemeral containers: what may stand in one, and that they are only ever added."""

from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.containers import PodFacts, check_container
from podlab.kinds.validation.pods.volumes import claimed

_FORBIDDEN = (
    "ports",
    "livenessProbe",
    "readinessProbe",
    "startupProbe",
    "lifecycle",
    "restartPolicy",
    "restartPolicyRules",
    "resizePolicy",
)
_NOT_THERE = "cannot be set for an Ephemeral Container"


def check_new_pod(found: Findings, pod: pod_pb2.Pod) -> None:
    """Ephemeral containers join a pod that is there, and what stands for a static pod stands on its node."""
    if pod.spec.ephemeralContainers:
        found.forbidden("spec.ephemeralContainers", "cannot be set on create")
    if MIRROR_ANNOTATION in pod.metadata.annotations and not pod.spec.nodeName:
        rule = "must set spec.nodeName if mirror pod annotation is set"
        found.invalid(f"metadata.annotations[{MIRROR_ANNOTATION}]", pod.metadata.annotations[MIRROR_ANNOTATION], rule)


def check_ephemeral_containers(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    """All of them; their names are other than those of the pod's own containers."""
    volumes = {volume.name for volume in spec.volumes}
    claims = {claim.name for claim in spec.resourceClaims}
    grace_s, restart = spec.terminationGracePeriodSeconds, spec.restartPolicy
    says_os, of_claims = bool(spec.os.name), claimed(spec.volumes)
    own_users = spec.HasField("hostUsers") and not spec.hostUsers
    of_pod = (spec.hostNetwork, grace_s, restart, says_os, own_users)
    facts = PodFacts(volumes, of_claims, claims, *of_pod, of_template=False)
    targets = {container.name for container in spec.containers}
    names = targets | {container.name for container in spec.initContainers}
    for index, ephemeral in enumerate(spec.ephemeralContainers):
        where, container = f"{field}.ephemeralContainers[{index}]", ephemeral.ephemeralContainerCommon
        if container.name in names:
            found.duplicate(f"{where}.name", container.name)
        names.add(container.name)
        check_container(found, where, container, facts)
        _check_forbidden(found, where, container)
        target = ephemeral.targetContainerName
        if target and target not in targets:
            found.not_found(f"{where}.targetContainerName", target)


def _check_forbidden(found: Findings, field: str, container: pod_pb2.Container) -> None:
    present = {descriptor.name for descriptor, _ in container.ListFields()}
    for name in _FORBIDDEN:
        if name in present:
            found.forbidden(f"{field}.{name}", _NOT_THERE)
    if container.resources.ListFields():
        found.forbidden(f"{field}.resources", _NOT_THERE)
    for index, mount in enumerate(container.volumeMounts):
        for name in ("subPath", "subPathExpr"):
            if getattr(mount, name):
                found.forbidden(f"{field}.volumeMounts[{index}].{name}", _NOT_THERE)


def check_joining(found: Findings, new: pod_pb2.Pod, old: pod_pb2.Pod) -> None:
    """Those that are there stay as they are."""
    field = "spec.ephemeralContainers"
    if MIRROR_ANNOTATION in old.metadata.annotations:
        found.forbidden("", "static pods do not support ephemeral containers")
    after = {joined.ephemeralContainerCommon.name: joined for joined in new.spec.ephemeralContainers}
    for joined in old.spec.ephemeralContainers:
        name = joined.ephemeralContainerCommon.name
        if name not in after:
            found.forbidden(field, f'existing ephemeral containers "{name}" may not be removed\n')
        elif after[name] != joined:
            found.forbidden(field, f'existing ephemeral containers "{name}" may not be changed\n')
