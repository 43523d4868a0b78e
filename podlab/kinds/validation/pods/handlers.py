"""Probes and lifecycle hooks: what is called, and how often."""

from podlab.api.pods.signals import SIGNALS, is_signal
from podlab.core.v1 import pod_pb2
from podlab.kinds.validation import syntax
from podlab.kinds.validation.findings import Findings
from podlab.meta.v1 import meta_pb2

_PROBE_COUNTS = (
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
)


def check_probe(found: Findings, field: str, probe: pod_pb2.Probe, *, gates_life: bool) -> None:
    """A probe; one that `gates_life` (liveness, startup) is satisfied by a single success."""
    _check_handler(found, field, probe.handler)
    for name in _PROBE_COUNTS:
        found.at_least(f"{field}.{name}", getattr(probe, name), 0)
    if gates_life and probe.successThreshold != 1:
        found.invalid(f"{field}.successThreshold", probe.successThreshold, "must be 1")
    if probe.HasField("terminationGracePeriodSeconds"):
        where = f"{field}.terminationGracePeriodSeconds"
        if not gates_life:
            found.invalid(where, probe.terminationGracePeriodSeconds, "must not be set for readinessProbes")
        found.at_least(where, probe.terminationGracePeriodSeconds, 1)


def check_lifecycle(
    found: Findings, field: str, lifecycle: pod_pb2.Lifecycle, grace_period_s: int, *, says_os: bool
) -> None:
    """Hooks; a sleep must fit into the grace period of the pod. Signals are those of the os that the pod names."""
    if lifecycle.HasField("stopSignal"):
        if not says_os:
            found.forbidden(f"{field}.stopSignal", "may not be set for containers with empty `spec.os.name`")
        elif not is_signal(lifecycle.stopSignal):
            found.unsupported(f"{field}.stopSignal", lifecycle.stopSignal, sorted(SIGNALS))
    for name in ("postStart", "preStop"):
        if not lifecycle.HasField(name):
            continue
        hook: pod_pb2.LifecycleHandler = getattr(lifecycle, name)
        _check_handler(found, f"{field}.{name}", hook)
        if hook.HasField("sleep") and not 0 < hook.sleep.seconds <= grace_period_s:
            rule = f"must be greater than 0 and less than terminationGracePeriodSeconds ({grace_period_s})"
            found.invalid(f"{field}.{name}.sleep.seconds", hook.sleep.seconds, rule)


def _check_handler(found: Findings, field: str, handler: pod_pb2.ProbeHandler | pod_pb2.LifecycleHandler) -> None:
    given = [descriptor.name for descriptor, _ in handler.ListFields()]
    if not given:
        found.required(field, "must specify a handler type")
    for extra in given[1:]:
        found.forbidden(f"{field}.{extra}", "may not specify more than 1 handler type")
    if handler.HasField("exec") and not handler.exec.command:
        found.required(f"{field}.exec.command")
    if handler.HasField("httpGet"):
        _check_http(found, f"{field}.httpGet", handler.httpGet)
    if handler.HasField("tcpSocket"):
        _check_port(found, f"{field}.tcpSocket.port", handler.tcpSocket.port)
    if isinstance(handler, pod_pb2.ProbeHandler) and handler.HasField("grpc"):
        found.port(f"{field}.grpc.port", handler.grpc.port)


def _check_http(found: Findings, field: str, action: pod_pb2.HTTPGetAction) -> None:
    if not action.path:
        found.required(f"{field}.path")
    _check_port(found, f"{field}.port", action.port)
    found.one_of(f"{field}.scheme", action.scheme, ("HTTP", "HTTPS"))
    for index, header in enumerate(action.httpHeaders):
        if not header.name or not all(c.isalnum() or c in "-!#$%&'*+.^_`|~" for c in header.name):
            rule = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name')"
            found.invalid(f"{field}.httpHeaders[{index}].name", header.name, rule)


def _check_port(found: Findings, field: str, port: meta_pb2.IntOrString) -> None:
    if port.type == 0:
        found.port(field, port.intVal)
    else:
        found.invalid(field, port.strVal, *syntax.port_name(port.strVal))


def handlers_of(container: pod_pb2.Container) -> list[str]:
    """The names of the probes and hooks that a container has."""
    names = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
    return [descriptor.name for descriptor, _ in container.ListFields() if descriptor.name in names]
