"""A connection to a port of a pod, as its kubelet tells of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from master.apiserver.egress.kubelet.duplex import Duplex
from master.apiserver.egress.kubelet.pod_connection import PodConnection
from podlab.v1.kubelet_pb2 import PortForwardResponse as Response


class Told(Duplex):
    """Has the answers that it is made with, and no more."""

    def __init__(self, answers: Iterable[Response]) -> None:
        self.answers = deque(answers)

    async def read(self) -> bytes | None:
        return self.answers.popleft().SerializeToString()


async def test_the_last_bytes_are_told_without_waiting_for_the_calls_end() -> None:
    told = Told([Response(data=b"a"), Response(data=b"b"), Response(data_end=True)])
    assert [content async for content in PodConnection(told).pieces()] == [b"a", b"b"]
    assert not told.answers


async def test_what_says_nothing_brings_nothing() -> None:
    told = Told([Response(connected=True), Response(data_end=True)])
    assert [content async for content in PodConnection(told).pieces()] == []
