"""What the kubelet tells of itself, its pods and their use, at the paths of Kubernetes' kubelet."""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import orjson

from node.kubelet import figures
from node.kubelet.figures import Family, KubeletFigures, Sample
from node.kubelet.nodestatus import machine_info
from node.kubelet.nodestatus.measurement import NodeReading, Surveyor
from node.kubelet.server import metrics_pages
from node.kubelet.server.summary import summary
from node.kubelet.settings import KubeletSettings
from node.kubelet.volume.stats.volume_stats import Volumes, VolumeStats
from podlab.api.serializer import codec
from podlab.core.v1 import pod_pb2

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
_STARTED = time.time()


@dataclass(frozen=True)
class Document:
    content_type: str
    body: bytes


@dataclass(frozen=True)
class Documents:
    """Each is made when it is asked for. `pods` are those that are bound to the node."""

    settings: KubeletSettings
    surveyor: Surveyor
    volumes: VolumeStats
    counted: KubeletFigures
    pods: Callable[[], Iterable[pod_pb2.Pod]]

    @property
    def paths(self) -> tuple[str, ...]:
        """All that there are, without the first slash."""
        return tuple(self._by_path)

    async def read(self, path: str) -> Document | None:
        """None when there is none of that path. Raises RuntimeFailure, OSError."""
        found = self._by_path.get(path.strip("/"))
        return await found() if found is not None else None

    @cached_property
    def _by_path(self) -> Mapping[str, Callable[[], Awaitable[Document]]]:
        return {
            "healthz": self._healthz,
            "metrics": self._metrics,
            "metrics/resource": self._resource,
            "metrics/cadvisor": self._cadvisor,
            "metrics/probes": self._probes,
            "stats/summary": self._summary,
            "pods": self._pods,
            "runningpods": self._running_pods,
            "configz": self._configz,
        }

    async def _healthz(self) -> Document:
        return Document(TEXT, b"ok")

    async def _metrics(self) -> Document:
        node = await self.surveyor.measure()
        bound, volumes = sum(1 for _ in self.pods()), await self._read_volumes(node)
        return _page([*metrics_pages.kubelet(node, bound, volumes, self.counted.families()), *_of_process()])

    async def _resource(self) -> Document:
        return _page(metrics_pages.resource(await self.surveyor.measure()))

    async def _cadvisor(self) -> Document:
        return _page(metrics_pages.cadvisor(await self.surveyor.measure(), machine_info.cpu_count()))

    async def _probes(self) -> Document:
        return _page([self.counted.probes.family()])

    async def _summary(self) -> Document:
        node = await self.surveyor.measure()
        return _json(summary(node, await self._read_volumes(node)))

    async def _read_volumes(self, node: NodeReading) -> Volumes:
        return await self.volumes.read([each.pod for each in node.pods])

    async def _pods(self) -> Document:
        return _json(_list([codec.to_dict(pod) for pod in self.pods()]))

    async def _running_pods(self) -> Document:
        """What the runtime has, whatever the API says of it."""
        found = (await self.surveyor.runtime.pods()).values()
        return _json(
            _list(
                [
                    {
                        "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
                        "spec": {"containers": [{"name": run.name, "image": run.image} for run in pod.alive]},
                        "status": {},
                    }
                    for pod in found
                    if pod.alive
                ]
            )
        )

    async def _configz(self) -> Document:
        """The settings under their own names; none of them is a secret, and of files only the paths are told."""
        told = dataclasses.asdict(self.settings)
        return Document(JSON, orjson.dumps({"kubeletconfig": told}, default=str))


def _list(items: list[dict[str, object]]) -> dict[str, object]:
    return {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}


def _page(families: Iterable[Family]) -> Document:
    return Document(figures.CONTENT_TYPE, figures.render(families))


def _json(value: object) -> Document:
    return Document(JSON, orjson.dumps(value))


def _of_process() -> list[Family]:
    """What Prometheus' own clients tell of every process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    rss = machine_info.own_rss_bytes()
    return [
        Family("process_cpu_seconds_total", "counter", "Processor time used.", [Sample(used.ru_utime + used.ru_stime)]),
        Family("process_resident_memory_bytes", "gauge", "Memory in use.", [Sample(rss)]),
        Family("process_start_time_seconds", "gauge", "When it began, since 1970.", [Sample(_STARTED)]),
    ]
