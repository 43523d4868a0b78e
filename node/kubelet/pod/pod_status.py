"""A pod's status, computed from what is observed. Pure; rules as in
https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/."""

from __future__ import annotations

from collections.abc import Iterable

from node.kubelet.cri.runtime import Container, ObservedPod, State
from node.kubelet.pod import decide, pod_outcome, podspec, restart_backoff, unknown_status
from node.kubelet.pod.pod_notes import Memory
from podlab.api import containers
from podlab.api.objects import condition
from podlab.core.v1 import pod_pb2
from podlab.meta.v1 import meta_pb2

CRASH_LOOP = "CrashLoopBackOff"
OWN_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")


def pod_status(
    pod: pod_pb2.Pod, observed: ObservedPod, memory: Memory, *, now: float, host_ip: str
) -> pod_pb2.PodStatus:
    """The whole status; conditions of others and what the runtime has forgotten are kept from the pod's present one."""
    before = pod.status
    if _never_began(pod, observed):
        return before
    outcome = pod_outcome.outcome(pod, observed, now)
    inits = [_container_status(pod, spec, observed, memory, now) for spec in pod.spec.initContainers]
    mains = [_container_status(pod, spec, observed, memory, now) for spec in pod.spec.containers]
    joined = [_container_status(pod, spec, observed, memory, now) for spec in containers.ephemeral(pod.spec)]
    status = pod_pb2.PodStatus(
        qosClass=before.qosClass or podspec.qos_class(pod),
        hostIP=host_ip,
        hostIPs=[pod_pb2.HostIP(ip=host_ip)],
        initContainerStatuses=inits,
        containerStatuses=mains,
        ephemeralContainerStatuses=joined,
        observedGeneration=pod.metadata.generation,
    )
    status.startTime.CopyFrom(before.startTime if before.HasField("startTime") else _time(memory.accepted))
    for ip in _pod_ips(pod, observed, host_ip):
        status.podIPs.add(ip=ip)
    status.podIP = status.podIPs[0].ip if status.podIPs else ""
    if outcome is not None and not observed.alive:
        status.phase, status.reason, status.message = outcome.phase, outcome.reason, outcome.message
        unknown_status.settle(pod, status)
    else:
        status.phase = _phase(mains)
    status.conditions.extend(_conditions(pod, observed, memory, status, now))
    return status


def refused_status(pod: pod_pb2.Pod, outcome: pod_outcome.Outcome, now: float) -> pod_pb2.PodStatus:
    """Of a pod that the node has no place for: nothing is told of containers."""
    status = pod_pb2.PodStatus(
        phase=outcome.phase,
        reason=outcome.reason,
        message=f"Pod was rejected: {outcome.message}",
        qosClass=pod.status.qosClass or podspec.qos_class(pod),
        startTime=_time(now),
        observedGeneration=pod.metadata.generation,
    )
    status.conditions.extend(each for each in pod.status.conditions if each.type not in OWN_CONDITIONS)
    return status


def _never_began(pod: pod_pb2.Pod, observed: ObservedPod) -> bool:
    """Whether the pod was refused: it has failed, and there is nothing more to say of it."""
    had_containers = pod.status.containerStatuses or observed.containers or observed.sandboxes
    return pod.status.phase == "Failed" and not had_containers


def _container_status(
    pod: pod_pb2.Pod, spec: pod_pb2.Container, observed: ObservedPod, memory: Memory, now: float
) -> pod_pb2.ContainerStatus:
    before = _status_named(_statuses(pod.status), spec.name)
    runs = observed.runs(spec.name)
    if not runs and before is not None and _stands(pod, spec, before):
        return before
    run = runs[0] if runs else None
    status = pod_pb2.ContainerStatus(name=spec.name, image=spec.image, started=False)
    waiting = _waiting(pod, spec, run, observed, memory, now)
    ended = [each for each in runs if each.state is State.EXITED]
    if run is not None:
        status.restartCount = run.attempt
        status.containerID = f"containerd://{run.id}"
        status.imageID = run.image_id
    elif before is not None:
        status.restartCount = before.restartCount
    if waiting is not None:
        status.state.waiting.CopyFrom(waiting)
        last = ended[0] if ended else None
    elif run is not None and run.state is State.EXITED:
        status.state.terminated.CopyFrom(_terminated(run, memory))
        status.ready = run.exit_code == 0 and not podspec.is_sidecar(spec) and _is_init(pod, spec)
        last = ended[1] if len(ended) > 1 else None
    elif run is not None:
        status.state.running.startedAt.CopyFrom(_time(run.started_ns / 1e9))
        status.started = run.id in memory.started
        status.ready = status.started and memory.ready.get(run.id, False) and _may_be_ready(pod, spec)
        last = ended[0] if ended else None
    if last is not None:
        status.lastState.terminated.CopyFrom(_terminated(last, memory))
    elif before is not None and before.lastState.HasField("terminated"):
        status.lastState.CopyFrom(before.lastState)
    elif run is None and before is not None and before.state.HasField("running"):
        status.lastState.terminated.CopyFrom(unknown_status.RUNNING)
    return status


def _stands(pod: pod_pb2.Pod, spec: pod_pb2.Container, before: pod_pb2.ContainerStatus) -> bool:
    """Whether what was told of a container stays true when the runtime has forgotten it."""
    if pod.status.phase in ("Succeeded", "Failed"):
        return True
    if podspec.is_ephemeral(pod, spec.name):
        return bool(before.containerID)
    ended = before.state.HasField("terminated") and not _is_init(pod, spec)
    is_last = pod.metadata.HasField("deletionTimestamp")
    return ended and (is_last or not podspec.restarts(pod, spec, before.state.terminated.exitCode))


def _waiting(
    pod: pod_pb2.Pod,
    spec: pod_pb2.Container,
    run: Container | None,
    observed: ObservedPod,
    memory: Memory,
    now: float,
) -> pod_pb2.ContainerStateWaiting | None:
    """Why the container does not run; None when it runs, or ended and nothing is to be said about a next run.

    https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/: it runs once its postStart hook is done.
    """
    hold = memory.holds.get(spec.name)
    if run is None or run.state in (State.CREATED, State.UNKNOWN):
        if hold is not None:
            return pod_pb2.ContainerStateWaiting(reason=hold.reason, message=hold.message)
        return pod_pb2.ContainerStateWaiting(reason=_creating(pod))
    if run.alive and not memory.is_up(spec, run):
        failure = memory.hook_failures.get(run.id, "")
        return pod_pb2.ContainerStateWaiting(
            reason="PostStartHookError" if failure else _creating(pod), message=failure
        )
    if run.state is not State.EXITED or not podspec.restarts(pod, spec, run.exit_code):
        return None
    if pod.metadata.HasField("deletionTimestamp") or pod_outcome.outcome(pod, observed, now) is not None:
        return None
    if hold is not None and hold.until > now:
        return pod_pb2.ContainerStateWaiting(reason=hold.reason, message=hold.message)
    if restart_backoff.due(run) > now:
        name = podspec.full_name(pod)
        return pod_pb2.ContainerStateWaiting(
            reason=CRASH_LOOP,
            message=f"back-off {restart_backoff.delay_s(run)}s restarting failed container={spec.name} pod={name}",
        )
    return None


def _creating(pod: pod_pb2.Pod) -> str:
    """As Kubernetes calls what is still to come, of init containers too where there are any."""
    return "PodInitializing" if pod.spec.initContainers else "ContainerCreating"


def _terminated(run: Container, memory: Memory) -> pod_pb2.ContainerStateTerminated:
    state = pod_pb2.ContainerStateTerminated(
        exitCode=run.exit_code,
        reason=run.reason or ("Completed" if run.exit_code == 0 else "Error"),
        message=memory.messages.get(run.id, "") or run.message,
        containerID=f"containerd://{run.id}",
    )
    if run.started_ns:
        state.startedAt.CopyFrom(_time(run.started_ns / 1e9))
    state.finishedAt.CopyFrom(_time(run.finished_ns / 1e9))
    return state


def _phase(mains: Iterable[pod_pb2.ContainerStatus]) -> str:
    """Running once each main container has run: a first run counts when its postStart hook is done."""
    return "Running" if all(_ran(each) for each in mains) else "Pending"


def _ran(status: pod_pb2.ContainerStatus) -> bool:
    return not status.state.HasField("waiting") or status.lastState.HasField("terminated") or status.restartCount > 0


def _pod_ips(pod: pod_pb2.Pod, observed: ObservedPod, host_ip: str) -> list[str]:
    if pod.spec.hostNetwork:
        return [host_ip]
    if observed.sandbox is not None and observed.sandbox.ips:
        return list(observed.sandbox.ips)
    # A pod that has ended is known by the address that it had.
    return [ip.ip for ip in pod.status.podIPs] if pod.status.phase in ("Succeeded", "Failed", "Running") else []


def _conditions(
    pod: pod_pb2.Pod, observed: ObservedPod, memory: Memory, status: pod_pb2.PodStatus, now: float
) -> list[pod_pb2.PodCondition]:
    sandboxed = observed.sandbox is not None and observed.sandbox.ready
    initialized = decide.initialized(pod, observed, memory) or status.phase == "Succeeded"
    sidecars = {init.name for init in pod.spec.initContainers if podspec.is_sidecar(init)}
    pending = [
        init.name
        for init in status.initContainerStatuses
        if not (init.started if init.name in sidecars else init.ready)
    ]
    counted = [*(init for init in status.initContainerStatuses if init.name in sidecars), *status.containerStatuses]
    unready = [each.name for each in counted if not each.ready]
    init_reason, init_message = "ContainersNotInitialized", f"containers with incomplete status: [{' '.join(pending)}]"
    reason, message = "ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]"
    if status.phase in ("Succeeded", "Failed"):
        reason, message = ("PodCompleted" if status.phase == "Succeeded" else "PodFailed"), ""
    ready = not unready and initialized and status.phase == "Running"
    shut = _shut_gates(pod)
    gated = ("Ready", False, "ReadinessGatesNotReady", ", ".join(shut))
    verdicts = (
        ("PodReadyToStartContainers", sandboxed, "", ""),
        ("Initialized", initialized, init_reason, init_message),
        gated if ready and shut else ("Ready", ready, reason, message),
        ("ContainersReady", ready, reason, message),
    )
    own = [_condition(pod.status.conditions, *verdict, now) for verdict in verdicts]
    for each in own:
        each.observedGeneration = pod.metadata.generation
    return [*own, *(kept for kept in pod.status.conditions if kept.type not in OWN_CONDITIONS)]


def _shut_gates(pod: pod_pb2.Pod) -> list[str]:
    """What is to be said about each readiness gate whose condition does not hold."""
    found = [
        (gate.conditionType, condition(pod.status.conditions, gate.conditionType)) for gate in pod.spec.readinessGates
    ]
    missing = 'corresponding condition of pod readiness gate "{}" does not exist.'
    untrue = 'the status of pod readiness gate "{}" is not "True", but {}'
    return [
        missing.format(name) if told is None else untrue.format(name, told.status)
        for name, told in found
        if told is None or told.status != "True"
    ]


def _condition(
    before: Iterable[pod_pb2.PodCondition], name: str, holds: bool, reason: str, message: str, now: float
) -> pod_pb2.PodCondition:
    made = pod_pb2.PodCondition(type=name, status="True" if holds else "False")
    # Kubernetes tells why a completed pod counts as initialized, and is silent about what simply holds.
    if not holds or reason == "PodCompleted":
        made.reason, made.message = reason, message
    old = condition(before, name)
    same = old is not None and old.status == made.status and old.HasField("lastTransitionTime")
    made.lastTransitionTime.CopyFrom(old.lastTransitionTime if old is not None and same else _time(now))
    return made


def _may_be_ready(pod: pod_pb2.Pod, spec: pod_pb2.Container) -> bool:
    """Whether it can be ready while it runs: an init container is when it is done, an ephemeral one never."""
    return podspec.is_sidecar(spec) or not (_is_init(pod, spec) or podspec.is_ephemeral(pod, spec.name))


def _is_init(pod: pod_pb2.Pod, spec: pod_pb2.Container) -> bool:
    return any(init.name == spec.name for init in pod.spec.initContainers)


def _status_named(statuses: Iterable[pod_pb2.ContainerStatus], name: str) -> pod_pb2.ContainerStatus | None:
    return next((status for status in statuses if status.name == name), None)


def _time(seconds: float) -> meta_pb2.Time:
    return meta_pb2.Time(seconds=int(seconds))


def newly_backing_off(before: pod_pb2.PodStatus, after: pod_pb2.PodStatus) -> list[str]:
    """The names of the containers whose restart began to be held back between the two statuses."""
    known = {each.name for each in _statuses(before) if each.state.waiting.reason == CRASH_LOOP}
    return [
        each.name for each in _statuses(after) if each.state.waiting.reason == CRASH_LOOP and each.name not in known
    ]


def _statuses(status: pod_pb2.PodStatus) -> list[pod_pb2.ContainerStatus]:
    return [*status.initContainerStatuses, *status.containerStatuses, *status.ephemeralContainerStatuses]
