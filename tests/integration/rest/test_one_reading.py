"""What a request says twice, or in two spellings, has one meaning: that of which authorization was asked."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from podlab_testing.cluster import Cluster
from podlab_testing.waiting import WITHIN_S

LIST, POST = "GET /api/v1/namespaces", "POST /api/v1/namespaces/default/configmaps"
# Two proxies, or a proxy and a server, would see other bodies: RFC 9112, 6.3 and 11.2.
TWO_BODIES = [
    (POST, ["Content-Length: 4", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    (POST, ["Content-Length: 2", "Content-Length: 3"], b"{} "),
    (POST, ["Content-Length: +2"], b"{}"),
    (POST, ["Transfer-Encoding: chunked, identity"], b"0\r\n\r\n"),
    (POST, ["Transfer-Encoding: xchunked"], b"0\r\n\r\n"),
    (LIST, ["Impersonate-User : jane"], b""),
    (LIST, ["Impersonate-User: jane", " system:masters"], b""),
]
# As whom, and about what, authorization is asked: seen in its refusal.
SPELLINGS = [
    (
        "GET /api/v1/namespaces/default%2Fpods",
        [],
        'cannot list resource \\"pods\\" in API group \\"\\" in the namespace',
    ),
    ("GET /api/v1/namespaces/default/pods/a%2Flog", [], 'cannot get resource \\"pods/log\\"'),
    ("GET /api/v1/namespaces/default/pods/a%252Flog", [], 'cannot get resource \\"pods\\" in API group'),
    ("GET /api/v1/namespaces/default%2F..%2Fkube-system/secrets", [], 'in the namespace \\"default\\"'),
    ("GET //api/v1/namespaces", [], 'cannot list resource \\"namespaces\\"'),
    ("GET /api/v1/namespaces?watch=false&watch=true", [], 'cannot list resource \\"namespaces\\"'),
    (LIST, ["Impersonate-User: jane", "Impersonate-User: kubernetes-admin"], 'cannot impersonate resource \\"users\\"'),
    (LIST, ["Impersonate_User: kubernetes-admin"], 'User \\"somebody\\" cannot list resource'),
]


async def sent(cluster: Cluster, line: str, headers: list[str], body: bytes = b"") -> str:
    tls = cluster.authority.tls("somebody")
    context = ssl.create_default_context(cafile=str(tls.ca))
    context.load_cert_chain(tls.cert, tls.key)
    reader, writer = await asyncio.open_connection("127.0.0.1", cluster.settings.rest_port, ssl=context)
    head = [f"{line} HTTP/1.1", "Host: api", "Connection: close", *headers, "", ""]
    writer.write("\r\n".join(head).encode() + body)
    answer = await asyncio.wait_for(reader.read(), WITHIN_S)
    writer.close()
    return answer.decode()


@pytest.mark.parametrize(("line", "headers", "body"), TWO_BODIES)
async def test_a_request_of_which_two_servers_would_see_two_things_is_refused(
    cluster: Cluster, line: str, headers: list[str], body: bytes
) -> None:
    assert (await sent(cluster, line, headers, body)).split()[1] == "400"


@pytest.mark.parametrize(("line", "headers", "refusal"), SPELLINGS)
async def test_authorization_is_asked_about_what_is_answered(
    cluster: Cluster, line: str, headers: list[str], refusal: str
) -> None:
    answer = await sent(cluster, line, headers)
    assert answer.split()[1] == "403"
    assert refusal in answer


async def test_a_body_that_nobody_asked_for_is_no_second_request(cluster: Cluster) -> None:
    inner = b"GET /version HTTP/1.1\r\nHost: api\r\n\r\n"
    answer = await sent(cluster, LIST, [f"Content-Length: {len(inner)}"], inner)
    assert answer.count("HTTP/1.") == 1
