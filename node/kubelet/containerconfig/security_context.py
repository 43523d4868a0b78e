"""Security contexts as the runtime's settings. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

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

_PROFILES = {
    "Unconfined": cri.SecurityProfile.Unconfined,
    "RuntimeDefault": cri.SecurityProfile.RuntimeDefault,
    "Localhost": cri.SecurityProfile.Localhost,
}
_GROUPS = {"": cri.Merge, "Merge": cri.Merge, "Strict": cri.Strict}


@dataclass(frozen=True)
class SeccompProfiles:
    """`directory` holds the node's own. `default` is the type of those who ask for none.

    https://kubernetes.io/docs/tutorials/security/seccomp/
    """

    directory: Path
    default: str = "Unconfined"


def sandbox_security(pod: pod_pb2.Pod, users: cri.UserNamespace) -> cri.LinuxSandboxSecurityContext:
    """That of the sandbox."""
    result = cri.LinuxSandboxSecurityContext(
        namespace_options=_namespaces(pod, users),
        privileged=any(container.securityContext.privileged for container in podspec.all_containers(pod)),
        supplemental_groups=_groups(pod),
        supplemental_groups_policy=_GROUPS[pod.spec.securityContext.supplementalGroupsPolicy],
    )
    if pod.spec.securityContext.HasField("runAsUser"):
        result.run_as_user.value = pod.spec.securityContext.runAsUser
        if pod.spec.securityContext.HasField("runAsGroup"):
            result.run_as_group.value = pod.spec.securityContext.runAsGroup
    return result


def container_security(
    pod: pod_pb2.Pod, container: pod_pb2.Container, target_id: str, seccomp: SeccompProfiles, users: cri.UserNamespace
) -> cri.LinuxContainerSecurityContext:
    """That of a container; the pod's fills what it leaves open. With a target, it sees the target's processes."""
    own, whole = container.securityContext, pod.spec.securityContext
    result = cri.LinuxContainerSecurityContext(
        privileged=own.privileged,
        namespace_options=_namespaces(pod, users),
        readonly_rootfs=own.readOnlyRootFilesystem,
        no_new_privs=own.HasField("allowPrivilegeEscalation") and not own.allowPrivilegeEscalation,
        supplemental_groups=_groups(pod),
        supplemental_groups_policy=_GROUPS[whole.supplementalGroupsPolicy],
    )
    if target_id and result.namespace_options.pid == cri.CONTAINER:
        result.namespace_options.pid = cri.TARGET
        result.namespace_options.target_id = target_id
    if not own.privileged and own.procMount != "Unmasked":
        result.masked_paths.extend(MASKED_PATHS)
        result.readonly_paths.extend(READONLY_PATHS)
    _set_profiles(result, own, whole, seccomp)
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


def _set_profiles(
    result: cri.LinuxContainerSecurityContext,
    own: pod_pb2.SecurityContext,
    whole: pod_pb2.PodSecurityContext,
    seccomp: SeccompProfiles,
) -> None:
    filtered = own.seccompProfile if own.HasField("seccompProfile") else whole.seccompProfile
    result.seccomp.profile_type = _PROFILES[filtered.type or seccomp.default]
    if filtered.type == "Localhost":
        result.seccomp.localhost_ref = str(seccomp.directory / filtered.localhostProfile)
    guarded = own.appArmorProfile if own.HasField("appArmorProfile") else whole.appArmorProfile
    if guarded.type:  # else the runtime's own, where the kernel has AppArmor
        result.apparmor.profile_type = _PROFILES[guarded.type]
        result.apparmor.localhost_ref = guarded.localhostProfile


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


def _namespaces(pod: pod_pb2.Pod, users: cri.UserNamespace) -> cri.NamespaceOption:
    options = cri.NamespaceOption(network=cri.POD, pid=cri.CONTAINER, ipc=cri.POD, userns_options=users)
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
