"""Pods and pod templates."""

from functools import lru_cache

from podlab.api.pods import sysctls
from podlab.api.selection.labels import MIRROR_ANNOTATION
from podlab.core.v1 import pod_pb2, podtemplate_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.cluster.policy import PREEMPTION_POLICIES
from podlab.kinds.validation.findings import Findings
from podlab.kinds.validation.labels import check_annotations, check_labels
from podlab.kinds.validation.pods.affinity import check_neighbours, check_spread
from podlab.kinds.validation.pods.containers import PodFacts, check_containers, check_id, check_profiles
from podlab.kinds.validation.pods.deviceclaims import check_made_claim_names, check_made_claims, check_pod_claims
from podlab.kinds.validation.pods.ephemeralcontainers import check_ephemeral_containers
from podlab.kinds.validation.pods.gates import (
    check_gates,
    check_gates_update,
    check_readiness_gates,
    without_changeable,
)
from podlab.kinds.validation.pods.placement import check_affinity, check_tolerations
from podlab.kinds.validation.pods.podresources import check_pod_resources
from podlab.kinds.validation.pods.resources import check_resource_list
from podlab.kinds.validation.pods.volumes import check_volumes, claimed
from podlab.kinds.validation.storage.claims import check_claim_names

_RESTART_POLICIES = ("Always", "OnFailure", "Never")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_NAMESERVERS_MAX = 3
_SEARCHES_MAX = 32
_HOSTNAME_CHARS = 64
# What is remembered of verdicts stays small: 512 specs of at most this size.
_REMEMBERED_BYTES = 8 << 10

_CHANGEABLE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations)"
)


def check_pod(found: Findings, pod: pod_pb2.Pod) -> None:
    """A pod. Those of one template have the same spec, to the byte, and the same is wrong with all of them."""
    encoded = pod.spec.SerializeToString()
    found.extend(_verdict(encoded) if len(encoded) <= _REMEMBERED_BYTES else _judged(pod.spec))
    check_made_names(found, pod)


def check_made_names(found: Findings, pod: pod_pb2.Pod) -> None:
    """Names of what is made for the pod, which its own name is part of."""
    check_claim_names(found, pod)
    check_made_claim_names(found, pod)


@lru_cache(maxsize=512)
def _verdict(encoded: bytes) -> Findings:
    return _judged(pod_pb2.PodSpec.FromString(encoded))


def _judged(spec: pod_pb2.PodSpec) -> Findings:
    found = Findings()
    check_pod_spec(found, "spec", spec)
    check_ephemeral_containers(found, "spec", spec)
    return found


def check_template(found: Findings, field: str, template: pod_pb2.PodTemplateSpec) -> None:
    """What pods are made from."""
    check_labels(found, f"{field}.metadata.labels", template.metadata.labels)
    check_annotations(found, f"{field}.metadata.annotations", template.metadata.annotations)
    check_pod_spec(found, f"{field}.spec", template.spec, of_template=True)
    if template.spec.ephemeralContainers:
        found.forbidden(f"{field}.spec.ephemeralContainers", "ephemeral containers not allowed in pod template")


def check_pod_template(found: Findings, given: podtemplate_pb2.PodTemplate) -> None:
    """A PodTemplate, whichever way it comes."""
    check_template(found, "template", given.template)


def check_lasting_template(found: Findings, field: str, template: pod_pb2.PodTemplateSpec) -> None:
    """What pods are made from that restart for ever."""
    check_template(found, field, template)
    if template.spec.restartPolicy in ("OnFailure", "Never"):
        found.unsupported(f"{field}.spec.restartPolicy", template.spec.restartPolicy, ("Always",))
    if template.spec.HasField("activeDeadlineSeconds"):
        found.forbidden(f"{field}.spec.activeDeadlineSeconds", "activeDeadlineSeconds in a workload is not supported")


def check_pod_spec(found: Findings, field: str, spec: pod_pb2.PodSpec, *, of_template: bool = False) -> None:
    """All of a pod's spec, defaults applied."""
    volumes = check_volumes(found, f"{field}.volumes", spec.volumes, of_template=of_template)
    claims = check_pod_claims(found, f"{field}.resourceClaims", spec.resourceClaims)
    grace_s, restart, says_os = spec.terminationGracePeriodSeconds, spec.restartPolicy, bool(spec.os.name)
    own_users = spec.HasField("hostUsers") and not spec.hostUsers
    of_pod = (spec.hostNetwork, grace_s, restart, says_os, own_users, of_template)
    facts = PodFacts(volumes, claimed(spec.volumes), claims, *of_pod)
    check_containers(found, field, spec, facts)
    found.one_of(f"{field}.restartPolicy", spec.restartPolicy, _RESTART_POLICIES)
    found.at_least(f"{field}.terminationGracePeriodSeconds", spec.terminationGracePeriodSeconds, 0)
    if spec.HasField("activeDeadlineSeconds") and not 1 <= spec.activeDeadlineSeconds <= 2**31 - 1:
        rule = "must be between 1 and 2147483647, inclusive"
        found.invalid(f"{field}.activeDeadlineSeconds", spec.activeDeadlineSeconds, rule)
    check_labels(found, f"{field}.nodeSelector", spec.nodeSelector)
    check_affinity(found, f"{field}.affinity", spec.affinity)
    check_neighbours(found, f"{field}.affinity", spec.affinity)
    check_spread(found, f"{field}.topologySpreadConstraints", spec.topologySpreadConstraints)
    check_resource_list(found, f"{field}.overhead", spec.overhead)
    check_pod_resources(found, f"{field}.resources", spec)
    check_tolerations(found, f"{field}.tolerations", spec.tolerations)
    if spec.nodeName:
        found.invalid(f"{field}.nodeName", spec.nodeName, *syntax.subdomain(spec.nodeName))
    if spec.runtimeClassName:
        found.invalid(f"{field}.runtimeClassName", spec.runtimeClassName, *syntax.subdomain(spec.runtimeClassName))
    if spec.schedulerName:
        found.invalid(f"{field}.schedulerName", spec.schedulerName, *syntax.subdomain(spec.schedulerName))
    _check_identity(found, field, spec)
    _check_names(found, field, spec)
    _check_dns(found, field, spec)
    _check_security(found, field, spec)
    if own_users:
        _check_own_users(found, field, spec)
    check_gates(found, field, spec)
    check_readiness_gates(found, field, spec)
    if spec.os.name == "linux":
        _check_no_windows(found, field, spec)


def check_pod_update(found: Findings, new: pod_pb2.Pod, old: pod_pb2.Pod) -> None:
    """A pod's spec is what its containers were made from: nearly nothing of it may change."""
    _check_mirror(found, new, old)
    _check_deadline(found, new.spec, old.spec)
    _check_added_tolerations(found, new.spec, old.spec)
    check_gates_update(found, new.spec, old.spec)
    gated = bool(old.spec.schedulingGates)
    after, before = _unchangeable(new.spec, gated=gated), _unchangeable(old.spec, gated=gated)
    if after != before:
        changed = (name for name in after.DESCRIPTOR.fields_by_name if _part(after, name) != _part(before, name))
        found.forbidden("spec", f"{_CHANGEABLE}; changed: {', '.join(changed)}")


def _check_mirror(found: Findings, new: pod_pb2.Pod, old: pod_pb2.Pod) -> None:
    """A pod stands for a static one, or it does not: its kubelet would end it, or run it, otherwise."""
    after, before = (pod.metadata.annotations.get(MIRROR_ANNOTATION) for pod in (new, old))
    if after != before:
        done = "add" if before is None else "remove or update"
        found.forbidden(f"metadata.annotations[{MIRROR_ANNOTATION}]", f"may not {done} mirror pod annotation")


def _unchangeable(spec: pod_pb2.PodSpec, *, gated: bool) -> pod_pb2.PodSpec:
    """A copy without what may change."""
    rest = pod_pb2.PodSpec()
    rest.CopyFrom(spec)
    rest.ClearField("tolerations")
    without_changeable(rest, gated=gated)
    rest.ClearField("activeDeadlineSeconds")
    for container in (*rest.containers, *rest.initContainers):
        container.image = ""
    return rest


def _part(spec: pod_pb2.PodSpec, name: str) -> object:
    return next((value for descriptor, value in spec.ListFields() if descriptor.name == name), None)


def _check_added_tolerations(found: Findings, new: pod_pb2.PodSpec, old: pod_pb2.PodSpec) -> None:
    kept = [_tolerated(toleration) for toleration in new.tolerations]
    if not all(_tolerated(toleration) in kept for toleration in old.tolerations):
        rule = "existing toleration can not be modified except its tolerationSeconds"
        found.forbidden("spec.tolerations", rule)


def _tolerated(toleration: pod_pb2.Toleration) -> tuple[str, str, str, str]:
    return toleration.key, toleration.operator, toleration.value, toleration.effect


def _check_deadline(found: Findings, new: pod_pb2.PodSpec, old: pod_pb2.PodSpec) -> None:
    if not old.HasField("activeDeadlineSeconds"):
        return
    field = "spec.activeDeadlineSeconds"
    if not new.HasField("activeDeadlineSeconds"):
        found.invalid(field, None, "must not update from a positive integer to nil value")
    elif new.activeDeadlineSeconds > old.activeDeadlineSeconds:
        rule = "must be less than or equal to previous value"
        found.invalid(field, new.activeDeadlineSeconds, rule)


def _check_identity(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    """Whom the pod acts as, and how important it is. A pull secret without a name is warned of, and left aside."""
    for name in ("serviceAccountName", "priorityClassName"):
        value: str = getattr(spec, name)
        if value:
            found.invalid(f"{field}.{name}", value, *syntax.subdomain(value))
    if spec.HasField("preemptionPolicy"):
        found.one_of(f"{field}.preemptionPolicy", spec.preemptionPolicy, PREEMPTION_POLICIES)


def _check_names(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    for name in ("hostname", "subdomain"):
        value: str = getattr(spec, name)
        if value:
            found.invalid(f"{field}.{name}", value, *syntax.label(value))
    if spec.HasField("hostnameOverride"):
        _check_override(found, field, spec)
    for index, alias in enumerate(spec.hostAliases):
        where = f"{field}.hostAliases[{index}]"
        found.invalid(f"{where}.ip", alias.ip, *syntax.ip_address(alias.ip))
        for place, hostname in enumerate(alias.hostnames):
            found.invalid(f"{where}.hostnames[{place}]", hostname, *syntax.subdomain(hostname))


def _check_override(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    """A name that the kernel takes; of its own, and nobody else's."""
    where, name = f"{field}.hostnameOverride", spec.hostnameOverride
    if len(name) > _HOSTNAME_CHARS:
        found.invalid(where, name, f"must be no more than {_HOSTNAME_CHARS} characters")
    found.invalid(where, name, *syntax.subdomain(name))
    if spec.setHostnameAsFQDN:
        found.forbidden(f"{field}.setHostnameAsFQDN", "cannot be true when `hostnameOverride` is set")
    if spec.hostNetwork:
        found.forbidden(where, "may not be specified when hostNetwork is true")


def _check_dns(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    found.one_of(f"{field}.dnsPolicy", spec.dnsPolicy, _DNS_POLICIES)
    config, where = spec.dnsConfig, f"{field}.dnsConfig"
    if spec.dnsPolicy == "None" and not config.nameservers:
        rule = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        found.required(f"{where}.nameservers", rule)
    if len(config.nameservers) > _NAMESERVERS_MAX:
        rule = f"must not have more than {_NAMESERVERS_MAX} nameservers"
        found.invalid(f"{where}.nameservers", list(config.nameservers), rule)
    for index, server in enumerate(config.nameservers):
        found.invalid(f"{where}.nameservers[{index}]", server, *syntax.ip_address(server))
    if len(config.searches) > _SEARCHES_MAX:
        rule = f"must not have more than {_SEARCHES_MAX} search paths"
        found.invalid(f"{where}.searches", list(config.searches), rule)
    for index, search in enumerate(config.searches):
        if search != ".":
            found.invalid(f"{where}.searches[{index}]", search, *syntax.subdomain(search.removesuffix(".")))
    for index, option in enumerate(config.options):
        if not option.name:
            found.required(f"{where}.options[{index}].name", "must not be empty")


def _check_security(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    context, where = spec.securityContext, f"{field}.securityContext"
    for name in ("runAsUser", "runAsGroup", "fsGroup"):
        value: int = getattr(context, name)
        check_id(found, f"{where}.{name}", value)
    check_profiles(found, where, context)
    _check_sysctls(found, f"{where}.sysctls", spec)
    for index, group in enumerate(context.supplementalGroups):
        check_id(found, f"{where}.supplementalGroups[{index}]", group)
    if context.HasField("fsGroupChangePolicy"):
        found.one_of(f"{where}.fsGroupChangePolicy", context.fsGroupChangePolicy, ("Always", "OnRootMismatch"))
    if context.HasField("seLinuxChangePolicy"):
        found.one_of(f"{where}.seLinuxChangePolicy", context.seLinuxChangePolicy, ("MountOption", "Recursive"))
    if context.HasField("supplementalGroupsPolicy"):
        found.one_of(f"{where}.supplementalGroupsPolicy", context.supplementalGroupsPolicy, ("Merge", "Strict"))
    if spec.shareProcessNamespace and spec.hostPID:
        rule = "ShareProcessNamespace and HostPID cannot both be enabled"
        found.invalid(f"{field}.shareProcessNamespace", True, rule)


def _check_own_users(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    """A user namespace shares no other namespace with the host, and owners of block devices cannot be mapped.

    https://kubernetes.io/docs/concepts/workloads/pods/user-namespaces/#limitations
    """
    rule = "when `hostUsers` is false"
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if getattr(spec, name):
            found.forbidden(f"{field}.{name}", rule)
    for group in ("containers", "initContainers"):
        for index, container in enumerate(getattr(spec, group)):
            if container.volumeDevices:
                found.forbidden(f"{field}.{group}[{index}].volumeDevices", rule)


def _check_sysctls(found: Findings, where: str, spec: pod_pb2.PodSpec) -> None:
    """Whether it is one that a kubelet allows is the kubelet's to say."""
    names: set[str] = set()
    for index, sysctl in enumerate(spec.securityContext.sysctls):
        place, name = f"{where}[{index}].name", sysctl.name
        if not name:
            found.required(place)
        elif not sysctls.is_name(name):
            rule = f"must have at most {sysctls.NAME_CHARS} characters and match regex {sysctls.NAME.pattern}"
            found.invalid(place, name, rule)
        elif name in names:
            found.duplicate(place, name)
        elif shared := sysctls.shared_with_host(name, spec):
            found.invalid(place, name, f"may not be specified when '{shared}' is set to true")
        names.add(name)


def _check_no_windows(found: Findings, field: str, spec: pod_pb2.PodSpec) -> None:
    """Who says that a pod is of Linux does not mean what concerns Windows alone."""
    places = [(f"{field}.securityContext", spec.securityContext)]
    for name in ("containers", "initContainers"):
        containers = getattr(spec, name)
        places += [
            (f"{field}.{name}[{at}].securityContext", each.securityContext) for at, each in enumerate(containers)
        ]
    for where, context in places:
        if context.HasField("windowsOptions"):
            found.forbidden(f"{where}.windowsOptions", "windows options cannot be set for a linux pod")


def check_pod_status(found: Findings, pod: pod_pb2.Pod) -> None:
    """The addresses that a kubelet reports, and the claims that were made for the pod."""
    for index, address in enumerate(pod.status.podIPs):
        found.invalid(f"status.podIPs[{index}].ip", address.ip, *syntax.ip_address(address.ip))
    check_made_claims(found, pod)
