"""The containers of a pod, init containers and sidecars included."""

from collections.abc import Collection, Iterable
from collections.abc import Container as Holder
from dataclasses import dataclass

from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.pods.deviceclaims import check_used_claims
from podlab.kinds.validation.pods.environment import check_env, check_env_from
from podlab.kinds.validation.pods.handlers import check_lifecycle, check_probe, handlers_of
from podlab.kinds.validation.pods.resources import check_requirements, check_resize_policy
from podlab.kinds.validation.pods.restarts import RESTART_POLICIES, check_restart_rules
from podlab.kinds.validation.pods.volumes import check_devices, check_mounts

PROTOCOLS = ("SCTP", "TCP", "UDP")
_LOCALHOST = "Localhost"
_PROFILE_TYPES = (_LOCALHOST, "RuntimeDefault", "Unconfined")
_PROFILE_CHARS = 4095
_PROC_MOUNTS = ("Default", "Unmasked")


@dataclass(frozen=True, slots=True)
class PodFacts:
    """What containers are checked against."""

    volumes: Holder[str]
    claimed_volumes: Holder[str]
    claims: Collection[str]
    host_network: bool
    grace_period_s: int
    restart_policy: str
    says_os: bool
    own_users: bool
    """The pod has a user namespace of its own."""
    of_template: bool
    """Ports of the node's network are given to pods when they are made, not to what they are made from."""


def check_containers(found: Findings, field: str, spec: pod_pb2.PodSpec, facts: PodFacts) -> None:
    """All containers; names are unique over both lists."""
    names: set[str] = set()
    if not spec.containers:
        found.required(f"{field}.containers")
    for group in ("containers", "initContainers"):
        containers = spec.containers if group == "containers" else spec.initContainers
        host_ports: set[str] = set()
        for index, container in enumerate(containers):
            where = f"{field}.{group}[{index}]"
            if container.name in names:
                found.duplicate(f"{where}.name", container.name)
            names.add(container.name)
            check_container(found, where, container, facts)
            _check_kind(found, where, container, init=group == "initContainers")
            _check_ports(found, f"{where}.ports", container, facts)
            if group == "containers":
                _check_host_ports(found, f"{where}.ports", container, host_ports)


def check_container(found: Findings, field: str, container: pod_pb2.Container, facts: PodFacts) -> None:
    """What holds for every container, whatever its part."""
    if not container.name:
        found.required(f"{field}.name")
    else:
        found.invalid(f"{field}.name", container.name, *syntax.label(container.name))
    if not container.image:
        found.required(f"{field}.image")
    elif container.image != container.image.strip():
        found.invalid(f"{field}.image", container.image, "must not have leading or trailing whitespace")
    found.one_of(f"{field}.imagePullPolicy", container.imagePullPolicy, ("Always", "IfNotPresent", "Never"))
    policies = ("FallbackToLogsOnError", "File")
    found.one_of(f"{field}.terminationMessagePolicy", container.terminationMessagePolicy, policies)
    check_env(found, f"{field}.env", container.env)
    check_env_from(found, f"{field}.envFrom", container.envFrom)
    check_mounts(found, f"{field}.volumeMounts", container, facts.volumes)
    check_devices(found, f"{field}.volumeDevices", container, facts.volumes, facts.claimed_volumes)
    check_requirements(found, f"{field}.resources", container.resources)
    check_used_claims(found, f"{field}.resources.claims", container.resources.claims, facts.claims)
    restarts = facts.restart_policy != "Never" or container.restartPolicy == "Always"
    check_resize_policy(found, f"{field}.resizePolicy", container.resizePolicy, restarts=restarts)
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.HasField(name):
            probe: pod_pb2.Probe = getattr(container, name)
            check_probe(found, f"{field}.{name}", probe, gates_life=name != "readinessProbe")
    if container.HasField("lifecycle"):
        grace_s = facts.grace_period_s
        check_lifecycle(found, f"{field}.lifecycle", container.lifecycle, grace_s, says_os=facts.says_os)
    _check_security(found, f"{field}.securityContext", container.securityContext, own_users=facts.own_users)


def _check_kind(found: Findings, field: str, container: pod_pb2.Container, *, init: bool) -> None:
    """Only sidecars among init containers have probes, hooks and policies of resizing."""
    if container.HasField("restartPolicy"):
        found.one_of(f"{field}.restartPolicy", container.restartPolicy, RESTART_POLICIES)
    check_restart_rules(found, field, container)
    if init and container.restartPolicy != "Always":
        for name in handlers_of(container):
            found.forbidden(f"{field}.{name}", "may not be set for init containers without restartPolicy=Always")
        if container.resizePolicy:
            found.invalid(f"{field}.resizePolicy", _told(container.resizePolicy), "must not be set for init containers")


def _told(policies: Iterable[pod_pb2.ContainerResizePolicy]) -> list[str]:
    return [f"{each.resourceName}: {each.restartPolicy}" for each in policies]


def _check_ports(found: Findings, field: str, container: pod_pb2.Container, facts: PodFacts) -> None:
    names: set[str] = set()
    for index, port in enumerate(container.ports):
        where = f"{field}[{index}]"
        if port.name:
            found.invalid(f"{where}.name", port.name, *syntax.port_name(port.name))
            if port.name in names:
                found.duplicate(f"{where}.name", port.name)
            names.add(port.name)
        if port.containerPort == 0:
            found.required(f"{where}.containerPort")
        else:
            found.port(f"{where}.containerPort", port.containerPort)
        if port.hostPort:
            found.port(f"{where}.hostPort", port.hostPort)
        left_open = facts.of_template and not port.hostPort
        if facts.host_network and port.hostPort != port.containerPort and not left_open:
            found.invalid(f"{where}.hostPort", port.hostPort, "must match `containerPort` when `hostNetwork` is true")
        if port.hostIP:
            found.invalid(f"{where}.hostIP", port.hostIP, *syntax.ip_address(port.hostIP))
        found.one_of(f"{where}.protocol", port.protocol, PROTOCOLS)


def _check_host_ports(found: Findings, field: str, container: pod_pb2.Container, taken: set[str]) -> None:
    for index, port in enumerate(container.ports):
        if not port.hostPort:
            continue
        place = f"{port.protocol}/{port.hostIP}/{port.hostPort}"
        if place in taken:
            found.duplicate(f"{field}[{index}].hostPort", place)
        taken.add(place)


def _check_security(found: Findings, field: str, context: pod_pb2.SecurityContext, *, own_users: bool) -> None:
    for name in ("runAsUser", "runAsGroup"):
        if context.HasField(name):
            check_id(found, f"{field}.{name}", getattr(context, name))
    check_profiles(found, field, context)
    if context.HasField("procMount"):
        found.one_of(f"{field}.procMount", context.procMount, _PROC_MOUNTS)
        if context.procMount == "Unmasked" and not own_users:
            rule = "`hostUsers` must be false to use `Unmasked`"
            found.invalid(f"{field}.procMount", context.procMount, rule)
    refused = context.HasField("allowPrivilegeEscalation") and not context.allowPrivilegeEscalation
    if refused and context.privileged:
        rule = "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"
        found.invalid(f"{field}.allowPrivilegeEscalation", False, rule)
    if refused and "CAP_SYS_ADMIN" in context.capabilities.add:  # without the prefix, Kubernetes takes it
        rule = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"
        found.invalid(f"{field}.allowPrivilegeEscalation", False, rule)


def check_profiles(found: Findings, field: str, context: pod_pb2.SecurityContext | pod_pb2.PodSecurityContext) -> None:
    """Which profiles of seccomp and AppArmor hold. Each says which it is, and one of the node which of them."""
    if context.HasField("seccompProfile"):
        where = f"{field}.seccompProfile"
        _check_profile(found, where, context.seccompProfile, "seccomp")
        if context.seccompProfile.type == _LOCALHOST and context.seccompProfile.localhostProfile:
            rules = syntax.relative_path(context.seccompProfile.localhostProfile)
            found.invalid(f"{where}.localhostProfile", context.seccompProfile.localhostProfile, *rules)
    if context.HasField("appArmorProfile"):
        where, name = f"{field}.appArmorProfile", context.appArmorProfile.localhostProfile
        _check_profile(found, where, context.appArmorProfile, "AppArmor")
        if name != name.strip():
            found.invalid(f"{where}.localhostProfile", name, "must not be padded with whitespace")
        if len(name) > _PROFILE_CHARS:
            found.invalid(f"{where}.localhostProfile", name, f"may not be more than {_PROFILE_CHARS} bytes")


def _check_profile(
    found: Findings, field: str, profile: pod_pb2.SeccompProfile | pod_pb2.AppArmorProfile, kind: str
) -> None:
    if not profile.type:
        of = "seccompProfile" if kind == "seccomp" else "appArmorProfile"
        found.required(f"{field}.type", f"type is required when {of} is set")
        return
    found.one_of(f"{field}.type", profile.type, _PROFILE_TYPES)
    if profile.type == _LOCALHOST:
        if not profile.localhostProfile.strip():
            found.required(f"{field}.localhostProfile", f"must be set when {kind} type is Localhost")
    elif profile.HasField("localhostProfile"):
        rule = f"can only be set when {kind} type is Localhost"
        found.invalid(f"{field}.localhostProfile", profile.localhostProfile, rule)


def check_id(found: Findings, field: str, value: int) -> None:
    """A user or group id."""
    if not 0 <= value <= 2**31 - 1:
        found.invalid(field, value, "must be between 0 and 2147483647, inclusive")
