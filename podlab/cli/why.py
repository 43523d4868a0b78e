"""`podlab why pod NAME`: the scheduler's last decision about a pod, node by node and plugin by plugin."""

from collections.abc import Sequence
from datetime import datetime

import grpc
import typer

from podlab.api import times
from podlab.cli import failures, printing, session, targets
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace, Resources
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import NotFound, from_rpc_error
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc

_DEADLINE_S = 10.0


def why(resources: Resources = None, namespace: Namespace = DEFAULT_NAMESPACE) -> None:
    """Explain why a pod is where it is, or nowhere.

    \b
    podlab why pod web-1
    """
    words = list(resources or ())
    target = targets.one(["pod", *words] if len(words) == 1 and "/" not in words[0] else words, "why")
    if target.kind.message is not Pod:
        raise failures.CommandError(f"only pods are placed: a {target.kind.name} is not")
    explained = session.run(lambda client: _explain(client, target.name, namespace))
    if isinstance(explained, str):
        typer.echo(explained)
        return
    typer.echo("\n".join(report(explained, printing.now())))


async def _explain(client: Client, name: str, namespace: str) -> scheduler_pb2.ExplainResponse | str:
    """The decision; or, when the scheduler has none in mind, what the pod itself tells."""
    pod = await client.get(Pod, name, namespace)
    stub = scheduler_pb2_grpc.SchedulerStub(client.channel)
    try:
        request = scheduler_pb2.ExplainRequest(namespace=namespace, name=name)
        return await stub.Explain(request, timeout=_DEADLINE_S)
    except grpc.aio.AioRpcError as rpc_error:
        error = from_rpc_error(rpc_error)
        if not isinstance(error, NotFound):
            raise error from rpc_error
    place = f"runs on {pod.spec.nodeName}" if pod.spec.nodeName else "has no node yet"
    return (
        f"pod {namespace}/{name} {place}; the scheduler remembers no decision about it:"
        " it has started since, has forgotten it, or the pod named its node itself"
    )


def report(explained: scheduler_pb2.ExplainResponse, now: datetime) -> list[str]:
    """The decision as text: what came out, what each filter said of each node, and the scores of those that fit."""
    outcome = f"goes to {explained.node_name}" if explained.node_name else "has no node"
    decided = times.age(explained.decided_at, now)
    lines = [
        f"pod {explained.namespace}/{explained.name} {outcome}"
        f" (decided {decided} ago in {explained.duration_us / 1000:.1f} ms, attempt {explained.attempts})"
    ]
    if explained.message:
        lines.append(explained.message)
    lines += ["", "Filters", *_indented(_filter_rows(explained))]
    scored = [node for node in explained.nodes if node.scores]
    if scored:
        lines += ["", "Scores (0 to 100, times weight)", *_indented(_score_rows(scored, explained.node_name))]
    return lines


def _indented(rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"  {line}" for line in printing.aligned(rows)]


def _filter_rows(explained: scheduler_pb2.ExplainResponse) -> list[list[str]]:
    """A column for each plugin: ok, NO, or - where the plugin was not asked any more; the reasons at the end."""
    plugins = list(dict.fromkeys(verdict.plugin for node in explained.nodes for verdict in node.filters))
    rows = [["NODE", *plugins, "REASON"]]
    for node in explained.nodes:
        said = {verdict.plugin: verdict for verdict in node.filters}
        cells = ["-" if name not in said else "ok" if said[name].passed else "NO" for name in plugins]
        reasons = "; ".join(verdict.reason for verdict in node.filters if not verdict.passed)
        rows.append([node.node_name, *cells, reasons])
    return rows


def _score_rows(nodes: Sequence[scheduler_pb2.NodeVerdict], chosen: str) -> list[list[str]]:
    """Best first; the chosen one is marked, since among equals it is drawn."""
    plugins = {score.plugin: score.weight for node in nodes for score in node.scores}
    rows = [["NODE", *(f"{name} x{weight}" for name, weight in plugins.items()), "TOTAL", ""]]
    for node in sorted(nodes, key=lambda node: (-node.total, node.node_name != chosen, node.node_name)):
        scores = {score.plugin: str(score.score) for score in node.scores}
        mark = "<- chosen" if node.node_name == chosen else ""
        rows.append([node.node_name, *(scores.get(name, "-") for name in plugins), str(node.total), mark])
    return rows
