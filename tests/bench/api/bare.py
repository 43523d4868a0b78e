"""`python tests/bench/api/bare.py DIRECTORY PORT`: what any API server in Python pays for a durable write, and no more.

gRPC with mTLS takes bytes, SQLite has them on disk in a group commit, the same bytes are the answer.
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

import grpc
import uvloop

from master.store.contract import Put
from master.store.sqlite.store import SqliteStore

SERVICE = "podlab.v1.ApiServer"


async def _serve(directory: Path, port: int) -> None:
    store = await SqliteStore.open(directory / "bare.db")
    numbers = itertools.count()

    async def create(request: bytes, _: Any) -> bytes:
        await store.commit([Put(f"/bare/{next(numbers)}", request, 0)])
        return request

    server = grpc.aio.server()
    handlers = {"Create": grpc.unary_unary_rpc_method_handler(create)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    ca, cert, key = ((directory / "pki" / name).read_bytes() for name in ("ca.crt", "admin.crt", "admin.key"))
    server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([(key, cert)], ca, True))
    await server.start()
    print("ready", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1]), int(sys.argv[2])))
