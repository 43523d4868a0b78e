"""`podlab trace service` and `podlab trace pod`: the rules that a packet meets, and where it ends."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import orjson
import typer

from podlab.api.serializer import codec
from podlab.api.values import ipfamilies
from podlab.cli import completion, session
from podlab.cli.failures import CommandError
from podlab.cli.objects import printing
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace
from podlab.cli.probing import Prober
from podlab.cli.tracing import question
from podlab.cli.tracing.question import Question
from podlab.cli.tracing.report import Leg, arrives, report
from podlab.cli.tracing.sent import sent_report
from podlab.client.client import Client
from podlab.core.v1.service_pb2 import Service
from podlab.v1 import kubelet_pb2, proxy_pb2, proxy_pb2_grpc

_DEADLINE_S = 60.0
_STOPPED = 1
_PROBE_TIMEOUT_MS = 3000
_OTHER_NODES = 8
"""So many are asked what they do with it; the others' rules are the same."""


class AddressFamily(StrEnum):
    IPV4 = ipfamilies.IPV4
    IPV6 = ipfamilies.IPV6


class TraceForm(StrEnum):
    TABLE = "table"
    WIDE = "wide"
    JSON = "json"


OutputForm = Annotated[TraceForm, typer.Option("--output", "-o", help="wide shows each rule as it is.")]
Send = Annotated[
    bool, typer.Option("--send", help="Send a real packet from there, and show which rules have counted it.")
]
Family = Annotated[
    AddressFamily | None,
    typer.Option("--family", help="Of the addresses; the Service's or the pod's first by default."),
]
Node = Annotated[str, typer.Option("--node", help="Look at the rules of this node; the sender's by default.")]


@dataclass(frozen=True)
class TracedPacket:
    """What was said before, and where a packet was sent, its result and what was said after it."""

    legs: Sequence[Leg]
    sent: kubelet_pb2.ProbeResult | None = None
    after: Sequence[Leg] = ()


def trace_service(
    name: Annotated[
        str, typer.Argument(help="The Service; one of another namespace as NAME.NAMESPACE.", metavar="NAME")
    ],
    sender: Annotated[
        str,
        typer.Option(
            "--from", help="Who sends it: a pod, a node or an address; a node by default.", metavar="POD|NODE|ADDRESS"
        ),
    ] = "",
    port: Annotated[str, typer.Option("--port", help="A port of the Service, its name, or its node port.")] = "",
    node: Node = "",
    family: Family = None,
    send: Send = False,
    namespace: Namespace = DEFAULT_NAMESPACE,
    output: OutputForm = TraceForm.TABLE,
) -> None:
    """Show the rules that a packet to a Service meets, and where it ends: podlab trace service web --from client

    Exit code 1: it does not arrive, or something on its way is missing.
    """

    async def traced(client: Client) -> TracedPacket:
        own_name, _, own_namespace = name.partition(".")
        service = await client.get(Service, own_name, own_namespace or namespace)
        end = await question.sender_of(client, sender, namespace, node)
        asked = await question.about_service(client, service, end, port, node, family or "")
        return await _seen(client, asked, send=send)

    _show(session.run(traced), output)


def trace_pod(
    sender: Annotated[
        str, typer.Argument(help="Who sends it: a pod, a node or an address.", autocompletion=completion.pods)
    ],
    to: Annotated[str, typer.Argument(help="The pod that it is for.", autocompletion=completion.pods)],
    port: Annotated[int, typer.Option("--port", help="Its first port by default.", min=0, max=65535)] = 0,
    protocol: Annotated[str, typer.Option("--protocol", help="TCP, UDP or SCTP.")] = "TCP",
    family: Family = None,
    send: Send = False,
    namespace: Namespace = DEFAULT_NAMESPACE,
    output: OutputForm = TraceForm.TABLE,
) -> None:
    """Show the rules that a packet from pod to pod meets: podlab trace pod client web-1 --port 8080

    Exit code 1: it does not arrive, or something on its way is missing.
    """

    async def traced(client: Client) -> TracedPacket:
        asked = await question.about_pod(client, sender, to, port, protocol.upper(), namespace, family or "")
        return await _seen(client, asked, send=send)

    _show(session.run(traced), output)


def _show(seen: TracedPacket, output: TraceForm) -> None:
    if output is TraceForm.JSON:
        printing.write(_json(seen))
    else:
        printing.write(report(seen.legs, rules=output is TraceForm.WIDE))
        if seen.sent is not None:
            printing.write(sent_report(seen.legs, seen.after, seen.sent))
    if not arrives(seen.legs) or (seen.sent is not None and seen.sent.outcome != "answered"):
        raise typer.Exit(_STOPPED)


def _json(seen: TracedPacket) -> str:
    def told(legs: Sequence[Leg]) -> list[dict[str, object]]:
        return [
            {"node": each.question.node, "packet": str(each.question), "trace": codec.part_to_dict(each.traced)}
            for each in legs
        ]

    found: dict[str, object] = {"legs": told(seen.legs)}
    if seen.sent is not None:
        found |= {"sent": codec.part_to_dict(seen.sent), "after": told(seen.after)}
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


async def _seen(client: Client, asked: Question, *, send: bool) -> TracedPacket:
    """With `send` the same is asked again behind a real packet."""
    if not send:
        return TracedPacket(await _legs(client, asked))
    start = _start(asked)
    async with Prober(client, start).open() as prober:
        legs = await _legs(client, asked)
        leg = kubelet_pb2.ProbeLeg(kind=asked.protocol.lower(), address=asked.destination, port=asked.port)
        leg.timeout_ms = _PROBE_TIMEOUT_MS
        result = await prober.send(leg)
        return TracedPacket(legs, result, await asyncio.gather(*(_again(client, each) for each in legs)))


def _start(asked: Question) -> kubelet_pb2.ProbeStart:
    """Raises CommandError for a sender that is nobody of ours."""
    sender = asked.sender
    if not sender.node:
        raise CommandError(f"--send: {sender} is no pod and no node: nobody here can send from it")
    if asked.protocol not in ("TCP", "UDP"):
        raise CommandError(f"--send: {asked.protocol} cannot be sent, only TCP and UDP")
    if not sender.pod:
        return kubelet_pb2.ProbeStart(node_name=sender.node)
    namespace, _, pod = sender.pod.partition("/")
    return kubelet_pb2.ProbeStart(namespace=namespace, pod=pod)


async def _again(client: Client, leg: Leg) -> Leg:
    return Leg(leg.question, await _asked(client, leg.question))


async def _legs(client: Client, asked: Question) -> list[Leg]:
    """What the sender's node says, and what the nodes say to which it goes on."""
    first = Leg(asked, await _asked(client, asked))
    landed = [each for each in first.traced.landings if each.verdict == "arrives" and each.node not in ("", asked.node)]
    onward = {each.node: each for each in landed}
    hidden = await question.sender_of(client, "", "", asked.node) if any(each.masqueraded for each in landed) else None
    questions = [
        question.onward(asked, each.node, each.address, hidden if each.masqueraded else None)
        for each in list(onward.values())[:_OTHER_NODES]
    ]
    found = await asyncio.gather(*(_asked(client, each) for each in questions))
    return [first, *map(Leg, questions, found)]


async def _asked(client: Client, asked: Question) -> proxy_pb2.TraceResponse:
    request = proxy_pb2.TraceRequest(
        node_name=asked.node,
        source_ip=asked.source,
        destination_ip=asked.destination,
        port=asked.port,
        protocol=asked.protocol,
    )
    traced: proxy_pb2.TraceResponse = await proxy_pb2_grpc.ProxyStub(client.channel).Trace(request, timeout=_DEADLINE_S)
    return traced
