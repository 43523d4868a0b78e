"""What Kubernetes' conformance tests ask of the network's API: types of Services that change, addresses, endpoints."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

SERVICES = "/api/v1/namespaces/default/services"
ADDRESSES = "/apis/networking.k8s.io/v1/ipaddresses"
MERGE = {"Content-Type": "application/merge-patch+json"}
HTTP = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 9376}


async def sent(http: aiohttp.ClientSession, method: str, path: str, body: Any = None, **parts: Any) -> Any:
    async with http.request(method, path, json=body, **parts) as response:
        answer = await response.json()
    assert response.status in (200, 201), answer
    return answer


async def changed(http: aiohttp.ClientSession, name: str, **spec: Any) -> dict[str, Any]:
    """The Service's spec after it was read, changed and put back whole; None takes a field away."""
    found = await sent(http, "GET", f"{SERVICES}/{name}")
    found["spec"] = {key: value for key, value in {**found["spec"], **spec}.items() if value is not None}
    answer: dict[str, Any] = (await sent(http, "PUT", f"{SERVICES}/{name}", found))["spec"]
    return answer


async def test_an_external_name_becomes_an_address_and_a_node_port_and_back(http: aiohttp.ClientSession) -> None:
    spec = {"type": "ExternalName", "externalName": "foo.example.com"}
    made = await sent(http, "POST", SERVICES, {"metadata": {"name": "turns"}, "spec": spec})
    assert made["spec"].get("clusterIP", "") == ""
    inside = await changed(http, "turns", type="ClusterIP", externalName=None, ports=[HTTP])
    assert inside["clusterIP"] == inside["clusterIPs"][0]
    outside = await changed(http, "turns", type="NodePort")
    assert (outside["clusterIP"], 30000 <= outside["ports"][0]["nodePort"] <= 32767) == (inside["clusterIP"], True)
    named = await changed(http, "turns", type="ExternalName", externalName="foo.example.com")
    assert [key for key in ("clusterIP", "clusterIPs", "ipFamilies") if named.get(key)] == []
    assert "nodePort" not in named["ports"][0]
    port = {**HTTP, "nodePort": outside["ports"][0]["nodePort"]}
    heir = {"type": "NodePort", "clusterIP": inside["clusterIP"], "ports": [port]}
    await sent(http, "POST", SERVICES, {"metadata": {"name": "heir"}, "spec": heir})


async def test_an_external_name_becomes_a_node_port_at_once(http: aiohttp.ClientSession) -> None:
    spec = {"type": "ExternalName", "externalName": "foo.example.com"}
    await sent(http, "POST", SERVICES, {"metadata": {"name": "turns"}, "spec": spec})
    outside = await changed(http, "turns", type="NodePort", externalName=None, ports=[HTTP])
    assert (outside["clusterIP"] != "", outside["ports"][0]["nodePort"] > 0) == (True, True)


async def test_what_one_type_alone_has_goes_with_it(http: aiohttp.ClientSession) -> None:
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [HTTP], "loadBalancerClass": "a.test/b"}
    made = await sent(http, "POST", SERVICES, {"metadata": {"name": "turns"}, "spec": spec})
    assert made["spec"]["healthCheckNodePort"] > 0
    inside = await changed(http, "turns", type="ClusterIP")
    kept = ("healthCheckNodePort", "externalTrafficPolicy", "allocateLoadBalancerNodePorts", "loadBalancerClass")
    assert [key for key in kept if key in inside] == []
    assert "nodePort" not in inside["ports"][0]


async def test_without_addresses_outside_a_service_has_no_policy_for_them(http: aiohttp.ClientSession) -> None:
    spec = {"externalIPs": ["192.0.2.1"], "externalTrafficPolicy": "Local", "ports": [HTTP]}
    await sent(http, "POST", SERVICES, {"metadata": {"name": "turns"}, "spec": spec})
    assert "externalTrafficPolicy" not in await changed(http, "turns", externalIPs=None)


@pytest.mark.parametrize("name", ["255.255.255.255", "fe80::42:1dff:fe84:f9e2"])
async def test_an_address_may_be_somebody_elses(http: aiohttp.ClientSession, name: str) -> None:
    parent = {"group": "mygroup", "resource": "myresources", "namespace": "foo", "name": "bar"}
    body = {"metadata": {"name": name, "labels": {"type": "kept"}}, "spec": {"parentRef": parent}}
    made = await sent(http, "POST", ADDRESSES, body)
    patch = {"metadata": {"annotations": {"patched": "true"}}}
    patched = await sent(http, "PATCH", f"{ADDRESSES}/{name}", patch, headers=MERGE)
    assert int(patched["metadata"]["resourceVersion"]) > int(made["metadata"]["resourceVersion"])
    patched["metadata"]["annotations"]["updated"] = "true"
    updated = await sent(http, "PUT", f"{ADDRESSES}/{name}", patched)
    assert updated["metadata"]["annotations"] == {"patched": "true", "updated": "true"}
    await sent(http, "DELETE", ADDRESSES, params={"labelSelector": "type=kept"})
    assert (await sent(http, "GET", ADDRESSES, params={"labelSelector": "type=kept"}))["items"] == []


async def test_the_default_network_and_its_status_are_one_object(http: aiohttp.ClientSession) -> None:
    path = "/apis/networking.k8s.io/v1/servicecidrs"
    listed = await sent(http, "GET", path)
    assert [each["metadata"]["name"] for each in listed["items"]] == ["kubernetes"]
    patch = {"metadata": {"annotations": {"patched": "true"}}}
    found = await sent(http, "PATCH", f"{path}/kubernetes", patch, headers=MERGE)
    found["metadata"]["annotations"]["updated"] = "true"
    found = await sent(http, "PUT", f"{path}/kubernetes", found)
    assert found["metadata"]["annotations"] == {"patched": "true", "updated": "true"}
    below = await sent(http, "GET", f"{path}/kubernetes/status")
    assert (below["kind"], below["apiVersion"]) == ("ServiceCIDR", "networking.k8s.io/v1")
    assert below["metadata"]["uid"] == listed["items"][0]["metadata"]["uid"]


async def test_the_api_servers_own_service_is_found_in_all_namespaces(http: aiohttp.ClientSession) -> None:
    listed = await sent(http, "GET", "/api/v1/services")
    assert ("default", "kubernetes") in {
        (each["metadata"]["namespace"], each["metadata"]["name"]) for each in listed["items"]
    }
    slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"
    found = await sent(http, "GET", slices, params={"labelSelector": "kubernetes.io/service-name=kubernetes"})
    endpoints = await sent(http, "GET", "/api/v1/namespaces/default/endpoints/kubernetes")
    addresses = {
        address for one in found["items"] for endpoint in one["endpoints"] for address in endpoint["addresses"]
    }
    assert addresses == {each["ip"] for subset in endpoints["subsets"] for each in subset["addresses"]} != set()
