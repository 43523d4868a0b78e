"""Requests for certificates become certificates that the API server believes."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives import serialization
from podlab_testing.certificates import CLIENT, key, pkcs10, request
from podlab_testing.cluster import Cluster
from podlab_testing.cluster_view import ClusterView
from podlab_testing.fake_nodes import FakeNodes

from podlab.api.kinds import GroupKind
from podlab.certificates.v1.certificatesigningrequest_pb2 import CertificateSigningRequest
from podlab.client.client import Client
from podlab.core.v1 import namespace_pb2, node_pb2
from podlab.errors import Forbidden
from podlab.tls import Tls
from podlab.v1 import apiserver_pb2

pytestmark = pytest.mark.usefixtures("controllers")
APPROVED = {"status": {"conditions": [{"type": "Approved", "status": "True", "reason": "Test"}]}}


def shown(seen: ClusterView) -> Any:
    return seen.informers.by_kind[GroupKind("certificates.k8s.io", "CertificateSigningRequest")].get("jane")


async def approve(client: Client) -> None:
    merge = apiserver_pb2.PATCH_TYPE_MERGE
    await client.patch(CertificateSigningRequest, "jane", patch=APPROVED, patch_type=merge, subresource="approval")


async def as_signed(seen: ClusterView, cluster: Cluster, tmp_path: Path, own: Any) -> Client:
    """A client that shows what was signed."""
    await seen.until(lambda: (found := shown(seen)) and found.status.certificate, "it is signed")
    cert, private = tmp_path / "jane.crt", tmp_path / "jane.key"
    cert.write_bytes(shown(seen).status.certificate)
    plain = serialization.NoEncryption()
    private.write_bytes(own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return Client(cluster.server, Tls(cluster.settings.tls.ca, cert, private))


@pytest.mark.parametrize("usages", [CLIENT, ("client auth",)])
async def test_an_approved_request_gives_a_certificate_by_which_the_api_server_knows_its_user(
    seen: ClusterView, cluster: Cluster, tmp_path: Path, usages: tuple[str, ...]
) -> None:
    own = key()
    await seen.client.create(request(pkcs10("jane", "devs", with_key=own), "kube-apiserver-client", usages=usages))
    await approve(seen.client)
    async with await as_signed(seen, cluster, tmp_path, own) as jane:
        with pytest.raises(Forbidden, match='User "jane" cannot list resource "namespaces"'):
            await jane.list(namespace_pb2.Namespace)
    shows = ssl.create_default_context(cafile=cluster.settings.tls.ca)
    shows.load_cert_chain(tmp_path / "jane.crt", tmp_path / "jane.key")
    url = f"https://127.0.0.1:{cluster.settings.rest_port}/api/v1/namespaces"
    async with aiohttp.ClientSession() as http, http.get(url, ssl=shows) as answer:
        assert (answer.status, (await answer.json())["message"].split(" cannot ")[0]) == (
            403,
            'namespaces is forbidden: User "jane"',
        )


async def test_a_node_renews_its_certificate_by_itself(
    seen: ClusterView, nodes: FakeNodes, cluster: Cluster, tmp_path: Path
) -> None:
    own, node = key(), await cluster.client("system:node:n1")
    await node.create(request(pkcs10("system:node:n1", "system:nodes", with_key=own), "kube-apiserver-client-kubelet"))
    async with await as_signed(seen, cluster, tmp_path, own) as renewed:
        assert (await renewed.get(node_pb2.Node, "n1")).metadata.name == "n1"
    assert [one.reason for one in shown(seen).status.conditions] == ["AutoApproved"]


async def test_what_breaks_the_signers_rules_fails_with_the_reason(seen: ClusterView) -> None:
    await seen.client.create(request(pkcs10("jane"), "kube-apiserver-client", usages=[*CLIENT, "server auth"]))
    await approve(seen.client)
    await seen.until(lambda: (found := shown(seen)) and len(found.status.conditions) == 2, "it failed")
    failed = shown(seen).status.conditions[1]
    assert (failed.type, failed.reason) == ("Failed", "SignerValidationFailure")
    assert failed.message.startswith("usages did not match [client auth]")


async def test_no_node_becomes_another_by_a_second_common_name(
    seen: ClusterView, nodes: FakeNodes, cluster: Cluster
) -> None:
    """Joined they are n10, who asks; the server that takes the first sees n1."""
    asked = request(pkcs10("system:node:n1", "system:nodes", also="0"), "kube-apiserver-client-kubelet")
    with pytest.raises(Forbidden, match="the subject has 2 common names"):
        await (await cluster.client("system:node:n10")).create(asked)
    await seen.client.create(asked)
    await approve(seen.client)  # a person who does not look
    await seen.until(lambda: (found := shown(seen)) and len(found.status.conditions) == 2, "it failed")
    assert [one.reason for one in shown(seen).status.conditions] == ["Test", "SignerValidationFailure"]
    assert shown(seen).status.conditions[1].message == "the subject has 2 common names (CN): one user has one"
    assert not shown(seen).status.certificate


async def test_over_grpc_too_only_who_may_approve_does(seen: ClusterView, cluster: Cluster) -> None:
    await seen.client.create(request(pkcs10("jane"), "kube-apiserver-client"))
    with pytest.raises(Forbidden):
        await approve(await cluster.client("system:kube-scheduler"))
