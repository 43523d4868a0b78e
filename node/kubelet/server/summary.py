"""/stats/summary: what node and pods use, in Kubernetes' form. Pure.

https://kubernetes.io/docs/reference/instrumentation/node-metrics/
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from node.kubelet.nodestatus.cgroups import Stall, Stalls
from node.kubelet.nodestatus.measurement import (
    ContainerReading,
    Filesystem,
    Interface,
    NodeReading,
    PodReading,
)
from node.kubelet.volume.stats.volume_stats import VolumeReading, Volumes

Json = dict[str, object]


def summary(node: NodeReading, volumes: Volumes) -> Json:
    at = _time(node.time_ns / 1e9)
    pods = [_pod(pod, node, volumes.get(pod.pod.metadata.uid, ()), at) for pod in node.pods]
    return {"node": _node(node, at), "pods": pods}


def _node(node: NodeReading, at: str) -> Json:
    used, total = node.sample.memory_bytes, node.memory_bytes
    return {
        "nodeName": node.name,
        "startTime": _time(node.started_s),
        "cpu": {
            "time": at,
            "usageNanoCores": node.cpu_nanocores,
            "usageCoreNanoSeconds": node.sample.cpu_ns,
            **_psi(node.stalls, "cpu"),
        },
        "memory": {
            "time": at,
            "availableBytes": max(0, total - used),
            "workingSetBytes": used,
            **_psi(node.stalls, "memory"),
        },
        "io": {"time": at, **_psi(node.stalls, "io")},
        "network": _network(node.interfaces, at),
        "fs": _filesystem(node.nodefs, at),
        "runtime": {
            "imageFs": _filesystem(node.imagefs, at),
            "containerFs": _filesystem(node.imagefs, at),
        },
        "rlimit": {"time": at, "maxpid": node.max_processes, "curproc": node.processes},
    }


def _pod(pod: PodReading, node: NodeReading, volumes: tuple[VolumeReading, ...], at: str) -> Json:
    metadata = pod.pod.metadata
    containers = [_container(each, node, at) for each in pod.containers]
    cpu: Json = {
        "time": at,
        "usageNanoCores": sum(each.cpu_nanocores for each in pod.containers),
        "usageCoreNanoSeconds": pod.cpu_ns,
    }
    memory: Json = {
        "time": at,
        "usageBytes": sum(each.use.memory_bytes for each in pod.containers),
        "workingSetBytes": pod.working_set_bytes,
        "rssBytes": sum(each.use.rss_bytes for each in pod.containers),
        "pageFaults": sum(each.use.page_faults for each in pod.containers),
        "majorPageFaults": sum(each.use.major_page_faults for each in pod.containers),
    }
    written = sum(each.written_bytes for each in pod.containers)
    written += sum(each.use.used for each in volumes if each.ephemeral)
    of_volumes = {"volume": [_volume(each, metadata.namespace) for each in volumes]} if volumes else {}
    return {
        "podRef": {"name": metadata.name, "namespace": metadata.namespace, "uid": metadata.uid},
        "startTime": _time(pod.pod.status.startTime.seconds),
        "containers": containers,
        "cpu": cpu,
        "memory": memory,
        "network": _network(pod.interfaces, at),
        **of_volumes,
        "ephemeral-storage": {**_filesystem(node.nodefs, at), "usedBytes": written},
        "process_stats": {"process_count": pod.processes},
    }


def _volume(each: VolumeReading, namespace: str) -> Json:
    use = each.use
    return {
        "time": _time(use.time_ns / 1e9),
        "availableBytes": use.available,
        "capacityBytes": use.capacity,
        "usedBytes": use.used,
        "inodesFree": use.inodes_free,
        "inodes": use.inodes,
        "inodesUsed": use.inodes_used,
        "name": each.volume,
        **({"pvcRef": {"name": each.claim, "namespace": namespace}} if each.claim else {}),
        **({"volumeHealthStats": {"abnormal": use.abnormal}} if use.abnormal is not None else {}),
    }


def _container(each: ContainerReading, node: NodeReading, at: str) -> Json:
    use = each.use
    return {
        "name": each.name,
        "startTime": _time(each.started_s),
        "cpu": {
            "time": at,
            "usageNanoCores": each.cpu_nanocores,
            "usageCoreNanoSeconds": use.cpu_ns,
            **_psi(use.stalls, "cpu"),
        },
        "memory": {
            "time": at,
            "usageBytes": use.memory_bytes,
            "workingSetBytes": use.working_set_bytes,
            "rssBytes": use.rss_bytes,
            "pageFaults": use.page_faults,
            "majorPageFaults": use.major_page_faults,
            **_psi(use.stalls, "memory"),
        },
        "io": {"time": at, **_psi(use.stalls, "io")},
        "rootfs": {
            **_filesystem(node.imagefs, at),
            "usedBytes": each.written_bytes,
            "inodesUsed": each.written_inodes,
        },
    }


def _psi(stalls: Stalls, resource: str) -> Json:
    """Nothing where the kernel does not count it."""
    if resource not in stalls:
        return {}
    return {"psi": {name: _stall(each) for name, each in stalls[resource].items()}}


def _stall(each: Stall) -> Mapping[str, object]:
    return {"total": each.total_us * 1000, "avg10": each.avg10, "avg60": each.avg60, "avg300": each.avg300}


def _network(interfaces: tuple[Interface, ...], at: str) -> Json:
    """The first interface is told by itself, too, as the default one."""
    told = [
        {
            "name": each.name,
            "rxBytes": each.rx_bytes,
            "rxErrors": each.rx_errors,
            "txBytes": each.tx_bytes,
            "txErrors": each.tx_errors,
        }
        for each in interfaces
    ]
    return {"time": at, **(told[0] if told else {}), "interfaces": told}


def _filesystem(found: Filesystem, at: str) -> Json:
    return {
        "time": at,
        "availableBytes": found.available,
        "capacityBytes": found.capacity,
        "usedBytes": found.capacity - found.available,
        "inodesFree": found.inodes_free,
        "inodes": found.inodes,
        "inodesUsed": found.inodes - found.inodes_free,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
