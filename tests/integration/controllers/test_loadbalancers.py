"""Services of type LoadBalancer get addresses of the pool, keep them, and give them back."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.cluster_view import ClusterView

from master.controllers.network.loadbalancer.decide import NO_POOL
from master.controllers.settings import ControllersSettings
from podlab.api.loadbalancers import ARP_CLASS, ASKED_ADDRESS, CLEANUP_FINALIZER, FROM_POOL, addresses
from podlab.core.v1.service_pb2 import Service
from podlab.meta.v1.meta_pb2 import ObjectMeta

POOL = "192.0.2.200-192.0.2.201"


@pytest.fixture
def load_balancer_pool() -> tuple[str, ...]:
    return (POOL,)


def balanced(name: str, asked: str = "", **spec: Any) -> Service:
    made = Service(metadata=ObjectMeta(name=name, namespace="default"), spec={"type": "LoadBalancer", **spec})
    made.spec.ports.add(port=80)
    if asked:
        made.metadata.annotations[ASKED_ADDRESS] = asked
    return made


def shown(seen: ClusterView, name: str) -> Service:
    return seen.informers.services.get(name, "default") or Service()


async def until_given(seen: ClusterView, name: str, *expected: str) -> None:
    await seen.until(lambda: addresses(shown(seen, name)) == [*expected], f"{name} has {expected or 'no address'}")


async def until_refused(seen: ClusterView, why: str) -> None:
    await seen.until_told({("Service", "SyncLoadBalancerFailed", f"Error syncing load balancer: {why}")})


async def test_addresses_are_given_kept_and_come_back(seen: ClusterView, controllers: ControllersSettings) -> None:
    for name, address in (("a", "192.0.2.200"), ("b", "192.0.2.201")):
        await seen.client.create(balanced(name))
        await until_given(seen, name, address)
    given = shown(seen, "a")
    assert (given.metadata.annotations[FROM_POOL], [*given.metadata.finalizers]) == (POOL, [CLEANUP_FINALIZER])
    assert given.status.loadBalancer.ingress[0].ipMode == "VIP"
    await seen.until_told({("Service", "EnsuredLoadBalancer", "Assigned IP 192.0.2.200")})
    await seen.client.create(balanced("c"))
    await until_refused(seen, f"every IPv4 address of the pool ({POOL}) is taken")
    await seen.client.delete(Service, "a", "default")
    await until_given(seen, "c", "192.0.2.200")
    await seen.until(lambda: shown(seen, "a") == Service(), "the Service is gone")


async def test_a_service_of_another_type_gives_its_address_back(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    await seen.client.create(balanced("a"))
    await until_given(seen, "a", "192.0.2.200")
    changed = Service()
    changed.CopyFrom(shown(seen, "a"))
    changed.spec.type = "ClusterIP"
    changed.spec.ClearField("externalTrafficPolicy")
    await seen.client.update(changed)
    await seen.until(lambda: not shown(seen, "a").metadata.finalizers, "the finalizer goes")
    assert FROM_POOL not in shown(seen, "a").metadata.annotations
    await seen.client.create(balanced("b"))
    await until_given(seen, "b", "192.0.2.200")


async def test_an_address_that_is_asked_for_is_given_or_refused_with_a_reason(
    seen: ClusterView, controllers: ControllersSettings
) -> None:
    await seen.client.create(balanced("a", "192.0.2.201"))
    await until_given(seen, "a", "192.0.2.201")
    await seen.client.create(balanced("b", loadBalancerIP="192.0.2.201"))
    await until_refused(seen, "192.0.2.201 is asked for, which service default/a has")
    await seen.client.create(balanced("far", "198.51.100.1"))
    await until_refused(seen, f"198.51.100.1 is asked for, which is not in the pool ({POOL})")
    await seen.client.create(balanced("both", "192.0.2.200", loadBalancerIP="192.0.2.201"))
    await until_refused(
        seen, f"annotation {ASKED_ADDRESS} asks for 192.0.2.200, and spec.loadBalancerIP for 192.0.2.201"
    )
    changed = Service()
    changed.CopyFrom(shown(seen, "a"))
    changed.metadata.annotations[ASKED_ADDRESS] = "192.0.2.200"
    await seen.client.update(changed)
    await until_given(seen, "a", "192.0.2.200")
    await until_given(seen, "b", "192.0.2.201")


async def test_only_our_class_and_none_are_served(seen: ClusterView, controllers: ControllersSettings) -> None:
    await seen.client.create(balanced("others", loadBalancerClass="example.com/other"))
    await seen.client.create(balanced("ours", loadBalancerClass=ARP_CLASS))
    await until_given(seen, "ours", "192.0.2.200")
    assert shown(seen, "others").status.loadBalancer.ByteSize() == 0


class TestWithoutAPool:
    @pytest.fixture
    def load_balancer_pool(self) -> tuple[str, ...]:
        return ()

    async def test_services_stay_pending_and_are_told_why(
        self, seen: ClusterView, controllers: ControllersSettings
    ) -> None:
        await seen.client.create(balanced("a"))
        await until_refused(seen, NO_POOL)
        assert not addresses(shown(seen, "a"))
        assert not shown(seen, "a").metadata.finalizers
        await seen.client.delete(Service, "a", "default")
        await seen.until(lambda: shown(seen, "a") == Service(), "the Service is gone")

    async def test_an_address_of_a_pool_that_is_no_more_is_taken_back(
        self, seen: ClusterView, controllers: ControllersSettings
    ) -> None:
        made = balanced("a")
        made.metadata.annotations[FROM_POOL] = POOL
        made.metadata.finalizers.append(CLEANUP_FINALIZER)
        made = await seen.client.create(made)
        await seen.until(
            lambda: not shown(seen, "a").metadata.finalizers and "a" in shown(seen, "a").metadata.name, "free"
        )
        assert FROM_POOL not in shown(seen, "a").metadata.annotations
