from __future__ import annotations

import asyncio

from master.apiserver.resource_metrics.scraper import KEPT_S, Scraper
from podlab.errors import ServiceUnavailable
from podlab.v1.kubelet_pb2 import StatsResponse


class Kubelets:
    """Answer for every node but `away`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away: set[str] = set()

    async def __call__(self, node: str) -> StatsResponse:
        self.asked.append(node)
        await asyncio.sleep(0)
        if node in self.away:
            raise ServiceUnavailable(f"the kubelet of node {node} cannot be reached")
        return StatsResponse(node_name=node)


async def test_each_kubelet_is_asked_once_for_all_who_want_to_know_at_a_time() -> None:
    kubelets, now = Kubelets(), [0.0]
    metering = Scraper(kubelets, lambda: now[0])
    first, second = await asyncio.gather(metering.of(["a", "b"]), metering.of(["b"]))
    assert (set(first), set(second), kubelets.asked) == ({"a", "b"}, {"b"}, ["a", "b"])
    now[0] += KEPT_S
    await metering.of(["a"])
    assert kubelets.asked == ["a", "b", "a"]


async def test_a_kubelet_that_does_not_answer_is_left_out() -> None:
    kubelets = Kubelets()
    kubelets.away = {"b"}
    found = await Scraper(kubelets).of(["a", "b"])
    assert set(found) == {"a"}


async def test_who_leaves_does_not_take_the_answer_from_others() -> None:
    metering = Scraper(Kubelets())
    leaving = asyncio.create_task(metering.of(["a"]))
    await asyncio.sleep(0)
    leaving.cancel()
    assert set(await metering.of(["a"])) == {"a"}
