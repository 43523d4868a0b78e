"""Service accounts' tokens on the node, by an advanced clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from podlab_testing.kubelet_pods import MakePod

from node.kubelet.volume.projected import TokenProjection
from node.kubelet.volume.token_manager import JITTER_S, Token, TokenManager
from podlab.authentication.v1 import token_pb2
from podlab.errors import ServiceUnavailable
from podlab.meta.v1 import meta_pb2

HOUR = TokenProjection("", 3600)


@dataclass
class Server:
    """Gives numbered tokens as long as it is there."""

    now: float = 1000.0
    away: bool = False
    asked: list[tuple[str, str, token_pb2.TokenRequestSpec]] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    async def request_token(
        self, namespace: str, account: str, spec: token_pb2.TokenRequestSpec
    ) -> token_pb2.TokenRequestStatus:
        if self.away:
            raise ServiceUnavailable("away")
        self.asked.append((namespace, account, spec))
        ends = meta_pb2.Time(seconds=int(self.now) + spec.expirationSeconds)
        return token_pb2.TokenRequestStatus(token=f"t{len(self.asked)}", expirationTimestamp=ends)


def texts(found: Mapping[TokenProjection, Token]) -> dict[TokenProjection, str]:
    return {wanted: token.token for wanted, token in found.items()}


async def test_a_token_is_bound_to_its_pod_and_asked_for_once(pod: MakePod) -> None:
    server = Server()
    tokens, spec = TokenManager(server, server.clock), pod(serviceAccountName="builder")
    vault = TokenProjection("vault", 600)
    assert texts(await tokens.read(spec, [HOUR, vault, HOUR])) == {HOUR: "t1", vault: "t2"}
    assert texts(await tokens.read(spec, [HOUR])) == {HOUR: "t1"}
    (namespace, account, first), (_, _, second) = server.asked
    assert (namespace, account, list(first.audiences), list(second.audiences)) == ("default", "builder", [], ["vault"])
    assert (first.boundObjectRef.kind, first.boundObjectRef.uid) == ("Pod", "u1")


@pytest.mark.parametrize(("lifetime_s", "renewed_s"), [(3600, 2880), (600, 480), (31_536_000, 86_400)])
async def test_it_is_replaced_at_four_fifths_of_its_life_or_after_a_day(
    pod: MakePod, lifetime_s: int, renewed_s: int
) -> None:
    server, told = Server(), list[str]()
    tokens, wanted = TokenManager(server, server.clock), TokenProjection("", lifetime_s)
    tokens.on_change(told.append)
    await tokens.read(pod(), [wanted])
    server.now += renewed_s - JITTER_S - 1
    tokens.notify()
    assert told == []
    assert texts(await tokens.read(pod(), [wanted])) == {wanted: "t1"}
    server.now += JITTER_S + 2
    tokens.notify()
    assert told == ["u1"]
    assert texts(await tokens.read(pod(), [wanted])) == {wanted: "t2"}


async def test_a_pod_keeps_its_token_while_the_server_is_away_and_the_token_good(pod: MakePod) -> None:
    server = Server()
    tokens = TokenManager(server, server.clock)
    await tokens.read(pod(), [HOUR])
    server.away = True
    server.now += 3500
    assert texts(await tokens.read(pod(), [HOUR])) == {HOUR: "t1"}
    server.now += 100
    with pytest.raises(ServiceUnavailable):
        await tokens.read(pod(), [HOUR])


async def test_nothing_is_kept_of_a_pod_that_is_gone(pod: MakePod) -> None:
    server, told = Server(), list[str]()
    tokens = TokenManager(server, server.clock)
    tokens.on_change(told.append)
    await tokens.read(pod(), [HOUR])
    tokens.forget("u1")
    server.now += 4000
    tokens.notify()
    assert told == []
