"""`podlab trace name`: which search path hits, which record, from which object."""

from enum import StrEnum
from typing import Annotated

import orjson
import typer

from podlab.api.serializer import codec
from podlab.cli import completion, session
from podlab.cli.objects import printing
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace
from podlab.cli.pods.pod_lookup import find_pod
from podlab.client.client import Client
from podlab.v1 import dns_pb2, dns_pb2_grpc

_DEADLINE_S = 120.0
_NOT_FOUND = 1


class NameForm(StrEnum):
    TABLE = "table"
    JSON = "json"


def trace_name(
    name: Annotated[str, typer.Argument(help="The name, as a program would give it.", metavar="NAME")],
    asker: Annotated[
        str, typer.Option("--from", help="The pod that asks.", metavar="POD", autocompletion=completion.pods)
    ],
    kind: Annotated[str, typer.Option("--type", help="Of the records: A, AAAA, SRV, PTR, TXT ...")] = "A",
    namespace: Namespace = DEFAULT_NAMESPACE,
    output: Annotated[NameForm, typer.Option("--output", "-o", help="Another form than the table.")] = NameForm.TABLE,
) -> None:
    """Look a name up as programs in a pod do: podlab trace name web --from client

    Exit code 1: nothing was found.
    """
    traced = session.run(lambda client: _traced(client, name, asker, kind, namespace))
    printing.write(_json(name, traced) if output is NameForm.JSON else report(name, traced))
    if not traced.found:
        raise typer.Exit(_NOT_FOUND)


async def _traced(client: Client, name: str, asker: str, kind: str, namespace: str) -> dns_pb2.TraceNameResponse:
    pod = await find_pod(client, asker, namespace)
    request = dns_pb2.TraceNameRequest(
        namespace=namespace,
        pod=pod.metadata.name,
        name=name,
        type=kind,
        dns_policy=pod.spec.dnsPolicy,
        host_network=pod.spec.hostNetwork,
        dns_config=pod.spec.dnsConfig,
    )
    traced: dns_pb2.TraceNameResponse = await dns_pb2_grpc.DnsStub(client.channel).TraceName(
        request, timeout=_DEADLINE_S
    )
    return traced


def _json(name: str, traced: dns_pb2.TraceNameResponse) -> str:
    found = {"name": name, "trace": codec.part_to_dict(traced)}
    return orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def report(name: str, traced: dns_pb2.TraceNameResponse) -> str:
    """A line a question, aligned, and what came of it."""
    rows = [
        (step.question, step.outcome, "; ".join(step.answers) or "-", ", ".join(step.origins) or "-")
        for step in traced.steps
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["   ".join((*map(str.ljust, row, widths), row[3])).rstrip() for row in rows]
    return "\n".join([*lines, _outcome(name, traced)]) + "\n"


def _outcome(name: str, traced: dns_pb2.TraceNameResponse) -> str:
    if not traced.found:
        return f"not found, asked of {traced.server}"
    path = traced.steps[-1].question.removeprefix(name.rstrip("."))
    how = f"by the search path's {path[1:]}" if path else "as it is"
    return f"found {how}, asked of {traced.server}"
