"""Who writes more than a disk takes is told when to come again, and nobody else is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.flowcontrol import write_rates
from master.apiserver.flowcontrol.write_rates import TRUSTED, USERS, ChargedStore, Rate, WriteRates
from master.apiserver.request.info import RequestInfo
from master.store.contract import Put
from master.store.sqlite.store import SqliteStore
from podlab.errors import TooManyRequests

KIB = 1 << 10


def asked(name: str, verb: str = "update") -> RequestInfo:
    user = User(name, frozenset({"system:authenticated"}))
    return RequestInfo(user, (Attributes(verb, "", "configmaps"),), "/", verb)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ChargedStore]:
    opened = ChargedStore(await SqliteStore.open(tmp_path / "store.db"))
    yield opened
    await opened.close()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_who_has_written_too_much_waits_for_as_long_as_it_takes_to_make_up(store: ChargedStore) -> None:
    clock = Clock()
    paying = WriteRates(clock, lambda _: Rate(KIB, 4 * KIB))

    async def write(name: str, size: int = KIB) -> None:
        with paying.charged(asked(name)):
            await store.commit([Put("/a", bytes(size), None)])

    for _ in range(4):
        await write("greedy")
    await write("greedy", 3 * KIB)  # what a request writes is known only afterwards
    with pytest.raises(TooManyRequests, match=r'User "greedy" has written more than .* try again in 3 s') as told:
        await write("greedy")
    assert told.value.retry_after_s == 3
    await write("jane")
    with paying.charged(asked("greedy", "get")):
        pass
    clock.now += 3
    await write("greedy")
    clock.now += 1000  # no more is saved than the burst
    await write("greedy", 4 * KIB)
    await write("greedy", 1)
    with pytest.raises(TooManyRequests):
        await write("greedy")


async def test_what_nobody_asked_for_is_free(store: ChargedStore) -> None:
    paying = WriteRates(Clock(), lambda _: Rate(1, 1))
    with paying.charged(asked("jane")):
        pass
    await store.commit([Put("/a", bytes(KIB), None)])
    with paying.charged(asked("jane")):
        pass


@pytest.mark.parametrize(
    ("name", "group", "rate"),
    [
        ("jane", "dev", USERS),
        ("system:serviceaccount:default:default", "system:serviceaccounts", USERS),
        ("system:node:n1", "system:nodes", TRUSTED),
        ("kubernetes-admin", "system:masters", TRUSTED),
        ("system:kube-controller-manager", "dev", TRUSTED),
    ],
)
def test_the_clusters_own_parts_may_write_more(name: str, group: str, rate: Rate) -> None:
    assert write_rates.rate_of(User(name, frozenset({group}))) is rate
