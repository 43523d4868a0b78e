"""`podlab attach`: the streams of a container's own process."""

import sys
from typing import Annotated

import typer

from podlab.cli import session
from podlab.cli.failures import CommandError
from podlab.cli.objects import printing
from podlab.cli.options import DEFAULT_NAMESPACE, Container, Namespace, Pod
from podlab.cli.pods import pod_lookup
from podlab.cli.pods.interactive import Session
from podlab.client.client import Client
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc


def attach(
    pod: Pod,
    namespace: Namespace = DEFAULT_NAMESPACE,
    container: Container = "",
    stdin: Annotated[bool, typer.Option("--stdin", "-i", help="Pass standard input on.")] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Both sides are a terminal.")] = False,
) -> None:
    """Join the streams of a container that runs. Who leaves lets it run on.

    \b
    podlab attach web-1
    podlab attach -it shell
    """
    if tty and not (stdin and sys.stdin.isatty()):
        printing.warn("Unable to use a TTY - input is not a terminal or the right kind of file")
        tty = False
    start = kubelet_pb2.AttachStart(namespace=namespace, stdin=stdin)
    session.run(lambda client: _attach(client, start, pod, container, tty))


async def _attach(client: Client, start: kubelet_pb2.AttachStart, word: str, container: str, tty: bool) -> None:
    pod = await pod_lookup.find_pod(client, word, start.namespace)
    start.pod = pod.metadata.name
    start.container = pod_lookup.container_of(pod, container)
    if tty and not any(one.name == start.container and one.tty for one in pod_lookup.containers_of(pod)):
        printing.warn(f"Unable to use a TTY - container {start.container} did not allocate one")
        tty = False
    printing.warn("If you don't see a command prompt, try pressing enter.")
    method = kubelet_pb2_grpc.KubeletStub(client.channel).Attach
    last = await Session(method, kubelet_pb2.AttachRequest(start=start), tty=tty).run()
    if last.end.message:
        raise CommandError(last.end.message)
