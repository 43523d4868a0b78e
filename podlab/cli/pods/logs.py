"""`podlab logs`: what a container wrote."""

import re
import sys
from typing import Annotated

import typer

from podlab.cli import session
from podlab.cli.options import DEFAULT_NAMESPACE, Container, Namespace, Pod
from podlab.cli.pods import pod_lookup
from podlab.client.client import Client
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc

_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?")
_DEADLINE_S = 60.0  # of a log that is not followed


def logs(
    pod: Pod,
    namespace: Namespace = DEFAULT_NAMESPACE,
    container: Container = "",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    previous: Annotated[bool, typer.Option("--previous", "-p", help="The container's run before this one.")] = False,
    tail: Annotated[int, typer.Option(help="Only so many of the last lines; -1 is all.", min=-1)] = -1,
    since: Annotated[str, typer.Option(help="Only what is younger: 30s, 5m, 1h30m.", metavar="DURATION")] = "",
    timestamps: Annotated[bool, typer.Option("--timestamps", help="Begin each line with its time.")] = False,
) -> None:
    """Show a container's log.

    \b
    podlab logs web-1 -f
    podlab logs deployment/web --tail 20
    """
    request = kubelet_pb2.LogsRequest(
        namespace=namespace,
        follow=follow,
        previous=previous,
        tail_lines=tail if tail >= 0 else None,
        since_seconds=seconds(since) if since else None,
        timestamps=timestamps,
    )
    session.run(lambda client: _logs(client, request, pod, container))


def seconds(text: str) -> int:
    """1h30m is 5400; a plain number is seconds."""
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise typer.BadParameter(f"{text!r} is not a duration such as 30s, 5m or 1h30m")
    hours, minutes, rest = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + rest


async def _logs(client: Client, request: kubelet_pb2.LogsRequest, word: str, container: str) -> None:
    pod = await pod_lookup.find_pod(client, word, request.namespace)
    request.pod = pod.metadata.name
    request.container = pod_lookup.container_of(pod, container)
    stub = kubelet_pb2_grpc.KubeletStub(client.channel)
    async for response in stub.Logs(request, timeout=None if request.follow else _DEADLINE_S):
        sys.stdout.buffer.write(response.data)
        sys.stdout.buffer.flush()
