from __future__ import annotations

import inspect

import pytest

from master.apiserver.rpc.service import SERVICE, ApiService
from podlab.v1 import apiserver_pb2

RPCS = apiserver_pb2.DESCRIPTOR.services_by_name["ApiServer"].methods


class _Call:
    """What grpc asks a handler with."""

    invocation_metadata = ()

    def __init__(self, method: str) -> None:
        self.method = method


@pytest.mark.parametrize("name", [rpc.name for rpc in RPCS])
def test_every_rpc_is_served_in_its_shape(name: str) -> None:
    parts = inspect.signature(ApiService).parameters
    service = ApiService(**dict.fromkeys(parts))  # type: ignore[arg-type]  # nothing is called
    handler = service.handler().service(_Call(f"/{SERVICE}/{name}"))  # type: ignore[arg-type]
    assert handler is not None
    assert handler.response_streaming is (name in ("DeleteCollection", "Discover", "Watch"))
    assert not handler.request_streaming
