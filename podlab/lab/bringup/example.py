"""The example application on a fresh cluster: applied by the CLI, watched through the API, asked over HTTP."""

import asyncio
import contextlib
import http.client
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Collection
from pathlib import Path

from podlab.api.objects import is_true
from podlab.client.client import Client
from podlab.client.config import load_client_config
from podlab.core.v1 import node_pb2, pod_pb2, service_pb2
from podlab.lab.errors import LabError

NAMESPACE = "default"
POLL_S = 0.05
ANSWER_TIMEOUT_S = 2.0
# Generous: what the command waits for is bounded in itself, each call by its own deadline.
COMMAND_TIMEOUT_S = 600.0
# A proxy of the environment is for the world outside, not for lab hosts.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def apply(cluster: str, manifests: Path) -> None:
    """`podlab apply`, as a user would."""
    done = podlab(cluster, "apply", "-f", str(manifests), capture_output=True)
    if done.returncode != 0:
        raise LabError(f"podlab apply -f {manifests} failed: {done.stderr.strip() or done.stdout.strip()}")


def podlab(cluster: str, *arguments: str, capture_output: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run the command line that was installed beside this Python, on the cluster."""
    program = Path(sys.executable).with_name("podlab")
    environment = os.environ | {"PODLAB_CLUSTER": cluster}
    try:
        return subprocess.run(
            [program, *arguments],
            capture_output=capture_output,
            text=True,
            env=environment,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"podlab {' '.join(arguments)} did not end within {COMMAND_TIMEOUT_S:.0f} s") from error


def wait_for_running_pod(cluster: str, *, timeout_s: float) -> str:
    """The name of the first pod that runs."""
    return asyncio.run(_first_running(cluster, timeout_s))


def nodes_ready(cluster: str) -> dict[str, bool]:
    return asyncio.run(_nodes_ready(cluster))


def node_ports(cluster: str) -> list[int]:
    """The node ports of the example's Services."""
    return asyncio.run(_node_ports(cluster))


def wait_for_answers(addresses: Collection[str], port: int, *, timeout_s: float) -> dict[str, str]:
    """What the Service answers at each node's address."""
    deadline = time.monotonic() + timeout_s
    answers: dict[str, str] = {}
    why = ""
    while len(answers) < len(addresses):
        for address in [address for address in addresses if address not in answers]:
            try:
                answers[address] = _ask(f"http://{address}:{port}/")
            except (OSError, http.client.HTTPException) as error:
                why = f"{address}:{port}: {error}"
        if len(answers) < len(addresses) and time.monotonic() > deadline:
            raise LabError(f"the example did not answer on every node within {timeout_s:.0f} s; last: {why}")
        time.sleep(POLL_S)
    return answers


def answer_from(node: str, url: str, answer: str, *, timeout_s: float) -> str:
    """An answer of a pod on the node; the one that is known already when no such pod answers in time."""
    deadline = time.monotonic() + timeout_s
    while f" on {node}," not in answer and time.monotonic() < deadline:
        time.sleep(POLL_S)
        with contextlib.suppress(OSError):  # one is known to answer; this is about which
            answer = _ask(url)
    return answer


async def _first_running(cluster: str, timeout_s: float) -> str:
    deadline = time.monotonic() + timeout_s
    async with _client(cluster) as client:
        while True:
            pods = (await client.list(pod_pb2.Pod, NAMESPACE)).items
            for pod in pods:
                if pod.status.phase == "Running":
                    return pod.metadata.name
            if time.monotonic() > deadline:
                raise LabError(f"no pod of the example runs after {timeout_s:.0f} s: {_phases(pods)}")
            await asyncio.sleep(POLL_S)


async def _nodes_ready(cluster: str) -> dict[str, bool]:
    async with _client(cluster) as client:
        nodes = (await client.list(node_pb2.Node)).items
    return {node.metadata.name: is_true(node.status.conditions, "Ready") for node in nodes}


async def _node_ports(cluster: str) -> list[int]:
    async with _client(cluster) as client:
        services = (await client.list(service_pb2.Service, NAMESPACE)).items
    return [port.nodePort for service in services for port in service.spec.ports if port.nodePort]


def _client(cluster: str) -> Client:
    config = load_client_config(cluster)
    return Client(config.server, config.tls, user_agent="podlab-up")


def _phases(pods: Collection[pod_pb2.Pod]) -> str:
    if not pods:
        return "there are none (podlab describe deployment)"
    return (
        ", ".join(f"{pod.metadata.name} is {pod.status.phase or 'Unknown'}" for pod in pods) + " (podlab describe pod)"
    )


def _ask(url: str) -> str:
    with _DIRECT.open(url, timeout=ANSWER_TIMEOUT_S) as response:
        return str(response.read().decode().strip())
