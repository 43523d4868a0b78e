"""Containers, their state, and the volumes that they mount."""

from collections.abc import Iterable, Sequence

from podlab.cli.describe import layout
from podlab.cli.describe.basics import moment, quantities
from podlab.cli.describe.layout import Fields, LayoutField
from podlab.core.v1.pod_pb2 import (
    Container,
    ContainerState,
    ContainerStatus,
    EnvFromSource,
    EnvVar,
    Probe,
    Volume,
)
from podlab.meta.v1.meta_pb2 import IntOrString


def containers(name: str, specs: Iterable[Container], statuses: Iterable[ContainerStatus]) -> LayoutField:
    by_name = {status.name: status for status in statuses}
    return layout.group(name, [layout.group(one.name, _container(one, by_name.get(one.name))) for one in specs])


def _container(spec: Container, status: ContainerStatus | None) -> Fields:
    ports = ", ".join(f"{port.containerPort}/{port.protocol or 'TCP'}" for port in spec.ports)
    host_ports = ", ".join(f"{port.hostPort}/{port.protocol or 'TCP'}" for port in spec.ports if port.hostPort)
    fields = [
        *([layout.field("Container ID", status.containerID)] if status else []),
        layout.field("Image", spec.image),
        *([layout.field("Image ID", status.imageID)] if status else []),
        layout.field("Ports", ports or layout.NONE),
        layout.field("Host Ports", host_ports or layout.NONE),
    ]
    fields += [layout.field("Command", list(spec.command))] if spec.command else []
    fields += [layout.field("Args", list(spec.args))] if spec.args else []
    if status is not None:
        fields += _state("State", status.state)
        fields += _state("Last State", status.lastState) if status.lastState.ByteSize() else []
        fields.append(layout.field("Ready", str(status.ready)))
        fields.append(layout.field("Restart Count", str(status.restartCount)))
    fields += [quantities("Limits", spec.resources.limits)] if spec.resources.limits else []
    fields += [quantities("Requests", spec.resources.requests)] if spec.resources.requests else []
    claims = [f"{one.name}/{one.request}".rstrip("/") for one in spec.resources.claims]
    fields += [layout.field("Resource Claims", claims)] if claims else []
    for name, probe in (
        ("Liveness", spec.livenessProbe),
        ("Readiness", spec.readinessProbe),
        ("Startup", spec.startupProbe),
    ):
        fields += [layout.field(name, probe_text(probe))] if probe.ByteSize() else []
    if spec.envFrom:
        fields.append(layout.field("Environment Variables from", [_env_from(one) for one in spec.envFrom]))
    fields.append(layout.field("Environment", [_env(one) for one in spec.env]))
    mounts = [f"{one.mountPath} from {one.name} ({'ro' if one.readOnly else 'rw'})" for one in spec.volumeMounts]
    devices = [f"{one.devicePath} from {one.name}" for one in spec.volumeDevices]
    return [*fields, layout.field("Mounts", mounts), *([layout.field("Devices", devices)] if devices else [])]


def _state(name: str, state: ContainerState) -> Fields:
    if state.HasField("running"):
        return [layout.field(name, ["Running", f"Started: {moment(state.running.startedAt)}"])]
    if state.HasField("terminated"):
        ended = state.terminated
        lines = ["Terminated", f"Reason: {ended.reason or layout.NONE}"]
        lines += [f"Message: {line}" for line in ended.message.strip().splitlines()[:1]]
        lines += [f"Signal: {ended.signal}"] if ended.signal else [f"Exit Code: {ended.exitCode}"]
        lines += [f"Started: {moment(ended.startedAt)}", f"Finished: {moment(ended.finishedAt)}"]
        return [layout.field(name, lines)]
    waiting = state.waiting
    lines = ["Waiting", *([f"Reason: {waiting.reason}"] if waiting.reason else [])]
    return [layout.field(name, [*lines, *([f"Message: {waiting.message}"] if waiting.message else [])])]


def probe_text(probe: Probe) -> str:
    """http-get http://:8080/ delay=0s timeout=1s period=10s #success=1 #failure=3"""
    handler = probe.handler
    if handler.HasField("httpGet"):
        get = handler.httpGet
        what = f"http-get {(get.scheme or 'HTTP').lower()}://{get.host}:{_port(get.port)}{get.path}"
    elif handler.HasField("tcpSocket"):
        what = f"tcp-socket {handler.tcpSocket.host}:{_port(handler.tcpSocket.port)}"
    elif handler.HasField("grpc"):
        what = f"grpc <pod>:{handler.grpc.port} {handler.grpc.service}".rstrip()
    else:
        what = f"exec [{' '.join(handler.exec.command)}]"
    return (
        f"{what} delay={probe.initialDelaySeconds}s timeout={probe.timeoutSeconds}s period={probe.periodSeconds}s"
        f" #success={probe.successThreshold} #failure={probe.failureThreshold}"
    )


def _port(port: IntOrString) -> str:
    return port.strVal if port.type == 1 else str(port.intVal)


def _env(variable: EnvVar) -> str:
    source = variable.valueFrom
    if source.HasField("fieldRef"):
        value = f"({source.fieldRef.apiVersion or 'v1'}:{source.fieldRef.fieldPath})"
    elif source.HasField("resourceFieldRef"):
        value = f"({source.resourceFieldRef.resource} of {source.resourceFieldRef.containerName or 'this container'})"
    elif source.HasField("configMapKeyRef"):
        ref = source.configMapKeyRef
        value = f"<set to the key '{ref.key}' of config map '{ref.localObjectReference.name}'>{_optional(ref.optional)}"
    elif source.HasField("secretKeyRef"):
        secret = source.secretKeyRef
        name = secret.localObjectReference.name
        value = f"<set to the key '{secret.key}' in secret '{name}'>{_optional(secret.optional)}"
    else:
        value = variable.value.replace("\n", "\\n")
    return f"{variable.name}: {value}"


def _env_from(source: EnvFromSource) -> str:
    prefix = f" with prefix '{source.prefix}'" if source.prefix else ""
    if source.HasField("configMapRef"):
        ref = source.configMapRef
        return f"{ref.localObjectReference.name} ConfigMap{prefix}{_optional(ref.optional)}"
    secret = source.secretRef
    return f"{secret.localObjectReference.name} Secret{prefix}{_optional(secret.optional)}"


def _optional(optional: bool) -> str:
    return " (optional)" if optional else ""


def volumes(found: Sequence[Volume]) -> LayoutField:
    return layout.group("Volumes", [layout.field(one.name, _volume(one)) for one in found])


def _volume(volume: Volume) -> str:
    source = volume.volumeSource
    if source.HasField("hostPath"):
        return f"HostPath {source.hostPath.path} {source.hostPath.type}".rstrip()
    if source.HasField("emptyDir"):
        limit = source.emptyDir.sizeLimit.string
        return f"EmptyDir {source.emptyDir.medium}{' limit ' + limit if limit else ''}".rstrip()
    if source.HasField("csi"):
        return f"CSI {source.csi.driver}"
    if source.HasField("configMap"):
        name = source.configMap.localObjectReference.name
        return f"ConfigMap {name}{_optional(source.configMap.optional)}"
    return f"Secret {source.secret.secretName}{_optional(source.secret.optional)}"
