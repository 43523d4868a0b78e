"""Run on a node by Podlab's own Python: is the container runtime ready, as it says over CRI, and with which settings?

The answer's bytes are searched rather than parsed, so that the script stands alone: a condition that holds is its name
followed by a true `status`, protobuf field 2, and the settings are JSON.
"""

from __future__ import annotations

import json
import re
import sys

import grpc

ENDPOINT = "unix:///run/containerd/containerd.sock"
TIMEOUT_S = 10
# StatusRequest.verbose: with the settings in force.
VERBOSE = b"\x08\x01"
CONDITIONS = ("RuntimeReady", "NetworkReady")


def main() -> dict[str, object]:
    # containerd refuses the authority that grpc makes of a socket's path.
    options = [("grpc.default_authority", "localhost")]
    with grpc.insecure_channel(ENDPOINT, options=options) as channel:
        status: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary("/runtime.v1.RuntimeService/Status")
        try:
            answer = status(VERBOSE, timeout=TIMEOUT_S)
        except grpc.RpcError as error:
            return {"error": f"{error.code().name}: {error.details()}"}
    conditions = {name: name.encode() + b"\x10\x01" in answer for name in CONDITIONS}
    image = re.search(rb'"sandboxImage": ?"([^"]*)"', answer)
    return {"conditions": conditions, "sandbox_image": image[1].decode() if image else ""}


if __name__ == "__main__":
    json.dump(main(), sys.stdout)
