"""exec, attach and port-forward over WebSocket, relayed to a kubelet that the test plays; with kubectl where it is."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import struct
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import grpc
import orjson
import pytest
import yaml
from aiohttp import WSMsgType
from kubernetes import client as k8s
from kubernetes.stream import portforward, stream
from podlab_testing.cluster import Cluster
from podlab_testing.rest_listeners import RestListeners
from podlab_testing.waiting import WITHIN_S

from master.apiserver.rest.streams import channels
from podlab import spdy
from podlab.client.client import Client
from podlab.core.v1 import node_pb2, pod_pb2
from podlab.errors import BadRequest, InternalError, abort
from podlab.meta.v1 import meta_pb2
from podlab.v1 import kubelet_pb2 as pb
from podlab.v1 import kubelet_pb2_grpc

POD = "/api/v1/namespaces/default/pods/p"
ALL = "stdin=true&stdout=true&stderr=true"
V4, V5, TUNNEL = "v4.channel.k8s.io", "v5.channel.k8s.io", "SPDY/3.1+portforward.k8s.io"
FLOOD_BYTES = 64 << 20
# URL, status, words.
WRONG = (
    ("/api/v1/namespaces/default/pods/no/exec?stdout=1&command=x", 404, 'pods "no" not found'),
    (f"{POD}/exec?stdout=1&command=x&container=no", 400, "container no is not valid for pod p"),
    (f"{POD}/exec?command=x", 400, "you must specify at least 1 of stdin, stdout, stderr"),
    (f"{POD}/exec?stdout=1", 400, "command: Required value"),
    ("/api/v1/namespaces/default/pods/two/attach?stdout=1", 400, "for pod two, choose one of: [a b]"),
)


MISSING = pb.ExecExit(code=127, message='exec: "missing": not found')


@dataclass
class Kubelet(kubelet_pb2_grpc.KubeletServicer):
    """`cat` says what it hears, to its end, and `exit N` ends with N. A port answers in capitals; 81 is closed."""

    sizes: list[tuple[int, int]] = field(default_factory=list)
    kept: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    flooded: Counter[str] = field(default_factory=Counter)
    """How many bytes were said to each that asked for a flood, by its name."""
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def Exec(self, requests: Any, context: Any) -> AsyncIterator[pb.ExecResponse]:  # noqa: N802
        command = (await anext(requests)).start.command
        if command[0] == "exit":
            yield pb.ExecResponse(stderr=b"so be it")
            yield pb.ExecResponse(exit=pb.ExecExit(code=int(command[1])))
        elif command[0] == "gone":
            await abort(context, BadRequest('container "c" of pod "p" is not running'))
        elif command[0] == "missing":
            yield pb.ExecResponse(exit=MISSING)
        elif command[0] == "deaf":
            yield pb.ExecResponse(stdout=b"what?")
            await self._forever()
        elif command[0] == "keep":
            yield await self._keep(requests)
        elif command[0] == "flood":
            with contextlib.suppress(asyncio.CancelledError):
                while self.flooded[command[1]] < FLOOD_BYTES:
                    self.flooded[command[1]] += 32768
                    yield pb.ExecResponse(stdout=bytes(32768))
            yield pb.ExecResponse(exit=pb.ExecExit())
        else:
            async for response in self._echo(requests):
                yield response

    async def _echo(self, requests: Any) -> AsyncIterator[pb.ExecResponse]:
        async for request in requests:
            kind = request.WhichOneof("message")
            if kind == "resize":
                self.sizes.append((request.resize.width, request.resize.height))
            if kind == "stdin_end":
                break
            if kind == "stdin":
                yield pb.ExecResponse(stdout=request.stdin)
        yield pb.ExecResponse(exit=pb.ExecExit())

    async def Attach(self, requests: Any, context: Any) -> AsyncIterator[pb.AttachResponse]:  # noqa: N802
        await anext(requests)
        yield pb.AttachResponse(stdout=b"already said")
        yield pb.AttachResponse(end=pb.AttachEnd())

    async def PortForward(self, requests: Any, context: Any) -> AsyncIterator[pb.PortForwardResponse]:  # noqa: N802
        if (await anext(requests)).start.port == 81:
            await abort(context, InternalError("dial tcp 127.0.0.1:81: connect: connection refused"))
        async for request in requests:
            if request.data_end:
                break
            yield pb.PortForwardResponse(data=request.data.upper())
            if request.data == b"bye":
                return

    async def _keep(self, requests: Any) -> pb.ExecResponse:
        self.kept.put_nowait(b"".join([request.stdin async for request in requests]))
        return pb.ExecResponse(exit=pb.ExecExit())

    async def _forever(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()


@pytest.fixture
async def kubelet(cluster: Cluster, admin: Client) -> AsyncIterator[Kubelet]:
    """Serves for pods p, with one container, and two, with two, on node n1."""
    server, fake = grpc.aio.server(), Kubelet()
    kubelet_pb2_grpc.add_KubeletServicer_to_server(fake, server)  # type: ignore[no-untyped-call]
    port = server.add_secure_port("127.0.0.1:0", cluster.authority.tls("system:node:n1").server_credentials())
    await server.start()
    node = node_pb2.Node(metadata=meta_pb2.ObjectMeta(name="n1"))
    node.status.addresses.add(type="InternalIP", address="127.0.0.1")
    node.status.daemonEndpoints.kubeletEndpoint.Port = port
    await admin.create(node)
    for name, containers in (("p", ("c",)), ("two", ("a", "b"))):
        pod = pod_pb2.Pod(metadata=meta_pb2.ObjectMeta(name=name, namespace="default"))
        pod.spec.nodeName = "n1"
        for container in containers:
            pod.spec.containers.add(name=container, image="podlab.local/hello:1.0")
        made = await admin.create(pod)
        made.status.phase = "Running"
        await admin.update_status(made)
    yield fake
    await server.stop(0)


def _url(what: str, **query: str) -> str:
    return f"{POD}/{what}?{ALL}" + "".join(f"&command={word}" for word in query.get("command", "").split())


async def _said(socket: aiohttp.ClientWebSocketResponse) -> dict[int, bytes]:
    """All that is said on each channel, until the server closes."""
    told: dict[int, bytes] = {}
    async with asyncio.timeout(WITHIN_S):
        async for message in socket:
            assert message.type is WSMsgType.BINARY
            told[message.data[0]] = told.get(message.data[0], b"") + message.data[1:]
    return told


@pytest.mark.usefixtures("kubelet")
async def test_input_ends_and_output_and_success_follow(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(_url("exec", command="cat"), protocols=[V5, V4]) as socket:
        assert socket.protocol == V5
        for part in (b"a" * 300_000, b"b"):
            await socket.send_bytes(b"\0" + part)
        await socket.send_bytes(bytes((255, 0)))
        said = await _said(socket)
    assert said[1] == b"a" * 300_000 + b"b"
    assert orjson.loads(said[3]) == {"metadata": {}, "status": "Success"}


async def test_a_size_is_passed_on_and_nonsense_is_not(http: aiohttp.ClientSession, kubelet: Kubelet) -> None:
    async with http.ws_connect(_url("exec", command="cat") + "&tty=true", protocols=[V5]) as socket:
        for told in (b'{"Width":80,"Height":24}', b"{", b'{"Width":-1,"Height":1}', b"[]"):
            await socket.send_bytes(b"\4" + told)
        await socket.send_bytes(bytes((255, 0)))
        await _said(socket)
    assert kubelet.sizes == [(80, 24)]


@pytest.mark.usefixtures("kubelet")
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("exit 3", {"reason": "NonZeroExitCode", "details": {"causes": [{"reason": "ExitCode", "message": "3"}]}}),
        ("gone", {"reason": "BadRequest", "code": 400}),
        ("missing", {"reason": "InternalError", "message": 'exec: "missing": not found'}),
    ],
)
async def test_how_it_ended_is_told_on_the_error_channel(
    http: aiohttp.ClientSession, command: str, status: dict[str, Any]
) -> None:
    async with http.ws_connect(_url("exec", command=command), protocols=[V4]) as socket:
        told = orjson.loads((await _said(socket))[3])
    assert {name: told[name] for name in status} == status
    assert told["status"] == "Failure"


@pytest.mark.usefixtures("kubelet")
@pytest.mark.parametrize("upgrade", ["websocket", "SPDY/3.1"])
async def test_a_wrong_request_is_refused_before_the_upgrade(http: aiohttp.ClientSession, upgrade: str) -> None:
    """kubectl asks again over SPDY, and shows that answer."""
    headers = {"Upgrade": upgrade, "Connection": "Upgrade", "Sec-WebSocket-Protocol": V4}
    for url, code, words in WRONG:
        async with http.request("GET" if upgrade == "websocket" else "POST", url, headers=headers) as response:
            told = await response.json()
        assert (response.status, told["code"]) == (code, code), url
        assert words in told["message"]


@pytest.mark.usefixtures("kubelet")
async def test_what_is_no_upgrade_that_we_know_is_told(http: aiohttp.ClientSession) -> None:
    websocket = {"Upgrade": "websocket", "Connection": "Upgrade"}
    bare = {"Upgrade": "SPDY/3.1", "Connection": "Upgrade"}
    cases: tuple[tuple[str, dict[str, str], str], ...] = (
        (_url("exec", command="cat"), {}, "Upgrade request required"),
        (_url("exec", command="cat"), {"Upgrade": "h2c", "Connection": "Upgrade"}, "unable to upgrade to h2c"),
        (_url("exec", command="cat"), {**bare, "X-Stream-Protocol-Version": "soap"}, "negotiate protocol"),
        (_url("portforward"), bare, "negotiate protocol: client supports [], server accepts ['portforward.k8s.io']"),
        (_url("exec", command="cat"), {**websocket, "Sec-WebSocket-Protocol": "soap"}, "negotiate protocol"),
        (_url("exec", command="cat"), {**websocket, "Sec-WebSocket-Protocol": V4}, "unable to upgrade"),
        (f"{POD}/portforward?ports=0", {**websocket, "Sec-WebSocket-Protocol": V4}, "'0' is not a port between"),
    )
    for url, headers, words in cases:
        async with http.post(url, headers=headers) as response:
            assert response.status == 400
            assert words in (await response.json())["message"]


@pytest.mark.usefixtures("kubelet")
async def test_who_may_not_create_it_may_not_begin_it_with_get(
    session_of: Callable[[str | None], aiohttp.ClientSession],
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session_of("jane").ws_connect(_url("exec", command="cat"), protocols=[V5])
    assert refused.value.status == 403


async def test_a_client_that_leaves_ends_the_command(
    http: aiohttp.ClientSession, kubelet: Kubelet, listeners: RestListeners
) -> None:
    port = await listeners.listen(replace(listeners.api, commands=replace(listeners.api.commands, leave_s=0.1)))
    url = f"https://127.0.0.1:{port}{_url('exec', command='deaf')}"
    async with http.ws_connect(url, protocols=[V5]) as socket:
        while await socket.receive_bytes() != b"\x01what?":
            pass  # the connection stands before the command runs
    async with asyncio.timeout(WITHIN_S):
        await kubelet.left.wait()


async def test_a_client_that_stops_reading_stops_the_sender(http: aiohttp.ClientSession, kubelet: Kubelet) -> None:
    """What is on the way is bounded, however much there is to say, and however long another one reads meanwhile."""
    async with http.ws_connect(_url("exec", command="flood unread"), protocols=[V5]):
        async with http.ws_connect(_url("exec", command="flood read"), protocols=[V5]) as socket:
            said_bytes = 0
            async with asyncio.timeout(WITHIN_S):
                async for message in socket:
                    said_bytes += len(message.data) - 1 if message.data[0] == 1 else 0
            assert said_bytes == FLOOD_BYTES
        assert 0 < kubelet.flooded["unread"] < FLOOD_BYTES // 2


@pytest.mark.usefixtures("kubelet")
async def test_attach_tells_that_it_ended(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(f"{POD}/attach?stdout=true", protocols=[V5]) as socket:
        said = await _said(socket)
    assert said[1] == b"already said"
    assert orjson.loads(said[3])["status"] == "Success"


@dataclass
class Tunnel:
    """The client's side of port-forward: streams by name."""

    socket: aiohttp.ClientWebSocketResponse
    deflater: spdy.Deflater = field(default_factory=spdy.Deflater)
    said: dict[int, bytes] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    async def connect(self, number: int, port: int) -> tuple[int, int]:
        """The ids of the error and the data stream."""
        ids = (4 * number + 1, 4 * number + 3)
        for stream_id, kind in zip(ids, ("error", "data"), strict=True):
            block = self.deflater.block({"streamtype": kind, "port": str(port), "requestid": str(number)})
            await self.socket.send_bytes(spdy.syn_stream(stream_id, block))
        return ids

    async def send(self, stream_id: int, content: bytes) -> None:
        frame = spdy.data_frame(stream_id, content)
        for start in range(0, len(frame), 1000):  # frames and messages have nothing to do with each other
            await self.socket.send_bytes(frame[start : start + 1000])

    async def until(self, check: Callable[[], bool]) -> None:
        buffer = bytearray()
        async with asyncio.timeout(WITHIN_S):
            while not check():
                buffer += await self.socket.receive_bytes()
                for frame in spdy.split(buffer):
                    if isinstance(frame, spdy.Data):
                        self.said[frame.stream] = self.said.get(frame.stream, b"") + frame.content
                        self.ended |= {frame.stream} if frame.last else set()


@pytest.mark.usefixtures("kubelet")
async def test_connections_share_a_tunnel_and_end_one_by_one(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(f"{POD}/portforward", protocols=[TUNNEL]) as socket:
        tunnel = Tunnel(socket)
        streams = [await tunnel.connect(number, 8080) for number in range(3)]
        for number, (_, data) in enumerate(streams):
            await tunnel.send(data, f"hello {number}".encode() * 500)
        await tunnel.until(lambda: all(len(tunnel.said.get(data, b"")) == 3500 for _, data in streams))
        assert tunnel.said[streams[1][1]] == b"HELLO 1" * 500
        await tunnel.send(streams[0][1], b"bye")
        await tunnel.until(lambda: set(streams[0]) <= tunnel.ended)
        assert not tunnel.ended & {*streams[1], *streams[2]}
        error, data = await tunnel.connect(3, 81)
        await tunnel.until(lambda: {error, data} <= tunnel.ended)
        assert tunnel.said[error].startswith(b"error forwarding port 81 to pod p, uid : dial tcp 127.0.0.1:81")
        await socket.send_bytes(b"\x80\x02 junk that is no frame of this version")
        assert (await socket.receive()).type in (WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.CLOSING)


@pytest.mark.usefixtures("kubelet")
@pytest.mark.parametrize("protocol", channels.ALL)
async def test_every_protocol_over_websocket_carries_a_command(http: aiohttp.ClientSession, protocol: str) -> None:
    """Before version 4 a success is not told, and a failure in words."""
    offered = [protocol] if protocol else []
    async with http.ws_connect(_url("exec", command="exit 3"), protocols=offered) as socket:
        assert (socket.protocol or "") == protocol
        said: dict[int, bytes] = {}
        async with asyncio.timeout(WITHIN_S):
            async for message in socket:
                is_base64 = protocol in channels.BASE64
                assert message.type is (WSMsgType.TEXT if is_base64 else WSMsgType.BINARY)
                content = channels.decoded(message.data.encode()) if is_base64 else message.data
                said[content[0]] = said.get(content[0], b"") + content[1:]
    assert said[2] == b"so be it"
    words = b"command terminated with non-zero exit code: exit status 3"
    assert said[3] == words or orjson.loads(said[3])["message"].encode() == words


async def test_what_is_said_right_before_leaving_is_heard(http: aiohttp.ClientSession, kubelet: Kubelet) -> None:
    """Also when nobody waits for the server's farewell."""
    for number in range(10):
        socket = await http.ws_connect(_url("exec", command="keep"), protocols=[channels.V1])
        for part in range(20):
            await socket.send_bytes(b"\0" + f"{number}.{part} ".encode())
        closing = asyncio.create_task(socket.close())
        await asyncio.sleep(0)
        socket._response.close()
        await closing
    expected = {"".join(f"{number}.{part} " for part in range(20)).encode() for number in range(10)}
    async with asyncio.timeout(WITHIN_S):
        assert {await kubelet.kept.get() for _ in range(10)} == expected


@pytest.mark.usefixtures("kubelet")
async def test_the_older_form_has_two_channels_for_each_port(http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(f"{POD}/portforward?ports=8080&ports=81", protocols=[V4]) as socket:
        await socket.send_bytes(b"\0bye")
        said = await _said(socket)
    assert said[0] == struct.pack("<H", 8080) + b"BYE"
    assert said[3].startswith(struct.pack("<H", 81) + b"error forwarding port 81")


@pytest.mark.usefixtures("kubelet")
async def test_the_python_client_runs_a_command_and_forwards_a_port(api_client: k8s.ApiClient) -> None:
    def used() -> tuple[str, bytes]:
        api = k8s.CoreV1Api(api_client)
        flags = {"stdin": True, "stdout": True, "stderr": True, "tty": False}
        running = stream(
            api.connect_get_namespaced_pod_exec, "p", "default", command=["cat"], _preload_content=False, **flags
        )
        running.write_stdin("hear me\n")
        line = running.readline_stdout(timeout=WITHIN_S)
        running.close()
        forward = portforward(api.connect_get_namespaced_pod_portforward, "p", "default", ports="8080")
        connection = forward.socket(8080)
        connection.settimeout(WITHIN_S)
        connection.sendall(b"bye")
        answer = b"".join(iter(lambda: connection.recv(100), b""))
        connection.close()
        forward.websocket.shutdown()  # it leaves that to the collector when the server closes first
        return line, answer

    assert await asyncio.wait_for(asyncio.to_thread(used), 2 * WITHIN_S) == ("hear me", b"BYE")


@pytest.mark.usefixtures("kubelet")
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@pytest.mark.parametrize("over_websocket", ["true", "false"])
@pytest.mark.parametrize(
    ("arguments", "given", "code", "out", "err"),
    [
        ("exec -i p -- cat", b"x" * 3_000_000, 0, b"x" * 3_000_000, b""),
        ("exec p -- exit 3", b"", 3, b"", b"so be itcommand terminated with exit code 3"),
        ("exec p -c no -- true", b"", 1, b"", b"(BadRequest): container no is not valid for pod p"),
        ("exec no -- true", b"", 1, b"", b'(NotFound): pods "no" not found'),
        ("exec p -- gone", b"", 1, b"", b'container "c" of pod "p" is not running'),
    ],
)
async def test_kubectl_executes(
    cluster: Cluster,
    base: str,
    tmp_path: Path,
    over_websocket: str,
    arguments: str,
    given: bytes,
    code: int,
    out: bytes,
    err: bytes,
) -> None:
    kubeconfig = _kubeconfig(cluster, base, tmp_path)
    process = await asyncio.create_subprocess_exec(
        "kubectl",
        "--kubeconfig",
        str(kubeconfig),
        *arguments.split(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": str(tmp_path), "KUBECTL_REMOTE_COMMAND_WEBSOCKETS": over_websocket},
    )
    said, complained = await asyncio.wait_for(process.communicate(given), WITHIN_S)
    assert (process.returncode, said) == (code, out), complained
    assert err in complained


def _kubeconfig(cluster: Cluster, base: str, tmp_path: Path) -> Path:
    tls = cluster.authority.tls()
    server = {"server": base, "certificate-authority": str(tls.ca)}
    user = {"client-certificate": str(tls.cert), "client-key": str(tls.key)}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": server}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path
