"""`podlab doctor network`: tries the ways between all nodes' pods, to Services, names and the outside.

Every node's kubelet makes a network namespace, attached as a pod's is, for as long as the command runs, and sends from
there. It goes with the call, also when the command is interrupted.
"""

import asyncio
import contextlib
from enum import StrEnum
from typing import Annotated

import grpc
import orjson
import typer

from podlab.api.selection.labels import SERVICE_NAME_LABEL
from podlab.cli import session
from podlab.cli.doctor import legs as plan
from podlab.cli.doctor.causes import Traced, explained
from podlab.cli.doctor.legs import NAME, Checked, Goals, NetworkLeg
from podlab.cli.doctor.outcomes import Outcomes
from podlab.cli.doctor.probers import opened
from podlab.cli.doctor.report import report
from podlab.cli.failures import CommandError
from podlab.cli.objects import printing
from podlab.cli.probing import Prober
from podlab.client.client import Client
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice
from podlab.errors import NotFound
from podlab.v1 import kubelet_pb2, proxy_pb2, proxy_pb2_grpc

_BROKEN = 1
_TRACES = 20
"""So many broken legs are traced; of more the causes are the same."""
_TRACE_TIMEOUT_S = 15.0
_DNS = ("kube-system", "kube-dns")


class Shape(StrEnum):
    TABLE = "table"
    JSON = "json"


def doctor_network(
    egress: Annotated[
        str,
        typer.Option("--egress", help="What stands for the outside; the API server by default.", metavar="HOST:PORT"),
    ] = "",
    timeout: Annotated[float, typer.Option("--timeout", help="Of each leg, in seconds.", min=0.1, max=30)] = 3.0,
    overall: Annotated[float, typer.Option("--overall", help="Of all together, in seconds.", min=1)] = 60.0,
    domain: Annotated[str, typer.Option("--domain", help="The cluster's domain of names.")] = "cluster.local",
    output: Annotated[Shape, typer.Option("--output", "-o", help="Another form than the table.")] = Shape.TABLE,
) -> None:
    """Try pod to pod, pod to Service, names, MTU and egress from every node to every node.

    Exit code 1: something is broken; it is named with its likely cause and what to do.
    """
    outside = _place(egress) if egress else None
    checked = session.run(lambda client: _checked(client, outside, domain, timeout, overall))
    printing.write(_json(checked) if output is Shape.JSON else report(checked))
    if not all(each.whole for each in checked):
        raise typer.Exit(_BROKEN)


def _place(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal():
        raise CommandError(f"--egress {text}: give an address and a port, such as 192.0.2.1:443")
    return host.strip("[]"), int(port)


async def _checked(
    client: Client, egress: tuple[str, int] | None, domain: str, timeout_s: float, overall_s: float
) -> list[Checked]:
    """All legs, worst first. What was not tried in time is broken, too. Raises CommandError without nodes."""
    nodes = sorted((await client.list(Node)).items, key=lambda each: each.metadata.name)
    if not nodes:
        raise CommandError("the cluster has no node: there is nothing to check")
    goals = await _goals(client, egress, domain)
    names = [each.metadata.name for each in nodes]
    outcomes, traces = Outcomes(names), dict[NetworkLeg, list[Traced]]()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(overall_s), opened(client, names, outcomes) as probers:
            await _try(probers, goals, timeout_s, outcomes)
            traces = await _traces(client, outcomes.legs(), probers)
    found = [*outcomes.agents(), *outcomes.legs()]
    return plan.worst_first(explained(found, traces, _addresses(nodes)))


async def _goals(client: Client, egress: tuple[str, int] | None, domain: str) -> Goals:
    """The Service of the API server is there in every cluster, and its endpoint stands for the outside."""
    kubernetes = await client.get(Service, plan.KUBERNETES, "default")
    services = [(f"default/{plan.KUBERNETES}", kubernetes.spec.clusterIP, kubernetes.spec.ports[0].port)]
    if egress is None:
        behind = await client.list(EndpointSlice, "default", label_selector=f"{SERVICE_NAME_LABEL}={plan.KUBERNETES}")
        if not behind.items or not behind.items[0].endpoints:
            raise CommandError("Service default/kubernetes has no endpoint: give --egress HOST:PORT")
        egress = behind.items[0].endpoints[0].addresses[0], behind.items[0].ports[0].port
    dns = ""
    with contextlib.suppress(NotFound):
        dns = (await client.get(Service, _DNS[1], _DNS[0])).spec.clusterIP
    return Goals(services, dns, domain, egress)


async def _try(probers: dict[str, Prober], goals: Goals, timeout_s: float, outcomes: Outcomes) -> None:
    """All legs at once."""
    places = {name: [(each.address, each.port) for each in prober.listeners] for name, prober in probers.items()}
    mtus = {name: prober.mtu for name, prober in probers.items()}
    legs = plan.legs(places, mtus, goals)
    outcomes.planned(legs)

    async def one(leg: NetworkLeg) -> None:
        result = await probers[leg.source].send(_asked(leg, timeout_s))
        outcomes.tried(Checked(leg, result.outcome, result.detail, result.seconds))

    await asyncio.gather(*map(one, legs))


def _asked(leg: NetworkLeg, timeout_s: float) -> kubelet_pb2.ProbeLeg:
    return kubelet_pb2.ProbeLeg(
        kind=leg.protocol,
        address=leg.address,
        port=leg.port,
        name=leg.name,
        size_bytes=leg.size_bytes,
        timeout_ms=int(timeout_s * 1000),
    )


async def _traces(client: Client, tried: list[Checked], probers: dict[str, Prober]) -> dict[NetworkLeg, list[Traced]]:
    """What the nodes at both ends of broken legs say of their packets, where they say anything."""
    broken = [each.leg for each in plan.worst_first(tried) if not each.whole and each.leg.kind != NAME][:_TRACES]

    async def one(leg: NetworkLeg) -> list[Traced]:
        ends = [leg.source, *([leg.target] if leg.target in probers else [])]
        told = await asyncio.gather(*(_traced(client, leg, end, probers[leg.source]) for end in ends))
        return [(end, traced) for end, traced in zip(ends, told, strict=True) if traced is not None]

    return dict(zip(broken, await asyncio.gather(*map(one, broken)), strict=True))


async def _traced(client: Client, leg: NetworkLeg, node: str, sender: Prober) -> proxy_pb2.TraceResponse | None:
    """None where the node says nothing: the leg is broken with or without an explanation."""
    own = [each.address for each in sender.listeners if (":" in each.address) == (":" in leg.address)]
    request = proxy_pb2.TraceRequest(
        node_name=node,
        source_ip=next(iter(own), ""),
        destination_ip=leg.address,
        port=leg.port,
        protocol="UDP" if leg.protocol == "udp" else "TCP",
    )
    try:
        traced: proxy_pb2.TraceResponse = await proxy_pb2_grpc.ProxyStub(client.channel).Trace(
            request, timeout=_TRACE_TIMEOUT_S
        )
    except grpc.aio.AioRpcError:
        return None
    return traced


def _addresses(nodes: list[Node]) -> dict[str, list[str]]:
    return {
        node.metadata.name: [each.address for each in node.status.addresses if each.type == "InternalIP"]
        for node in nodes
    }


def _json(checked: list[Checked]) -> str:
    found = [
        {
            "kind": each.leg.kind,
            "from": each.leg.source,
            "to": each.leg.target,
            "address": each.leg.address,
            "port": each.leg.port,
            "outcome": each.outcome,
            "detail": each.detail,
            "seconds": round(each.seconds, 4),
            **({} if each.whole else {"cause": each.cause, "remedy": each.remedy}),
        }
        for each in checked
    ]
    broken = sum(not each.whole for each in checked)
    return orjson.dumps(
        {"broken": broken, "legs": found}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    ).decode()
