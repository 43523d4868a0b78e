"""`podlab exec`: a command in a container, with its streams, its terminal and its exit code."""

import sys
from typing import Annotated

import typer

from podlab.cli import session
from podlab.cli.objects import printing
from podlab.cli.options import DEFAULT_NAMESPACE, Container, Namespace, Pod
from podlab.cli.pods import pod_lookup
from podlab.cli.pods.interactive import Session
from podlab.client.client import Client
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc


def execute(
    pod: Pod,
    command: Annotated[list[str], typer.Argument(help="-- COMMAND and its arguments.")],
    namespace: Namespace = DEFAULT_NAMESPACE,
    container: Container = "",
    stdin: Annotated[bool, typer.Option("--stdin", "-i", help="Pass standard input on.")] = False,
    tty: Annotated[bool, typer.Option("--tty", "-t", help="Give the command a terminal.")] = False,
) -> None:
    """Run a command in a container.

    Its exit code is passed on; 126 and 127 say that it could not be run, or was not found.

    \b
    podlab exec web-1 -- cat /etc/hostname
    podlab exec -it deployment/web -- sh
    """
    if tty and not (stdin and sys.stdin.isatty()):
        printing.warn("Unable to use a TTY - input is not a terminal or the right kind of file")
        tty = False
    start = kubelet_pb2.ExecStart(namespace=namespace, command=command, stdin=stdin, tty=tty)
    code = session.run(lambda client: _execute(client, start, pod, container))
    raise typer.Exit(code)


async def _execute(client: Client, start: kubelet_pb2.ExecStart, word: str, container: str) -> int:
    pod = await pod_lookup.find_pod(client, word, start.namespace)
    start.pod = pod.metadata.name
    start.container = pod_lookup.container_of(pod, container)
    method = kubelet_pb2_grpc.KubeletStub(client.channel).Exec
    last = await Session(method, kubelet_pb2.ExecRequest(start=start), tty=start.tty).run()
    ended: kubelet_pb2.ExecExit = last.exit
    if ended.message:
        printing.warn(f"error: the command could not be run: {reason(ended.message)}")
    elif ended.code:
        printing.warn(f"command terminated with exit code {ended.code}")
    return ended.code


def reason(message: str) -> str:
    """Why, without the chain of programs that passed it on: `exec: "nope": executable file not found in $PATH`."""
    return message.rpartition("unable to start container process: ")[2].removesuffix(": unknown")
