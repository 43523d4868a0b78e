"""Sent to a node and run there by Podlab's own Python: is the container runtime ready, as it says itself over CRI?

The answer's bytes are searched rather than parsed, so that the script stands alone: a condition that holds is its name
followed by a true `status`, protobuf field 2.
"""

from __future__ import annotations

import json
import sys

import grpc

ENDPOINT = "unix:///run/containerd/containerd.sock"
TIMEOUT_S = 10


def main() -> dict[str, object]:
    # containerd refuses the authority that grpc makes of a socket's path.
    options = [("grpc.default_authority", "localhost")]
    with grpc.insecure_channel(ENDPOINT, options=options) as channel:
        status: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/runtime.v1.RuntimeService/Status")
        try:
            answer = status(b"", timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            return {"error": f"{error.code().name}: {error.details()}"}
    return {name: name.encode() + b"\x10\x01" in answer for name in ("RuntimeReady", "NetworkReady")}


if __name__ == "__main__":
    json.dump(main(), sys.stdout)
