"""The CRI messages of a pod's sandbox and containers. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from node.kubelet.cgroups import layout
from node.kubelet.containerconfig import dns
from node.kubelet.containerconfig.environment import expand
from node.kubelet.containerconfig.linux_resources import NodeMemory, linux_resources
from node.kubelet.containerconfig.security_context import SeccompProfiles, container_security, sandbox_security
from node.kubelet.containerconfig.user_namespaces import HOST_USERS
from node.kubelet.cri.runtime import (
    CONTAINER_HASH,
    CONTAINER_NAME,
    MESSAGE_PATH,
    MESSAGE_POLICY,
    NEXT_BACKOFF,
    POD_NAME,
    POD_NAMESPACE,
    POD_UID,
    RESTART_COUNT,
)
from node.kubelet.logs.log_files import log_directory
from node.kubelet.pod import podspec
from node.resolvconf import ResolvConf
from podlab.api.pods import sysctls
from podlab.core.v1 import pod_pb2
from podlab.foreign.cri.v1 import api_pb2 as cri

_PROTOCOLS = {"": cri.TCP, "TCP": cri.TCP, "UDP": cri.UDP, "SCTP": cri.SCTP}


@dataclass(frozen=True)
class ContainerAttempt:
    """The run of a container that is about to start."""

    attempt: int
    next_backoff_s: int
    # The id of the container whose processes this one sees; empty for its own.
    target_id: str = ""


def identity(pod: pod_pb2.Pod) -> dict[str, str]:
    """The labels that say to which pod a sandbox or container belongs."""
    return {POD_NAME: pod.metadata.name, POD_NAMESPACE: pod.metadata.namespace, POD_UID: pod.metadata.uid}


def sandbox_config(
    pod: pod_pb2.Pod, attempt: int, resolv_conf: ResolvConf, users: cri.UserNamespace = HOST_USERS
) -> cri.PodSandboxConfig:
    """What RunPodSandbox and, later, each CreateContainer are given."""
    config = cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(
            name=pod.metadata.name, uid=pod.metadata.uid, namespace=pod.metadata.namespace, attempt=attempt
        ),
        hostname="" if pod.spec.hostNetwork else dns.kernel_name(pod),
        log_directory=str(log_directory(pod)),
        dns_config=dns.cri_config(resolv_conf),
        labels={**pod.metadata.labels, **identity(pod)},
        annotations=pod.metadata.annotations,
        linux=cri.LinuxPodSandboxConfig(
            cgroup_parent=layout.path(pod),
            security_context=sandbox_security(pod, users),
            sysctls={sysctls.with_dots(each.name): each.value for each in pod.spec.securityContext.sysctls},
        ),
    )
    for container in () if pod.spec.hostNetwork else podspec.all_containers(pod):
        for port in container.ports:
            if port.hostPort:
                config.port_mappings.add(
                    protocol=_PROTOCOLS[port.protocol],
                    container_port=port.containerPort,
                    host_port=port.hostPort,
                    host_ip=port.hostIP,
                )
    return config


def _own_annotations(pod: pod_pb2.Pod, container: pod_pb2.Container, attempt: ContainerAttempt) -> dict[str, str]:
    """What a kubelet that is started again reads of the container."""
    return {
        CONTAINER_HASH: podspec.container_hash(pod.spec, container),
        RESTART_COUNT: str(attempt.attempt),
        NEXT_BACKOFF: str(attempt.next_backoff_s),
        MESSAGE_PATH: container.terminationMessagePath,
        MESSAGE_POLICY: container.terminationMessagePolicy,
    }


def container_config(
    pod: pod_pb2.Pod,
    container: pod_pb2.Container,
    attempt: ContainerAttempt,
    *,
    environment: Mapping[str, str],
    mounts: Sequence[cri.Mount],
    devices: Sequence[cri.Device] = (),
    annotations: Mapping[str, str] = MappingProxyType({}),
    memory: NodeMemory,
    seccomp: SeccompProfiles,
    users: cri.UserNamespace = HOST_USERS,
) -> cri.ContainerConfig:
    """What CreateContainer is given."""
    config = cri.ContainerConfig(
        metadata=cri.ContainerMetadata(name=container.name, attempt=attempt.attempt),
        image=cri.ImageSpec(image=container.image),
        command=[expand(word, environment) for word in container.command],
        args=[expand(word, environment) for word in container.args],
        working_dir=container.workingDir,
        envs=[cri.KeyValue(key=name, value=value) for name, value in environment.items()],
        mounts=[_mapped(mount, users) for mount in mounts],
        devices=devices,
        labels={**identity(pod), CONTAINER_NAME: container.name},
        annotations={**annotations, **_own_annotations(pod, container, attempt)},
        log_path=f"{container.name}/{attempt.attempt}.log",
        stdin=container.stdin,
        stdin_once=container.stdinOnce,
        tty=container.tty,
    )
    config.linux.resources.CopyFrom(linux_resources(pod, container, memory))
    config.linux.security_context.CopyFrom(container_security(pod, container, attempt.target_id, seccomp, users))
    return config


def _mapped(mount: cri.Mount, users: cri.UserNamespace) -> cri.Mount:
    """Files keep their owners, as the pod's users see them."""
    mapped = cri.Mount(uid_mappings=users.uids, gid_mappings=users.gids)
    mapped.MergeFrom(mount)
    return mapped
