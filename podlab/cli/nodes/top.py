"""`podlab top`: what nodes and pods use now, as their kubelets measure it."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated

import grpc
import typer

from podlab.api.pods.podphase import is_terminal
from podlab.api.values import quantity
from podlab.cli import completion, failures, session
from podlab.cli.objects import printing
from podlab.cli.options import DEFAULT_NAMESPACE, AllNamespaces, Namespace, Selector
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import ApiError, NotFound
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Show what nodes and pods use."
)

_DEADLINE_S = 10.0
_UNKNOWN = "<unknown>"
_MI = 2**20

Usage = dict[str, kubelet_pb2.StatsResponse | ApiError]
NoHeaders = Annotated[bool, typer.Option("--no-headers", help="Leave out the table's first line.")]


@app.command("nodes")
@app.command("node", hidden=True)
@app.command("no", hidden=True)
def show_nodes(
    name: Annotated[str, typer.Argument(help="Only this node.", autocompletion=completion.nodes)] = "",
    selector: Selector = "",
    no_headers: NoHeaders = False,
) -> None:
    """Show the nodes' use of processors and memory."""
    nodes, usage = session.run(lambda client: _node_usage(client, name, selector))
    rows = [node_row(node, usage[node.metadata.name]) for node in nodes]
    _table(["NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"], rows, no_headers)
    _complain(usage)


@app.command("pods")
@app.command("pod", hidden=True)
@app.command("po", hidden=True)
def show_pods(
    name: Annotated[str, typer.Argument(help="Only this pod.", autocompletion=completion.pods)] = "",
    namespace: Namespace = DEFAULT_NAMESPACE,
    all_namespaces: AllNamespaces = False,
    selector: Selector = "",
    containers: Annotated[bool, typer.Option("--containers", help="A line for each container.")] = False,
    no_headers: NoHeaders = False,
) -> None:
    """Show the pods' use of processors and memory."""
    inside = "" if all_namespaces else namespace
    pods, usage = session.run(lambda client: _pod_usage(client, name, inside, selector))
    wanted = {pod.metadata.uid for pod in pods if not is_terminal(pod)}
    measured = [
        pod
        for stats in usage.values()
        if isinstance(stats, kubelet_pb2.StatsResponse)
        for pod in stats.pods
        if pod.uid in wanted
    ]
    measured.sort(key=lambda pod: (pod.namespace, pod.name))
    rows = [row for pod in measured for row in pod_rows(pod, containers=containers, with_namespace=all_namespaces)]
    headers = [
        *(["NAMESPACE"] if all_namespaces else []),
        *(["POD", "NAME"] if containers else ["NAME"]),
        "CPU(cores)",
        "MEMORY(bytes)",
    ]
    if rows:
        _table(headers, rows, no_headers)
    elif not any(isinstance(stats, ApiError) for stats in usage.values()):
        printing.warn("No resources found" if all_namespaces else f"No resources found in {namespace} namespace.")
    _complain(usage)


def node_row(node: Node, stats: kubelet_pb2.StatsResponse | ApiError) -> list[str]:
    """Percentages are of what pods may use."""
    if isinstance(stats, ApiError):
        return [node.metadata.name, *[_UNKNOWN] * 4]
    cpu_millis = _millicores(stats.cpu_nanocores)
    allocatable = node.status.allocatable
    return [
        node.metadata.name,
        f"{cpu_millis}m",
        _percent(cpu_millis, quantity.millis(allocatable["cpu"]) if "cpu" in allocatable else 0),
        _mebibytes(stats.memory_working_set_bytes),
        _percent(
            stats.memory_working_set_bytes, quantity.value(allocatable["memory"]) if "memory" in allocatable else 0
        ),
    ]


def pod_rows(pod: kubelet_pb2.PodUsage, *, containers: bool, with_namespace: bool) -> list[list[str]]:
    """One row, or one for each container."""
    first = [pod.namespace] if with_namespace else []
    if containers:
        return [[*first, pod.name, one.name, *_amounts([one])] for one in pod.containers]
    return [[*first, pod.name, *_amounts(pod.containers)]]


def _amounts(containers: Iterable[kubelet_pb2.ContainerUsage]) -> list[str]:
    kept = list(containers)
    cpu = sum(one.cpu_nanocores for one in kept)
    return [f"{_millicores(cpu)}m", _mebibytes(sum(one.memory_working_set_bytes for one in kept))]


def _millicores(nanocores: int) -> int:
    return -(-nanocores // 10**6)


def _mebibytes(amount: int) -> str:
    return f"{amount // _MI}Mi"


def _percent(amount: int, whole: int) -> str:
    return f"{100 * amount // whole}%" if whole else _UNKNOWN


async def _node_usage(client: Client, name: str, selector: str) -> tuple[list[Node], Usage]:
    nodes = [await client.get(Node, name)] if name else (await client.list(Node, label_selector=selector)).items
    return nodes, await _usage(client, [node.metadata.name for node in nodes])


async def _pod_usage(client: Client, name: str, namespace: str, selector: str) -> tuple[list[Pod], Usage]:
    fields = f"metadata.name={name}" if name else ""
    listed = await client.list(Pod, namespace, label_selector=selector, field_selector=fields)
    if name and not listed.items:
        raise NotFound.of("pods", name)
    return listed.items, await _usage(client, sorted({pod.spec.nodeName for pod in listed.items} - {""}))


async def _usage(client: Client, names: Sequence[str]) -> Usage:
    """Of all nodes at once; a node that does not answer is an error beside the others' figures."""
    stub = kubelet_pb2_grpc.KubeletStub(client.channel)

    async def one(name: str) -> kubelet_pb2.StatsResponse | ApiError:
        try:
            return await stub.Stats(kubelet_pb2.StatsRequest(node_name=name), timeout=_DEADLINE_S)
        except grpc.aio.AioRpcError as error:
            return failures.shown_error(error)

    return dict(zip(names, await asyncio.gather(*(one(name) for name in names)), strict=True))


def _table(headers: list[str], rows: list[list[str]], no_headers: bool) -> None:
    typer.echo("\n".join(printing.aligned(rows if no_headers else [headers, *rows])))


def _complain(usage: Usage) -> None:
    broken = {name: stats for name, stats in usage.items() if isinstance(stats, ApiError)}
    for name, error in broken.items():
        printing.warn(f"error: node {name} did not say what it uses: {failures.message(error).removeprefix('error: ')}")
    if broken:
        raise typer.Exit(1)
