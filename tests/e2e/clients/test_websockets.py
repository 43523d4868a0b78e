"""exec and logs over plain WebSockets, as clients without a library speak them."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator

import aiohttp
import pytest
from podlab_testing.deployed import Cli, MakeNamespace, condition_of, wait_until

from podlab.client.config import load_client_config

LIMIT_S = 30
STDOUT = 1


@pytest.fixture(scope="module")
def namespace(cli: Cli, make_namespace: MakeNamespace) -> str:
    """One with pod alive, which has said a word."""
    name = make_namespace()
    container = {
        "name": "main",
        "image": "podlab.local/hello:1.0",
        "command": ["sh", "-c", "echo container is alive; sleep 10000"],
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 0}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alive"}, "spec": spec}
    cli("apply", "-n", name, "-f", "-", stdin=json.dumps(pod))
    wait_until(lambda: condition_of(cli.get("pod", "alive", "-n", name), "Ready") == "True", "pod alive is ready")
    return name


@pytest.fixture
async def session(cli: Cli) -> AsyncIterator[aiohttp.ClientSession]:
    config = load_client_config(cli.cluster)
    tls = ssl.create_default_context(cafile=str(config.tls.ca))
    tls.load_cert_chain(config.tls.cert, config.tls.key)
    base = "https://{}:{}".format(*config.rest)
    async with aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(ssl=tls)) as made:
        yield made


@pytest.mark.parametrize("protocol", ["channel.k8s.io", "base64.channel.k8s.io", "v4.channel.k8s.io", ""])
async def test_a_command_is_run(session: aiohttp.ClientSession, namespace: str, protocol: str) -> None:
    query = "stdout=1&stderr=1&container=main&command=echo&command=remote+execution+test"
    url = f"/api/v1/namespaces/{namespace}/pods/alive/exec?{query}"
    said = b""
    async with session.ws_connect(url, protocols=[protocol] if protocol else []) as socket:
        assert (socket.protocol or "") == protocol
        async for message in socket:
            content = message.data
            if protocol.startswith("base64"):
                content = bytes((int(content[0]),)) + base64.b64decode(content[1:])
            if content[0] == STDOUT:
                said += content[1:]
    assert said == b"remote execution test\n"


@pytest.mark.parametrize("protocol", ["binary.k8s.io", "base64.binary.k8s.io", ""])
async def test_a_log_is_read(session: aiohttp.ClientSession, namespace: str, protocol: str) -> None:
    url = f"/api/v1/namespaces/{namespace}/pods/alive/log?container=main"
    async with session.ws_connect(url, protocols=[protocol] if protocol else []) as socket:
        assert (socket.protocol or "") == protocol
        pieces = [message.data async for message in socket]
    said = b"".join(base64.b64decode(one) if protocol.startswith("base64") else one for one in pieces)
    assert said == b"container is alive\n"
