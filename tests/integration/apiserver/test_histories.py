"""What clients of two API servers write down is explained, and what is told of watches that go wrong."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from podlab_testing.api_histories import Histories, Seen, Watched, wrong_watches
from podlab_testing.cluster import Cluster, another_server
from podlab_testing.waiting import until

from podlab.client.client import Client

WRITES = 20
A, B = Seen(2, "ADDED", "a", "1"), Seen(3, "ADDED", "b", "2")


@pytest.fixture
async def second(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Client]:
    """The administrator's client of another API server."""
    async with another_server(cluster, tmp_path / "second", cluster.settings.etcd) as made:
        yield await made.client()


@pytest.mark.parametrize("backend", ["etcd"])
async def test_what_clients_of_two_servers_see_is_explained(admin: Client, second: Client) -> None:
    seen = Histories([admin, second], [admin], "chaos", random.Random(5))
    async with seen.running():
        await until(lambda: len(seen.written) > WRITES and seen.added, "clients write", within_s=60)
    assert await seen.wrong() == []
    assert seen.unknown == 0
    name = next(iter(seen.added))
    seen.tried.discard(name)
    seen.added["never"] = 7
    told = await seen.wrong()
    assert f"server 0 has {name}, which nobody added" in told
    assert "never was acknowledged, and server 1 has it not" in told


@pytest.mark.parametrize(
    ("parts", "written", "words"),
    [
        ([[(1, [A, B])], [(1, [A, B])]], {2: "a"}, []),
        ([[(1, [A]), (3, [])], [(2, [B])]], {2: "a"}, []),  # a list between
        ([[(1, [B, A])]], {}, ["steps back"]),
        ([[(1, [A, A])]], {}, ["steps back"]),
        ([[(1, [A])], [(1, [replace(A, value="x")])]], {}, ["another one"]),
        ([[(1, [A, B])], [(1, [B])]], {}, ["watch 1 leaves out 2"]),
        ([[(1, [B])]], {2: "a"}, ["watch 0 leaves out 2 (a)"]),
    ],
)
def test_gaps_repeats_and_differences_of_watches_are_told(
    parts: list[list[tuple[int, list[Seen]]]], written: dict[int, str], words: list[str]
) -> None:
    found = wrong_watches([Watched(each) for each in parts], written)
    assert len(found) == len(words)
    assert all(word in told for word, told in zip(words, found, strict=True))
