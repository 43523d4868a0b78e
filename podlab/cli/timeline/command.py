"""`podlab timeline`: where the time went from a pod's creation until it is ready, and reached on every node."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import orjson
import typer

from podlab.cli import failures, session
from podlab.cli.objects import printing, targets
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace, Resources
from podlab.cli.pods.pod_lookup import selector_of
from podlab.cli.timeline import chart, document, fallback, page
from podlab.client.client import Client
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import Forbidden
from podlab.spans import way
from podlab.spans.way import Way
from podlab.v1 import timeline_pb2, timeline_pb2_grpc

_DEADLINE_S = 60.0
_AT_ONCE = 8
# Of the chart, where there is no terminal.
_WIDTH = 140


class TimelineForm(StrEnum):
    CHART = "chart"
    JSON = "json"
    HTML = "html"


OutputForm = Annotated[TimelineForm, typer.Option("--output", "-o", help="json for programs; html: a page of its own.")]


@dataclass(frozen=True)
class PodWays:
    """What the command line names, and the ways of its pods by their names."""

    target: str
    ways: dict[str, Way]


def timeline(
    resources: Resources = None, namespace: Namespace = DEFAULT_NAMESPACE, output: OutputForm = TimelineForm.CHART
) -> None:
    """Show where the time went from a pod's creation until it is ready and reached.

    \b
    podlab timeline pod web-1
    podlab timeline deployment web        all its pods; the last one step by step
    podlab timeline deployment web -o html > web.html
    """
    target = targets.one(list(resources or ()), "timeline")
    asked = session.run(lambda client: _asked(client, target, namespace))
    printing.write(_rendered(asked, output))


def _rendered(asked: PodWays, output: TimelineForm) -> str:
    if output is TimelineForm.JSON:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(document.document(asked.target, asked.ways), option=options).decode()
    if output is TimelineForm.HTML:
        return page.page(asked.target, asked.ways)
    width = shutil.get_terminal_size((_WIDTH, 24)).columns
    return "\n".join(chart.report(asked.target, asked.ways, width)) + "\n"


async def _asked(client: Client, target: targets.Target, namespace: str) -> PodWays:
    """Raises NotFound, CommandError."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(pod: Pod) -> Way:
        async with turns:
            return await _way(client, pod)

    pods = await _pods(client, target, namespace)
    ways = await asyncio.gather(*map(one, pods))
    return PodWays(str(target), {pod.metadata.name: way for pod, way in zip(pods, ways, strict=True)})


async def _pods(client: Client, target: targets.Target, namespace: str) -> list[Pod]:
    if target.kind.message is Pod:
        return [await client.get(Pod, target.name, namespace)]
    owner = await client.get(target.kind.message, target.name, namespace)
    selector = selector_of(owner)
    if not selector:
        raise failures.CommandError(f"{target}: only pods, workloads and services with a selector have pods")
    pods = (await client.list(Pod, namespace, label_selector=selector)).items
    if not pods:
        raise failures.CommandError(f"{target} has no pods: none carries {selector}")
    return pods


async def _way(client: Client, pod: Pod) -> Way:
    metadata = pod.metadata
    request = timeline_pb2.PodTimelineRequest(namespace=metadata.namespace, name=metadata.name)
    stub: timeline_pb2_grpc.TimelineAsyncStub = timeline_pb2_grpc.TimelineStub(client.channel)
    found = way.way(await stub.PodTimeline(request, timeout=_DEADLINE_S))
    return way.with_less_exact(found, fallback.told(pod, await _events(client, pod)))


async def _events(client: Client, pod: Pod) -> list[Event]:
    """Who may not read them gets what the pod itself tells."""
    fields = f"involvedObject.kind=Pod,involvedObject.name={pod.metadata.name}"
    try:
        return (await client.list(Event, pod.metadata.namespace, field_selector=fields)).items
    except Forbidden:
        return []
