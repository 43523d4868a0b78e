"""One call of Probe: who sends, then what is sent, until the caller has no more; with it all goes that was made."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from node.probing.attachment import CONFIGURATIONS, NotAttached, attached
from node.probing.legs import KINDS, Leg, probe
from node.probing.listener import listening
from podlab.errors import BadRequest, InternalError
from podlab.v1 import kubelet_pb2

LONGEST_S = 300.0
"""A caller that says nothing for so long is gone."""
AT_ONCE = 32
MOST_TIMEOUT_S = 30.0

Requests = AsyncIterator[kubelet_pb2.ProbeRequest]
Response = kubelet_pb2.ProbeResponse


async def serve(namespace: str | None, requests: Requests) -> AsyncIterator[Response]:
    """Probes from the namespace of that path; None is the node's own. Raises BadRequest."""
    yield Response(ready=kubelet_pb2.ProbeReady())
    async for response in _answered(namespace, requests):
        yield response


async def serve_apart(requests: Requests, configurations: Sequence[Path] = CONFIGURATIONS) -> AsyncIterator[Response]:
    """Probes from a namespace of its own, which answers others' probes meanwhile. Raises BadRequest, InternalError."""
    try:
        async with attached(configurations) as made, contextlib.AsyncExitStack() as stack:
            listeners = [
                kubelet_pb2.ProbeListener(
                    address=address, port=await stack.enter_async_context(listening(made.namespace, address))
                )
                for address in made.addresses
            ]
            yield Response(ready=kubelet_pb2.ProbeReady(listeners=listeners, mtu=made.mtu))
            async for response in _answered(made.namespace, requests):
                yield response
    except (NotAttached, OSError) as error:
        raise InternalError(str(error)) from error


async def _answered(namespace: str | None, requests: Requests) -> AsyncIterator[Response]:
    """Each leg's result as it comes."""
    done: asyncio.Queue[Response | Exception | None] = asyncio.Queue()
    sending = asyncio.create_task(_send_all(namespace, requests, done))
    try:
        while (response := await done.get()) is not None:
            if isinstance(response, Exception):
                raise response
            yield response
    finally:
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sending


async def _send_all(
    namespace: str | None, requests: Requests, done: asyncio.Queue[Response | Exception | None]
) -> None:
    """Reads legs to the end of the requests, or until the caller has been silent for too long."""
    places = asyncio.Semaphore(AT_ONCE)
    try:
        async with asyncio.timeout(LONGEST_S) as bound, asyncio.TaskGroup() as group:
            async for request in requests:
                bound.reschedule(asyncio.get_running_loop().time() + LONGEST_S)
                group.create_task(_send(_leg(request), request.leg.id, namespace, places, done))
    except TimeoutError:
        done.put_nowait(BadRequest(f"nothing was asked for {LONGEST_S:.0f} s"))
    except BaseExceptionGroup as group_error:
        refused = group_error.subgroup(BadRequest)
        if refused is None:
            raise
        done.put_nowait(BadRequest(str(refused.exceptions[0])))
    finally:
        done.put_nowait(None)


async def _send(
    leg: Leg,
    number: int,
    namespace: str | None,
    places: asyncio.Semaphore,
    done: asyncio.Queue[Response | Exception | None],
) -> None:
    async with places:
        found = await probe(leg, namespace)
    result = kubelet_pb2.ProbeResult(id=number, outcome=found.outcome, detail=found.detail, seconds=found.seconds)
    done.put_nowait(Response(result=result))


def _leg(request: kubelet_pb2.ProbeRequest) -> Leg:
    if not request.HasField("leg"):
        raise BadRequest("all messages of Probe but the first must be `leg`")
    asked = request.leg
    if asked.kind not in KINDS:
        raise BadRequest(f'kind: Unsupported value: "{asked.kind}": use {", ".join(KINDS)}')
    if not 1 <= asked.port <= 65535:
        raise BadRequest(f"port: {asked.port} is not between 1 and 65535")
    timeout_s = min(asked.timeout_ms / 1000 or Leg.timeout_s, MOST_TIMEOUT_S)
    return Leg(asked.kind, asked.address, asked.port, asked.name, asked.size_bytes, timeout_s)
