"""The cluster as the tests see it: plain calls, each with a bound, over the asynchronous client."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from types import TracebackType
from typing import Final, Self, TypeVar

import grpc

from podlab.client.client import Client
from podlab.client.config import ClientConfig
from podlab.core.v1 import namespace_pb2, node_pb2, pod_pb2, service_pb2
from podlab.errors import NotFound, from_rpc_error
from podlab.meta.v1 import meta_pb2
from podlab.networking.v1.networkpolicy_pb2 import NetworkPolicy, NetworkPolicySpec
from podlab.v1 import kubelet_pb2, kubelet_pb2_grpc

T = TypeVar("T")

IMAGE: Final = "podlab.local/hello:1.0"
PORT: Final = 8080
_LABELS: Final = {"app": "podlab-verify"}
_EXEC_TIMEOUT_S: Final = 20


class Cluster:
    """A context manager that owns the connection and the event loop that it lives in."""

    def __init__(self, config: ClientConfig, patience: int = 1) -> None:
        """`patience` is how many times as long as usual the hosts may take for what they are asked."""
        self._exec_within_s = _EXEC_TIMEOUT_S * patience
        self._runner = asyncio.Runner()
        self._client = self._runner.run(_make_client(config))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._runner.run(self._client.close())
        self._runner.close()

    def node(self, name: str) -> node_pb2.Node:
        return self._run(self._client.get(node_pb2.Node, name))

    def pods(self, namespace: str) -> list[pod_pb2.Pod]:
        return self._run(self._client.list(pod_pb2.Pod, namespace)).items

    def create_namespace(self, prefix: str) -> str:
        """Make a namespace with a name of its own and return that name."""
        wanted = namespace_pb2.Namespace(metadata=meta_pb2.ObjectMeta(generateName=prefix))
        return self._run(self._client.create(wanted)).metadata.name

    def create_pod(self, namespace: str, node: str) -> None:
        self._run(self._client.create(_pod(namespace, node)))

    def create_service(self, namespace: str) -> service_pb2.Service:
        return self._run(self._client.create(_service(namespace)))

    def keep_out(self, namespace: str) -> None:
        """A NetworkPolicy by which nothing gets to the namespace's pods."""
        self._run(self._client.create(_closed(namespace)))

    def let_in(self, namespace: str) -> None:
        """Without the policy again."""
        self._run(self._client.delete(NetworkPolicy, _closed(namespace).metadata.name, namespace))

    def delete_namespace(self, name: str) -> None:
        self._run(self._client.delete(namespace_pb2.Namespace, name))

    def has_namespace(self, name: str) -> bool:
        try:
            self._run(self._client.get(namespace_pb2.Namespace, name))
        except NotFound:
            return False
        return True

    def execute(self, namespace: str, pod: str, *command: str) -> str:
        """Standard output of a command in the pod's container; AssertionError with its words if it fails."""
        return self._run(asyncio.wait_for(self._execute(namespace, pod, command), self._exec_within_s))

    async def _execute(self, namespace: str, pod: str, command: Iterable[str]) -> str:
        start = kubelet_pb2.ExecStart(namespace=namespace, pod=pod, command=command)
        call = kubelet_pb2_grpc.KubeletStub(self._client.channel).Exec()
        await call.write(kubelet_pb2.ExecRequest(start=start))
        await call.done_writing()
        output, errors = b"", b""
        try:
            async for answer in call:
                output, errors = output + answer.stdout, errors + answer.stderr
                if answer.HasField("exit"):
                    said = (errors.decode(errors="replace") + answer.exit.message).strip()
                    assert answer.exit.code == 0, f"`{' '.join(command)}` in {pod} gave {answer.exit.code}: {said}"
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        return output.decode()

    def _run(self, work: Coroutine[object, object, T]) -> T:
        return self._runner.run(work)


def eventually(check: Callable[[], T], *, timeout_s: float) -> T:
    """What `check` returns once it no longer raises AssertionError; its last error when the time is up."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return check()
        except AssertionError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def why_not_ready(pod: pod_pb2.Pod) -> str:
    waiting = [
        f"{status.state.waiting.reason}: {status.state.waiting.message}"
        for status in pod.status.containerStatuses
        if status.state.HasField("waiting")
    ]
    conditions = [f"{found.type} {found.reason}: {found.message}" for found in pod.status.conditions if found.message]
    return "; ".join([pod.status.phase or "no status", *waiting, *conditions])


async def _make_client(config: ClientConfig) -> Client:
    # gRPC binds a channel to the loop that it is made in.
    return Client(config.server, config.tls, user_agent="podlab-verify")


def pod_name(node: str) -> str:
    return f"on-{node}"


def _closed(namespace: str) -> NetworkPolicy:
    spec = NetworkPolicySpec(podSelector=meta_pb2.LabelSelector(), policyTypes=["Ingress"])
    return NetworkPolicy(metadata=meta_pb2.ObjectMeta(name="closed", namespace=namespace), spec=spec)


def _pod(namespace: str, node: str) -> pod_pb2.Pod:
    container = pod_pb2.Container(
        name="hello",
        image=IMAGE,
        ports=[pod_pb2.ContainerPort(containerPort=PORT)],
        env=[_from_field("POD_NAME", "metadata.name"), _from_field("NODE_NAME", "spec.nodeName")],
        readinessProbe=pod_pb2.Probe(
            handler=pod_pb2.ProbeHandler(httpGet=pod_pb2.HTTPGetAction(path="/healthz", port=_number(PORT))),
            periodSeconds=1,
        ),
    )
    return pod_pb2.Pod(
        metadata=_metadata(namespace, pod_name(node), _LABELS),
        spec=pod_pb2.PodSpec(
            nodeName=node,
            containers=[container],
            terminationGracePeriodSeconds=2,
            # Each node shall be tried, whatever it is kept for.
            tolerations=[pod_pb2.Toleration(operator="Exists")],
        ),
    )


def _service(namespace: str) -> service_pb2.Service:
    port = service_pb2.ServicePort(port=80, targetPort=_number(PORT))
    return service_pb2.Service(
        metadata=_metadata(namespace, "verify", {}),
        spec=service_pb2.ServiceSpec(type="NodePort", selector=_LABELS, ports=[port]),
    )


def _metadata(namespace: str, name: str, labels: Mapping[str, str]) -> meta_pb2.ObjectMeta:
    return meta_pb2.ObjectMeta(namespace=namespace, name=name, labels=labels)


def _from_field(name: str, path: str) -> pod_pb2.EnvVar:
    source = pod_pb2.EnvVarSource(fieldRef=pod_pb2.ObjectFieldSelector(fieldPath=path))
    return pod_pb2.EnvVar(name=name, valueFrom=source)


def _number(port: int) -> meta_pb2.IntOrString:
    return meta_pb2.IntOrString(intVal=port)
