"""The agent between a real API server and the real HAProxy."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from podlab_testing.cluster import Cluster as ApiServer
from podlab_testing.haproxy import HAPROXY, HaProxy
from podlab_testing.ingresses import NAMESPACE, ingress, ingress_class, service
from podlab_testing.ports import reserved_ports
from podlab_testing.waiting import WITHIN_S, until, until_told

from master.apiserver.authorization.component_roles import INGRESS_USER
from master.apiserver.authorization.ingress import AGENTS
from node.ingress.agent import IngressAgent
from podlab import pki
from podlab.client.client import Client
from podlab.core.v1.config_pb2 import Secret
from podlab.core.v1.event_pb2 import Event
from podlab.core.v1.namespace_pb2 import Namespace
from podlab.core.v1.node_pb2 import Node
from podlab.core.v1.pod_pb2 import Pod
from podlab.core.v1.service_pb2 import Service
from podlab.errors import Forbidden
from podlab.meta.v1.meta_pb2 import ObjectMeta
from podlab.networking.v1.ingress_pb2 import Ingress, IngressClass

pytestmark = pytest.mark.skipif(HAPROXY is None, reason="a server of our own needs haproxy: scripts/bootstrap servers")


@pytest.fixture
async def haproxy(tmp_path: Path) -> AsyncIterator[HaProxy]:
    directory = tmp_path / "run"
    directory.mkdir()
    with reserved_ports(3) as ports:
        async with HaProxy(directory, (ports[0], ports[1], ports[2])) as made:
            yield made


@pytest.fixture
async def agent(cluster: ApiServer, admin: Client, haproxy: HaProxy) -> AsyncIterator[IngressAgent]:
    """A running one, as its own user, in a cluster with a namespace of the tests'."""
    await admin.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
    made = IngressAgent(await cluster.client(INGRESS_USER, AGENTS), haproxy.settings, haproxy.server)
    running = asyncio.create_task(made.run())
    try:
        await asyncio.wait_for(made.synced.wait(), WITHIN_S)
        yield made
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def events(admin: Client) -> set[tuple[str, str]]:
    """Reason and object of all there are."""
    return {(each.reason, each.involvedObject.name) for each in (await admin.list(Event, NAMESPACE)).items}


async def told(admin: Client, reason: str, name: str) -> None:
    async def is_told() -> bool:
        return (reason, name) in await events(admin)

    await until_told(is_told, f"an Event {reason} of {name}")


async def test_ingresses_are_of_the_default_class_and_are_served(
    admin: Client, agent: IngressAgent, haproxy: HaProxy
) -> None:
    found = await admin.get(IngressClass, "podlab")
    assert found.spec.controller == "podlab.io/ingress"
    assert haproxy.ask("shop.example")[0] == 404
    made = ingress("site", {"shop.example": [("/", "Prefix", "web")]})
    made.spec.ClearField("ingressClassName")
    made = await admin.create(made)
    assert made.spec.ingressClassName == "podlab"
    await until(lambda: haproxy.ask("shop.example")[0] == 503, "the host is known")
    await told(admin, "ServiceNotFound", "site")
    await admin.create(service("web"))

    async def is_known() -> bool:
        return "does not exist" not in (await asyncio.to_thread(haproxy.page))[1]

    await until_told(is_known, "the Service is known")
    status, shown = await asyncio.to_thread(haproxy.page)
    assert (status, "does not exist" in shown, "shop.example" in shown) == (200, False, True)
    await admin.delete(Ingress, "site", NAMESPACE)
    await until(lambda: haproxy.ask("shop.example")[0] == 404, "the host is forgotten")


async def test_ingresses_of_other_classes_are_left_alone(admin: Client, agent: IngressAgent, haproxy: HaProxy) -> None:
    await admin.create(ingress_class("other", "example.com/other"))
    await admin.create(ingress_class("second"))
    await admin.create(ingress("other", {"other.example": [("/", "Prefix", "web")]}, class_name="other"))
    await admin.create(ingress("second", {"second.example": [("/", "Prefix", "web")]}, class_name="second"))
    await until(lambda: haproxy.ask("second.example")[0] == 503, "another class of the same controller is served")
    assert haproxy.ask("other.example")[0] == 404


async def test_what_is_wrong_is_told_once_and_harms_nobody_else(
    admin: Client, agent: IngressAgent, haproxy: HaProxy
) -> None:
    await admin.create(service("web"))
    await admin.create(ingress("first", {"shop.example": [("/", "Prefix", "web"), ("/x", "Exact", "web")]}))
    await asyncio.sleep(1.1)  # creation is told in seconds
    bad = ingress("second", {"shop.example": [("/", "Prefix", "none")], "own.example": [("/", "Prefix", "web")]})
    bad.spec.tls.add(secretName="missing", hosts=["own.example"])
    bad.spec.rules[1].ingressRuleValue.http.paths.add(path="/bucket", pathType="Prefix")
    bad.spec.rules[1].ingressRuleValue.http.paths[1].backend.resource.kind = "Bucket"
    bad.spec.rules[1].ingressRuleValue.http.paths[1].backend.resource.name = "icons"
    await admin.create(bad)
    for reason in ("PathTaken", "SecretNotFound", "ResourceBackend"):
        await told(admin, reason, "second")
    assert not [each for each in await events(admin) if each[1] == "first"]
    await until(lambda: haproxy.ask("own.example")[0] == 503, "its other host is served, without endpoints")
    before = len((await admin.list(Event, NAMESPACE)).items)
    await admin.create(ingress("third", {"third.example": [("/", "Prefix", "web")]}))
    await until(lambda: haproxy.ask("third.example")[0] == 503, "the next one is served")
    listed = (await admin.list(Event, NAMESPACE)).items
    assert len(listed) == before
    assert {each.count for each in listed} == {1}


async def test_the_status_has_the_addresses_of_the_ready_nodes_that_serve(
    admin: Client, agent: IngressAgent, haproxy: HaProxy
) -> None:
    await admin.create(ingress("site", {"shop.example": [("/", "Prefix", "web")]}))
    node = await admin.create(Node(metadata=ObjectMeta(name="n1")))

    async def shown(expected: list[str]) -> None:
        async def are_told() -> bool:
            found = (await admin.get(Ingress, "site", NAMESPACE)).status.loadBalancer.ingress
            return [each.ip for each in found] == expected

        await until_told(are_told, f"addresses {expected}")

    for ready, expected in (("True", ["192.0.2.1"]), ("False", [])):
        del node.status.conditions[:]
        node.status.conditions.add(type="Ready", status=ready)
        node = await admin.update_status(node)
        await shown(expected)


def tls_secret(name: str, host: str, authority: Path) -> Secret:
    """With a new certificate for the host."""
    number = len(list(authority.iterdir()))
    pki.ensure_certificate(pki.ensure_ca(authority), authority, f"{name}-{number}", host, [], [host])
    made = Secret(metadata=ObjectMeta(namespace=NAMESPACE, name=name), type="kubernetes.io/tls")
    for part in ("crt", "key"):
        made.data[f"tls.{part}"] = (authority / f"{name}-{number}.{part}").read_bytes()
    return made


async def shown(haproxy: HaProxy, host: str, secret: Secret) -> None:
    """Raises AssertionError when the Secret's certificate is not shown soon."""
    expected = ssl.PEM_cert_to_DER_cert(secret.data["tls.crt"].decode())
    await until(lambda: haproxy.shown(host) == expected, f"the certificate of {secret.metadata.name} is shown")


async def test_ingresses_may_come_while_the_secrets_of_others_are_asked_for(admin: Client, agent: IngressAgent) -> None:
    names = [f"site-{number}" for number in range(30)]
    for name in names:
        await admin.create(
            ingress(name, {f"{name}.example": [("/", "Prefix", "web")]}, tls={name: [f"{name}.example"]})
        )
    for name in names:
        await told(admin, "SecretNotFound", name)


async def test_certificates_are_followed_for_as_long_as_ingresses_name_them(
    admin: Client, agent: IngressAgent, haproxy: HaProxy, tmp_path: Path
) -> None:
    host, authority = "shop.example", tmp_path / "authority"
    authority.mkdir()
    opaque = Secret(metadata=ObjectMeta(namespace=NAMESPACE, name="opaque"), data={"password": b"x"})
    await admin.create(opaque)
    bare = haproxy.shown(host)
    site = await admin.create(ingress("site", {host: [("/", "Prefix", "web")]}, tls={"first": [host]}))
    await admin.create(ingress("other", {"o.example": [("/", "Prefix", "web")]}, tls={"opaque": ["o.example"]}))
    await told(admin, "SecretNotFound", "site")
    await told(admin, "SecretNotFound", "other")
    first = await admin.create(tls_secret("first", host, authority))
    await shown(haproxy, host, first)
    first.data.update(tls_secret("first", host, authority).data)
    await shown(haproxy, host, await admin.update(first))
    second = await admin.create(tls_secret("second", host, authority))
    site.spec.tls[0].secretName = "second"
    site = await admin.update(await latest(admin, site))
    await shown(haproxy, host, second)
    await admin.delete(Secret, "second", NAMESPACE)
    await until(lambda: haproxy.shown(host) == bare, "the default certificate is shown")


async def latest(admin: Client, ingress: Ingress) -> Ingress:
    """With this spec: the agent may have written the status meanwhile."""
    found = await admin.get(Ingress, ingress.metadata.name, NAMESPACE)
    found.spec.CopyFrom(ingress.spec)
    return found


async def test_it_reads_secrets_that_its_ingresses_name_and_no_others(cluster: ApiServer, admin: Client) -> None:
    await admin.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
    for name in ("named", "foreign", "hidden"):
        await admin.create(Secret(metadata=ObjectMeta(namespace=NAMESPACE, name=name)))
    await admin.create(ingress_class())
    await admin.create(ingress_class("other", "example.com/other"))
    site = await admin.create(ingress("site", default="web", tls={"named": []}))
    await admin.create(ingress("foreign", default="web", tls={"foreign": []}, class_name="other"))
    await admin.create(ingress("none", default="web", tls={"hidden": []}, class_name="missing"))
    client = await cluster.client(INGRESS_USER, AGENTS)
    assert (await client.get(Secret, "named", NAMESPACE)).metadata.name == "named"
    assert len((await client.list(Secret, NAMESPACE, field_selector="metadata.name=named")).items) == 1
    for name in ("foreign", "hidden", "missing"):
        with pytest.raises(Forbidden, match="no Ingress of a class of Podlab's controller names secret"):
            await client.get(Secret, name, NAMESPACE)
    too_much = (("", ""), (NAMESPACE, ""), ("", "metadata.name=named"), (NAMESPACE, "metadata.name!=x"))
    for namespace, selector in too_much:
        with pytest.raises(Forbidden, match="can only read individual secrets"):
            await client.list(Secret, namespace, field_selector=selector)
    with pytest.raises(Forbidden, match="can only read secrets"):
        await client.delete(Secret, "named", NAMESPACE)
    await admin.delete(Ingress, site.metadata.name, NAMESPACE)
    with pytest.raises(Forbidden):
        await client.get(Secret, "named", NAMESPACE)


async def test_it_may_do_no_more_than_it_does(cluster: ApiServer) -> None:
    client = await cluster.client(INGRESS_USER, AGENTS)
    with pytest.raises(Forbidden):
        await client.list(Pod)
    with pytest.raises(Forbidden):
        await client.create(Service(metadata=ObjectMeta(namespace="default", name="x")))
    with pytest.raises(Forbidden):
        await client.update(ingress("x", default="web"))
