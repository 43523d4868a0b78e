"""Security contexts as the runtime's settings. Pure."""

from __future__ import annotations

from node.kubelet.containerconfig.environment import ConfigError
from node.kubelet.cri.runtime import Image
from node.kubelet.pod import podspec
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

# Parts of /proc and /sys that would show or change the host. A privileged container sees them all.
MASKED_PATHS = (
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/sched_debug",
    "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware",
)  # fmt: skip
READONLY_PATHS = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")

_SECCOMP = {
    "": cri.SecurityProfile.Unconfined,
    "Unconfined": cri.SecurityProfile.Unconfined,
    "RuntimeDefault": cri.SecurityProfile.RuntimeDefault,
}


def sandbox_security(pod: pod_pb2.Pod) -> cri.LinuxSandboxSecurityContext:
    """That of the sandbox."""
    result = cri.LinuxSandboxSecurityContext(
        namespace_options=_namespaces(pod),
        privileged=any(container.securityContext.privileged for container in podspec.all_containers(pod)),
        supplemental_groups=_groups(pod),
    )
    if pod.spec.securityContext.HasField("runAsUser"):
        result.run_as_user.value = pod.spec.securityContext.runAsUser
        if pod.spec.securityContext.HasField("runAsGroup"):
            result.run_as_group.value = pod.spec.securityContext.runAsGroup
    return result


def container_security(
    pod: pod_pb2.Pod, container: pod_pb2.Container, target_id: str
) -> cri.LinuxContainerSecurityContext:
    """That of a container; the pod's fills what it leaves open. With a target, it sees the target's processes."""
    own, whole = container.securityContext, pod.spec.securityContext
    result = cri.LinuxContainerSecurityContext(
        privileged=own.privileged,
        namespace_options=_namespaces(pod),
        readonly_rootfs=own.readOnlyRootFilesystem,
        no_new_privs=own.HasField("allowPrivilegeEscalation") and not own.allowPrivilegeEscalation,
        supplemental_groups=_groups(pod),
    )
    if target_id and result.namespace_options.pid == cri.CONTAINER:
        result.namespace_options.pid = cri.TARGET
        result.namespace_options.target_id = target_id
    if not own.privileged:
        result.masked_paths.extend(MASKED_PATHS)
        result.readonly_paths.extend(READONLY_PATHS)
    profile = own.seccompProfile if own.HasField("seccompProfile") else whole.seccompProfile
    result.seccomp.profile_type = _SECCOMP[profile.type]
    result.capabilities.add_capabilities.extend(own.capabilities.add)
    result.capabilities.drop_capabilities.extend(own.capabilities.drop)
    for context in (own, whole):
        if context.HasField("runAsUser"):
            result.run_as_user.value = context.runAsUser
            break
    for context in (own, whole):
        # The runtime takes a group only together with a user.
        if context.HasField("runAsGroup") and result.HasField("run_as_user"):
            result.run_as_group.value = context.runAsGroup
            break
    return result


def check_non_root(pod: pod_pb2.Pod, container: pod_pb2.Container, image: Image) -> None:
    """Raises ConfigError when the container must not run as root and would, or might."""
    own, whole = container.securityContext, pod.spec.securityContext
    where = f'(pod: "{podspec.full_name(pod)}", container: {container.name})'
    if not (own.runAsNonRoot if own.HasField("runAsNonRoot") else whole.runAsNonRoot):
        return
    for context in (own, whole):
        if context.HasField("runAsUser"):
            if context.runAsUser == 0:
                raise ConfigError(f"container's runAsUser breaks non-root policy {where}")
            return
    if image.user in ("", "0"):
        raise ConfigError(f"container has runAsNonRoot and image will run as root {where}")
    if not image.user.isdigit():
        raise ConfigError(
            f"container has runAsNonRoot and image has non-numeric user ({image.user}), "
            f"cannot verify user is non-root {where}"
        )


def _namespaces(pod: pod_pb2.Pod) -> cri.NamespaceOption:
    options = cri.NamespaceOption(network=cri.POD, pid=cri.CONTAINER, ipc=cri.POD)
    if pod.spec.hostNetwork:
        options.network = cri.NODE
    if pod.spec.hostIPC:
        options.ipc = cri.NODE
    if pod.spec.hostPID:
        options.pid = cri.NODE
    elif pod.spec.shareProcessNamespace:
        options.pid = cri.POD
    return options


def _groups(pod: pod_pb2.Pod) -> list[int]:
    groups = list(pod.spec.securityContext.supplementalGroups)
    if pod.spec.securityContext.HasField("fsGroup"):
        groups.append(pod.spec.securityContext.fsGroup)
    return groups
