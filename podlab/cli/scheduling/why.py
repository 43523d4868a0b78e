"""`podlab why`: the scheduler's decision about a pod, or about one that a manifest would make."""

import shutil
from enum import StrEnum
from typing import Annotated, Any

import orjson
import typer

from podlab.api.serializer import codec
from podlab.cli import failures, session
from podlab.cli.objects import manifests, printing, targets
from podlab.cli.options import DEFAULT_NAMESPACE, Namespace, Resources
from podlab.cli.scheduling import page, table
from podlab.client.client import Client
from podlab.core.v1.pod_pb2 import Pod
from podlab.v1 import scheduler_pb2, scheduler_pb2_grpc

_DEADLINE_S = 30.0
# Of the table, where there is no terminal.
_WIDTH = 100


class Form(StrEnum):
    TABLE = "table"
    JSON = "json"
    HTML = "html"


Now = Annotated[bool, typer.Option("--now", help="Judge the pod now, as if it had no node.")]
File = Annotated[
    str | None,
    typer.Option(
        "--filename", "-f", help="What would happen to the pod of this manifest; - reads stdin.", metavar="FILE"
    ),
]
OutputForm = Annotated[Form, typer.Option("--output", "-o", help="html is a page of its own, with every node.")]


def why(
    resources: Resources = None,
    namespace: Namespace = DEFAULT_NAMESPACE,
    filename: File = None,
    now: Now = False,
    output: OutputForm = Form.TABLE,
) -> None:
    """Explain why a pod is where it is, or nowhere.

    \b
    podlab why pod web-1
    podlab why pod web-1 --now            what would be decided now
    podlab why -f pod.yaml                what would happen; no pod is made
    podlab why pod web-1 -o html > why.html
    """
    words = list(resources or ())
    if filename is not None:
        if words or now:
            raise failures.CommandError("`podlab why -f FILE` takes neither a pod's name nor --now")
        explained = session.run(lambda client: _foreseen(client, _pod_of(filename, namespace)))
    else:
        name = _name(words)
        explained = session.run(lambda client: _explained(client, name, namespace, now=now))
    printing.write(_rendered(explained, output, exists=filename is None))


def _name(words: list[str]) -> str:
    target = targets.one(["pod", *words] if len(words) == 1 and "/" not in words[0] else words, "why")
    if target.kind.message is not Pod:
        raise failures.CommandError(f"only pods are placed: a {target.kind.name} is not")
    return target.name


def _pod_of(filename: str, namespace: str) -> Pod:
    found = [source.message for source in manifests.read([filename], namespace, explicit=False)]
    if len(found) != 1 or not isinstance(found[0], Pod):
        raise failures.CommandError(f"{filename}: `podlab why -f` takes one Pod")
    return found[0]


async def _explained(client: Client, name: str, namespace: str, *, now: bool) -> scheduler_pb2.Explanation:
    request = scheduler_pb2.ExplainRequest(namespace=namespace, name=name, now=now)
    answer: Any = await scheduler_pb2_grpc.SchedulerStub(client.channel).Explain(request, timeout=_DEADLINE_S)
    explained: scheduler_pb2.Explanation = answer.explanation
    return explained


async def _foreseen(client: Client, pod: Pod) -> scheduler_pb2.Explanation:
    """Admission and defaults come from a dry run."""
    complete = await client.create(pod, dry_run=True)
    request = scheduler_pb2.ForeseeRequest(pod=complete)
    answer: Any = await scheduler_pb2_grpc.SchedulerStub(client.channel).Foresee(request, timeout=_DEADLINE_S)
    explained: scheduler_pb2.Explanation = answer.explanation
    return explained


def _rendered(explained: scheduler_pb2.Explanation, form: Form, *, exists: bool) -> str:
    if form is Form.JSON:
        options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        return orjson.dumps(codec.part_to_dict(explained), option=options).decode()
    if form is Form.HTML:
        return page.page(explained, printing.now(), exists=exists)
    width = shutil.get_terminal_size((_WIDTH, 24)).columns
    return "\n".join(table.report(explained, printing.now(), width, exists=exists)) + "\n"
