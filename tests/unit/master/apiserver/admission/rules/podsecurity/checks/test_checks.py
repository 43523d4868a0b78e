"""What each check says of pods, in Kubernetes' words. A case is a version, what is changed of a pod that passes every
check, and what is said of it; nothing for a pod that is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from master.apiserver.admission.rules.podsecurity.check import Check
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
from podlab.core.v1.pod_pb2 import Pod

LATEST = 36
HOST_PATH = {"name": "v", "volumeSource": {"hostPath": {"path": "/"}}}
EMPTY_DIR = {"name": "w", "volumeSource": {"emptyDir": {}}}
HOST_PORT = {"containerPort": 1, "hostPort": 80}
UNCONFINED = {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}


def pod(*securities: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Containers a, b ... with these security contexts."""
    containers = [
        {"name": chr(ord("a") + number), "image": "i", "securityContext": security}
        for number, security in enumerate(securities or ({},))
    ]
    return {"spec": {"containers": containers, **spec}}


def said(check: Check, minor: int, data: dict[str, Any]) -> str:
    message = Pod(**data)
    revision = check.at(minor)
    violation = revision.check(message.metadata, message.spec) if revision is not None else None
    return str(violation) if violation is not None else ""


def probed(host: str) -> dict[str, Any]:
    probe = {"handler": {"httpGet": {"host": host}}}
    return {"name": "p", "livenessProbe": probe, "lifecycle": {"preStop": {"tcpSocket": {"host": host}}}}


CASES: dict[str, tuple[Check, int, dict[str, Any], str]] = {
    "privileged": (
        privileged.CHECK, LATEST, pod({"privileged": True}, {"privileged": False}, {"privileged": True}),
        'privileged (containers "a", "c" must not set securityContext.privileged=true)',
    ),
    "privileged in an init container": (
        privileged.CHECK, 0, pod(initContainers=[{"name": "i", "image": "i", "securityContext": {"privileged": True}}]),
        'privileged (container "i" must not set securityContext.privileged=true)',
    ),
    "privileged in an ephemeral container": (
        privileged.CHECK, 0,
        pod(ephemeralContainers=[{"ephemeralContainerCommon": {"name": "e", "securityContext": {"privileged": True}}}]),
        'privileged (container "e" must not set securityContext.privileged=true)',
    ),
    "not privileged": (privileged.CHECK, LATEST, pod({}), ""),
    "host namespaces": (
        host_namespaces.CHECK, LATEST, pod(hostNetwork=True, hostPID=True, hostIPC=True),
        "host namespaces (hostIPC, hostNetwork, hostPID)",
    ),
    "no host namespaces": (host_namespaces.CHECK, LATEST, pod(), ""),
    "a directory of the host": (
        host_path_volumes.CHECK, LATEST, pod(volumes=[HOST_PATH, EMPTY_DIR]),
        'hostPath volumes (volume "v")',
    ),
    "directories of the host": (
        host_path_volumes.CHECK, LATEST,
        pod(volumes=[HOST_PATH, {**HOST_PATH, "name": "w"}]),
        'hostPath volumes (volumes "v", "w")',
    ),
    "restricted volumes": (
        restricted_volumes.CHECK, LATEST,
        pod(volumes=[HOST_PATH, EMPTY_DIR]),
        'restricted volume types (volume "v" uses restricted volume type "hostPath")',
    ),
    "no restricted volumes": (restricted_volumes.CHECK, LATEST, pod(volumes=[EMPTY_DIR]), ""),
    "host ports": (
        host_ports.CHECK, LATEST,
        {"spec": {"containers": [
            {"name": "a", "ports": [{"containerPort": 1, "hostPort": 9090}, {"containerPort": 2, "hostPort": 80}]},
            {"name": "b", "ports": [{"containerPort": 1, "hostPort": 80}, {"containerPort": 2}]},
        ]}},
        'hostPort (containers "a", "b" use hostPorts 80, 9090)',
    ),
    "a host port": (
        host_ports.CHECK, LATEST, {"spec": {"containers": [{"name": "a", "ports": [HOST_PORT]}]}},
        'hostPort (container "a" uses hostPort 80)',
    ),
    "a probe of another host": (
        host_probes.CHECK, LATEST, {"spec": {"containers": [probed("127.0.0.1")]}},
        'probe or lifecycle host (container "p" uses probe or lifecycle host "127.0.0.1")',
    ),
    "a probe of another host, before": (host_probes.CHECK, 33, {"spec": {"containers": [probed("10.0.0.1")]}}, ""),
    "a probe of the pod itself": (host_probes.CHECK, LATEST, {"spec": {"containers": [probed("")]}}, ""),
    "unmasked /proc": (
        proc.BASELINE, LATEST, pod({"procMount": "Unmasked"}, {"procMount": "Default"}),
        'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    ),
    "selinux": (
        selinux.CHECK, LATEST,
        pod(
            {"seLinuxOptions": {"type": "a", "user": "u"}},
            securityContext={"seLinuxOptions": {"type": "b", "role": "r"}},
        ),
        'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: types "a", "b"; '
        "user may not be set; role may not be set)",
    ),
    "a type of selinux of 1.31": (
        selinux.CHECK, 30, pod({"seLinuxOptions": {"type": "container_engine_t"}}),
        'seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "container_engine_t")',
    ),
    "a type of selinux, since": (selinux.CHECK, 31, pod({"seLinuxOptions": {"type": "container_engine_t"}}), ""),
    "sysctls": (
        proc.SYSCTLS, LATEST,
        pod(securityContext={"sysctls": [{"name": each, "value": "1"} for each in ("a.b", "net.ipv4.tcp_rmem", "c")]}),
        "forbidden sysctls (a.b, c)",
    ),
    "a sysctl of 1.29": (
        proc.SYSCTLS, 28,
        pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}]}),
        "forbidden sysctls (net.ipv4.tcp_keepalive_time)",
    ),
    "a sysctl, since": (
        proc.SYSCTLS, 29, pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_keepalive_time", "value": "1"}]}),
        "",
    ),
    "apparmor": (
        apparmor.CHECK, LATEST, pod({"appArmorProfile": {"type": "Unconfined"}}),
        'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
    ),
    "apparmor by annotation": (
        apparmor.CHECK, LATEST,
        {"metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/a": "unconfined"}}, **pod()},
        'forbidden AppArmor profile (annotation must not set AppArmor profile type to '
        '"container.apparmor.security.beta.kubernetes.io/a="unconfined"")',
    ),
    "apparmor of the runtime": (apparmor.CHECK, LATEST, pod({"appArmorProfile": {"type": "RuntimeDefault"}}), ""),
    "no seccomp": (
        seccomp.BASELINE, LATEST,
        pod({"seccompProfile": {"type": "Unconfined"}}, securityContext={"seccompProfile": {"type": "Unconfined"}}),
        'seccompProfile (pod and container "a" must not set securityContext.seccompProfile.type to "Unconfined")',
    ),
    "nothing said of seccomp": (seccomp.BASELINE, LATEST, pod(), ""),
    "no seccomp by annotation": (
        seccomp.BASELINE, 18, {"metadata": {"annotations": UNCONFINED}, **pod()},
        'seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")',
    ),
    "seccomp that must be set": (
        seccomp.RESTRICTED, LATEST, pod({"seccompProfile": {"type": "RuntimeDefault"}}, {}),
        'seccompProfile (pod or container "b" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
        '"Localhost")',
    ),
    "seccomp set by the pod": (
        seccomp.RESTRICTED, LATEST, pod({}, {}, securityContext={"seccompProfile": {"type": "RuntimeDefault"}}), "",
    ),
    "capabilities": (
        capabilities.BASELINE, LATEST, pod({"capabilities": {"add": ["SYS_ADMIN", "CHOWN", "NET_RAW"]}}),
        'non-default capabilities (container "a" must not include "NET_RAW", "SYS_ADMIN" in '
        "securityContext.capabilities.add)",
    ),
    "default capabilities": (capabilities.BASELINE, LATEST, pod({"capabilities": {"add": ["CHOWN"]}}), ""),
    "capabilities that are kept": (
        capabilities.RESTRICTED, LATEST, pod({}, {"capabilities": {"drop": ["ALL"], "add": ["CHOWN"]}}),
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; container "b" '
        'must not include "CHOWN" in securityContext.capabilities.add)',
    ),
    "the capability of low ports": (
        capabilities.RESTRICTED, LATEST, pod({"capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}), "",
    ),
    "capabilities before 1.22": (capabilities.RESTRICTED, 21, pod(), ""),
    "processes of the host": (
        windows_host_process.CHECK, LATEST,
        pod({"windowsOptions": {"hostProcess": True}}, securityContext={"windowsOptions": {"hostProcess": True}}),
        'hostProcess (pod and container "a" must not set securityContext.windowsOptions.hostProcess=true)',
    ),
    "escalation": (
        allow_privilege_escalation.CHECK, LATEST,
        pod({"allowPrivilegeEscalation": False}, {}, {"allowPrivilegeEscalation": True}),
        'allowPrivilegeEscalation != false (containers "b", "c" must set '
        "securityContext.allowPrivilegeEscalation=false)",
    ),
    "escalation before 1.8": (allow_privilege_escalation.CHECK, 7, pod(), ""),
    "root": (
        run_as_non_root.CHECK, LATEST, pod({}, {"runAsNonRoot": True}),
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)',
    ),
    "root where the pod forbids it": (run_as_non_root.CHECK, 0, pod({}, securityContext={"runAsNonRoot": True}), ""),
    "root by will": (
        run_as_non_root.CHECK, LATEST, pod({"runAsNonRoot": False}, securityContext={"runAsNonRoot": False}),
        'runAsNonRoot != true (pod and container "a" must not set securityContext.runAsNonRoot=false)',
    ),
    "user 0": (
        run_as_user.CHECK, LATEST, pod({"runAsUser": 0}, {"runAsUser": 1}, securityContext={"runAsUser": 0}),
        'runAsUser=0 (pod and container "a" must not set runAsUser=0)',
    ),
    "user 0 before 1.23": (run_as_user.CHECK, 22, pod({"runAsUser": 0}), ""),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_a_check_says(case: str) -> None:
    check, minor, data, expected = CASES[case]
    assert said(check, minor, data) == expected
