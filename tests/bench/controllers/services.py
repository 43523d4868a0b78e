"""Many Services whose endpoints change."""

from __future__ import annotations

from cluster import Cluster
from replicas import workload
from waiting import until
from writing import each

from podlab.apps.v1.deployment_pb2 import Deployment
from podlab.core.v1.service_pb2 import Service
from podlab.discovery.v1.endpointslice_pb2 import EndpointSlice

# Ten Services for each Deployment, each of which has ten pods.
DEPLOYMENTS, REPLICAS, SERVICES = 50, 10, 500


async def measure(cluster: Cluster) -> None:
    client, namespace = cluster.client, await cluster.namespace("services")
    made = [workload(Deployment, f"d{number}", namespace, replicas=REPLICAS) for number in range(DEPLOYMENTS)]
    await each(made, client.create)
    await until(client, Deployment, namespace, DEPLOYMENTS, lambda one: one.status.availableReplicas == REPLICAS)
    with cluster.measured(f"{SERVICES} Services, until each has {REPLICAS} endpoints", SERVICES, "Service"):
        await each([_service(number, namespace) for number in range(SERVICES)], client.create)
        await until(client, EndpointSlice, namespace, SERVICES, lambda one: len(_ready(one)) == REPLICAS)
    before = {slice_.metadata.name: _ready(slice_) for slice_ in (await client.list(EndpointSlice, namespace)).items}
    pods = DEPLOYMENTS * REPLICAS
    with cluster.measured(
        f"all {pods} pods of them replaced by rolling updates, until no endpoint is old", pods, "pod"
    ):
        changed = {"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}}
        await each(made, lambda one: client.patch(Deployment, one.metadata.name, namespace, patch=changed))
        await until(client, EndpointSlice, namespace, SERVICES, lambda one: _renewed(one, before))


def _service(number: int, namespace: str) -> Service:
    made = Service()
    made.metadata.name, made.metadata.namespace = f"s{number}", namespace
    made.spec.selector["app"] = f"d{number % DEPLOYMENTS}"
    made.spec.ports.add(port=80)
    return made


def _ready(slice_: EndpointSlice) -> set[str]:
    return {address for one in slice_.endpoints if one.conditions.ready for address in one.addresses}


def _renewed(slice_: EndpointSlice, before: dict[str, set[str]]) -> bool:
    ready = _ready(slice_)
    return len(slice_.endpoints) == len(ready) == REPLICAS and not ready & before[slice_.metadata.name]
