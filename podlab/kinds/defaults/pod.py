"""Defaults of pods and pod templates."""

from collections.abc import Iterable

from podlab.api.pods import containers, podresources
from podlab.core.v1 import pod_pb2
from podlab.kinds.defaults.storage import apply_to_claim_spec

_GRACE_PERIOD_S = 30
_FILE_MODE = 0o644
_TOKEN_S = 3600
_MESSAGE_PATH = "/dev/termination-log"

_PROBE_COUNTS = (("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3))


def apply_to_pod(pod: pod_pb2.Pod) -> None:
    """What pods get and their templates do not: there it would be fixed before anybody asks for a pod."""
    spec = pod.spec
    apply_to_spec(spec)
    if not spec.HasField("enableServiceLinks"):
        spec.enableServiceLinks = True
    for container in (*spec.initContainers, *spec.containers):
        if container.HasField("resources"):
            _request_limits(container.resources)
        for port in container.ports if spec.hostNetwork else ():
            port.hostPort = port.hostPort or port.containerPort
    if spec.HasField("resources"):
        _request_for_all(spec)


def apply_to_spec(spec: pod_pb2.PodSpec) -> None:
    """A pod's spec or a template's, containers and volumes included."""
    spec.restartPolicy = spec.restartPolicy or "Always"
    if not spec.HasField("terminationGracePeriodSeconds"):
        spec.terminationGracePeriodSeconds = _GRACE_PERIOD_S
    spec.dnsPolicy = spec.dnsPolicy or "ClusterFirst"
    spec.schedulerName = spec.schedulerName or "default-scheduler"
    if not spec.HasField("securityContext"):
        spec.securityContext.SetInParent()
    spec.serviceAccountName = spec.serviceAccountName or spec.serviceAccount
    spec.serviceAccount = spec.serviceAccountName
    _volumes(spec.volumes)
    for container in containers.ephemeral(spec):
        _container(container)
    for container in (*spec.initContainers, *spec.containers):
        _container(container)


def pull_policy(image: str) -> str:
    """Always for a tag that moves: `latest`, said or implied. A digest never moves."""
    name, at, _ = image.partition("@")
    if at:
        return "IfNotPresent"
    _, colon, tag = name.rpartition("/")[2].partition(":")
    return "IfNotPresent" if colon and tag != "latest" else "Always"


def _container(container: pod_pb2.Container) -> None:
    container.imagePullPolicy = container.imagePullPolicy or pull_policy(container.image)
    container.terminationMessagePath = container.terminationMessagePath or _MESSAGE_PATH
    container.terminationMessagePolicy = container.terminationMessagePolicy or "File"
    for port in container.ports:
        port.protocol = port.protocol or "TCP"
    for variable in container.env:
        if variable.valueFrom.HasField("fieldRef"):
            reference = variable.valueFrom.fieldRef
            reference.apiVersion = reference.apiVersion or "v1"
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.HasField(name):
            _probe(getattr(container, name))
    for name in ("postStart", "preStop"):
        if container.HasField("lifecycle") and container.lifecycle.HasField(name):  # type: ignore[arg-type]
            _http(getattr(container.lifecycle, name))


def _request_limits(resources: pod_pb2.ResourceRequirements) -> None:
    """Whoever is bounded and asks for nothing asks for as much."""
    for name, limit in resources.limits.items():
        if name not in resources.requests:
            resources.requests[name].CopyFrom(limit)


def _request_for_all(spec: pod_pb2.PodSpec) -> None:
    """A pod that is bounded as a whole asks for what its containers ask for, and where they do not, for its limits.

    https://kubernetes.io/docs/tasks/configure-pod-container/assign-pod-level-resources/
    """
    own = spec.resources
    try:
        asked = podresources.container_requests(spec)
    except ValueError:  # validation names what is no quantity
        return
    for name, amount in asked.items():
        if name in ("cpu", "memory") and name not in own.requests:
            own.requests[name].string = podresources.text(name, amount)
    _request_limits(own)


def _probe(probe: pod_pb2.Probe) -> None:
    for name, count in _PROBE_COUNTS:
        if not getattr(probe, name):
            setattr(probe, name, count)
    _http(probe.handler)
    if probe.handler.HasField("grpc") and not probe.handler.grpc.HasField("service"):
        probe.handler.grpc.service = ""


def _http(handler: pod_pb2.ProbeHandler | pod_pb2.LifecycleHandler) -> None:
    if handler.HasField("httpGet"):
        handler.httpGet.path = handler.httpGet.path or "/"
        handler.httpGet.scheme = handler.httpGet.scheme or "HTTP"


def _volumes(volumes: Iterable[pod_pb2.Volume]) -> None:
    for volume in volumes:
        source = volume.volumeSource
        if not source.ListFields():
            source.emptyDir.SetInParent()
        if source.HasField("hostPath") and not source.hostPath.HasField("type"):
            source.hostPath.type = ""
        if source.HasField("image"):
            source.image.pullPolicy = source.image.pullPolicy or pull_policy(source.image.reference)
        if source.ephemeral.HasField("volumeClaimTemplate"):
            apply_to_claim_spec(source.ephemeral.volumeClaimTemplate.spec)
        for name in ("secret", "configMap", "downwardAPI", "projected"):
            if source.HasField(name) and not getattr(source, name).HasField("defaultMode"):
                getattr(source, name).defaultMode = _FILE_MODE
        _downward(source.downwardAPI.items)
        for part in source.projected.sources:
            _downward(part.downwardAPI.items)
            if part.HasField("serviceAccountToken") and not part.serviceAccountToken.HasField("expirationSeconds"):
                part.serviceAccountToken.expirationSeconds = _TOKEN_S


def _downward(files: Iterable[pod_pb2.DownwardAPIVolumeFile]) -> None:
    for file in files:
        if file.HasField("fieldRef"):
            file.fieldRef.apiVersion = file.fieldRef.apiVersion or "v1"
