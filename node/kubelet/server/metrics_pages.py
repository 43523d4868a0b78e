"""The pages /metrics, /metrics/resource and /metrics/cadvisor, under the names that dashboards ask for. Pure.

https://kubernetes.io/docs/reference/instrumentation/metrics/
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from node.kubelet.figures import Family, Sample
from node.kubelet.nodestatus.cgroups import RESOURCES
from node.kubelet.nodestatus.measurement import ContainerReading, Interface, NodeReading, PodReading
from node.kubelet.volume.stats.use import VolumeUse
from node.kubelet.volume.stats.volume_stats import Volumes
from podlab import GIT_VERSION
from podlab.api.values import quantity

_NS = 1e9
_Of = Callable[[ContainerReading], float]
# Name, kind, what it is, and how it is read of a container.
_OF_CONTAINERS: tuple[tuple[str, str, str, _Of], ...] = (
    ("container_cpu_usage_seconds_total", "counter", "Processor time used.", lambda c: c.use.cpu_ns / _NS),
    ("container_cpu_cfs_periods_total", "counter", "Periods that its quota was for.", lambda c: c.use.periods),
    (
        "container_cpu_cfs_throttled_periods_total",
        "counter",
        "Periods in which it was throttled.",
        lambda c: c.use.throttled_periods,
    ),
    (
        "container_cpu_cfs_throttled_seconds_total",
        "counter",
        "For how long it was throttled.",
        lambda c: c.use.throttled_ns / _NS,
    ),
    ("container_memory_usage_bytes", "gauge", "Memory in use, caches too.", lambda c: c.use.memory_bytes),
    ("container_memory_working_set_bytes", "gauge", "Memory in use.", lambda c: c.use.working_set_bytes),
    ("container_memory_rss", "gauge", "Memory of no file.", lambda c: c.use.rss_bytes),
    ("container_memory_cache", "gauge", "Memory of files.", lambda c: c.use.cache_bytes),
    ("container_memory_failcnt", "counter", "How often it met its limit.", lambda c: c.use.failures),
    ("container_oom_events_total", "counter", "How often it ran out of memory.", lambda c: c.use.oom_kills),
    ("container_processes", "gauge", "Processes.", lambda c: c.processes),
    ("container_start_time_seconds", "gauge", "When it was started, since 1970.", lambda c: c.started_s),
    ("container_fs_usage_bytes", "gauge", "What it wrote outside of mounts.", lambda c: c.written_bytes),
    ("container_fs_inodes_used", "gauge", "Files that it made outside of mounts.", lambda c: c.written_inodes),
)
_OF_INTERFACES: tuple[tuple[str, str, Callable[[Interface], int]], ...] = (
    ("receive_bytes", "Bytes received.", lambda i: i.rx_bytes),
    ("receive_packets", "Packets received.", lambda i: i.rx_packets),
    ("receive_errors", "Errors of what was received.", lambda i: i.rx_errors),
    ("receive_packets_dropped", "Packets that were dropped as they came.", lambda i: i.rx_dropped),
    ("transmit_bytes", "Bytes sent.", lambda i: i.tx_bytes),
    ("transmit_packets", "Packets sent.", lambda i: i.tx_packets),
    ("transmit_errors", "Errors of what was sent.", lambda i: i.tx_errors),
    ("transmit_packets_dropped", "Packets that were dropped as they went.", lambda i: i.tx_dropped),
)
# Name and what it is, of claims' volumes.
_OF_CLAIMS: tuple[tuple[str, str, Callable[[VolumeUse], int]], ...] = (
    ("capacity_bytes", "Capacity in bytes of the volume", lambda use: use.capacity),
    ("available_bytes", "Number of available bytes in the volume", lambda use: use.available),
    ("used_bytes", "Number of used bytes in the volume", lambda use: use.used),
    ("inodes", "Maximum number of inodes in the volume", lambda use: use.inodes),
    ("inodes_free", "Number of free inodes in the volume", lambda use: use.inodes_free),
    ("inodes_used", "Number of used inodes in the volume", lambda use: use.inodes_used),
)


def kubelet(node: NodeReading, pods: int, volumes: Volumes, counted: Iterable[Family]) -> list[Family]:
    """/metrics. `pods` are bound to the node; `counted` is what the kubelet has counted of its work."""
    running = sum(len(pod.containers) for pod in node.pods)
    states = [Sample(running, {"container_state": "running"})]
    return [
        _gauge("kubelet_node_name", "The node's name. The count is always 1.", [Sample(1, {"node": node.name})]),
        _gauge("kubelet_running_pods", "Pods of which a container runs.", [Sample(len(node.pods))]),
        _gauge("kubelet_running_containers", "Containers that run.", states),
        _gauge("kubelet_desired_pods", "Pods that are bound to the node.", [Sample(pods, {"static": ""})]),
        _gauge("kubernetes_build_info", "The release.", [Sample(1, {"git_version": GIT_VERSION})]),
        *_claims(node.pods, volumes),
        *counted,
    ]


def resource(node: NodeReading) -> list[Family]:
    """/metrics/resource."""
    containers = [(_short(pod, each), each) for pod in node.pods for each in pod.containers]
    pods = [({"namespace": pod.pod.metadata.namespace, "pod": pod.pod.metadata.name}, pod) for pod in node.pods]
    return [
        _counter(
            "node_cpu_usage_seconds_total", "Processor time used by the node.", [Sample(node.sample.cpu_ns / _NS)]
        ),
        _gauge("node_memory_working_set_bytes", "Memory in use by the node.", [Sample(node.sample.memory_bytes)]),
        _counter(
            "container_cpu_usage_seconds_total",
            "Processor time used by a container.",
            [Sample(each.use.cpu_ns / _NS, labels) for labels, each in containers],
        ),
        _gauge(
            "container_memory_working_set_bytes",
            "Memory in use by a container.",
            [Sample(each.use.working_set_bytes, labels) for labels, each in containers],
        ),
        _gauge(
            "container_start_time_seconds",
            "When a container was started, since 1970.",
            [Sample(each.started_s, labels) for labels, each in containers],
        ),
        _counter(
            "pod_cpu_usage_seconds_total",
            "Processor time used by a pod.",
            [Sample(pod.cpu_ns / _NS, labels) for labels, pod in pods],
        ),
        _gauge(
            "pod_memory_working_set_bytes",
            "Memory in use by a pod.",
            [Sample(pod.working_set_bytes, labels) for labels, pod in pods],
        ),
        _gauge("resource_scrape_error", "1 when something could not be read.", [Sample(0)]),
    ]


def cadvisor(node: NodeReading, cores: int) -> list[Family]:
    """/metrics/cadvisor."""
    containers = [(_long(pod, each), each) for pod in node.pods for each in pod.containers]
    families = [
        Family(name, kind, text, [Sample(read(each), labels) for labels, each in containers])
        for name, kind, text, read in _OF_CONTAINERS
    ]
    families += [
        _counter(f"container_network_{name}_total", text, list(_of_interfaces(node.pods, read)))
        for name, text, read in _OF_INTERFACES
    ]
    families += [_limits(node), *_stalls(containers)]
    return [
        *families,
        _gauge("machine_cpu_cores", "Processors.", [Sample(cores)]),
        _gauge("machine_memory_bytes", "Memory.", [Sample(node.memory_bytes)]),
    ]


def _claims(pods: Iterable[PodReading], volumes: Volumes) -> Iterator[Family]:
    """Each claim once, however many pods share it."""
    found = {
        (pod.pod.metadata.namespace, each.claim): each.use
        for pod in pods
        for each in volumes.get(pod.pod.metadata.uid, ())
        if each.claim
    }
    told = [({"namespace": namespace, "persistentvolumeclaim": name}, use) for (namespace, name), use in found.items()]
    for name, text, read in _OF_CLAIMS:
        yield _gauge(f"kubelet_volume_stats_{name}", text, [Sample(read(use), labels) for labels, use in told])
    yield _gauge(
        "kubelet_volume_stats_health_status_abnormal",
        "Abnormal volume health status. The count is either 1 or 0. 1 indicates the volume is unhealthy.",
        [Sample(int(use.abnormal), labels) for labels, use in told if use.abnormal is not None],
    )


def _of_interfaces(pods: Iterable[PodReading], read: Callable[[Interface], int]) -> Iterator[Sample]:
    for pod in pods:
        at = pod.pod.metadata
        for each in pod.interfaces:
            yield Sample(read(each), {"interface": each.name, "namespace": at.namespace, "pod": at.name})


def _limits(node: NodeReading) -> Family:
    found = []
    for pod in node.pods:
        specs = {each.name: each for each in (*pod.pod.spec.initContainers, *pod.pod.spec.containers)}
        for each in pod.containers:
            spec = specs.get(each.name)
            limit = spec.resources.limits.get("memory") if spec is not None else None
            if limit is not None:
                found.append(Sample(quantity.value(limit), _long(pod, each)))
    return _gauge("container_spec_memory_limit_bytes", "The most memory that it may use.", found)


def _stalls(containers: Iterable[tuple[Mapping[str, str], ContainerReading]]) -> Iterator[Family]:
    """For how long tasks waited (`waiting`: some of them, `stalled`: all)."""
    known = list(containers)
    for resource_name in RESOURCES:
        for kind, word in (("some", "waiting"), ("full", "stalled")):
            samples = [
                Sample(each.use.stalls[resource_name][kind].total_us / 1e6, labels)
                for labels, each in known
                if kind in each.use.stalls.get(resource_name, {})
            ]
            name = f"container_pressure_{resource_name}_{word}_seconds_total"
            yield _counter(name, f"For how long tasks waited for {resource_name}.", samples)


def _short(pod: PodReading, each: ContainerReading) -> dict[str, str]:
    return {"container": each.name, "namespace": pod.pod.metadata.namespace, "pod": pod.pod.metadata.name}


def _long(pod: PodReading, each: ContainerReading) -> dict[str, str]:
    group = f"/kubepods/pod{pod.pod.metadata.uid}/{each.id}"
    return {**_short(pod, each), "id": group, "image": each.image, "name": each.id}


def _gauge(name: str, text: str, samples: list[Sample]) -> Family:
    return Family(name, "gauge", text, samples)


def _counter(name: str, text: str, samples: list[Sample]) -> Family:
    return Family(name, "counter", text, samples)
