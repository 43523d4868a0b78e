"""A driver of one device on a node: what a kubelet asks of it, and no more. Run it on each node that has the device:

    python driver.py gpu.example.com

The device is the environment variable GPU and the file /dev/gpu-0, which is the node's /dev/null. A driver of several
devices reads in the ResourceClaim's `status.allocation` which of them it has to prepare, and publishes its
ResourceSlices itself (devices.yaml does it here).
"""

from __future__ import annotations

import json
import sys
from concurrent import futures
from pathlib import Path

import grpc

from podlab.foreign.dra.v1 import api_pb2 as dra
from podlab.foreign.dra.v1 import api_pb2_grpc as dra_grpc
from podlab.foreign.pluginregistration.v1 import api_pb2 as registration
from podlab.foreign.pluginregistration.v1 import api_pb2_grpc as registration_grpc

KUBELET = Path("/var/lib/podlab/kubelet")
CDI = Path("/var/run/cdi")
DEVICE = "gpu-0"


class Driver(dra_grpc.DRAPluginServicer, registration_grpc.RegistrationServicer):
    """Both calls may come again for the same claim: after a restart, or a failure."""

    def __init__(self, name: str) -> None:
        self._name = name

    def write_specification(self) -> None:
        """Says what a container gets that has the device."""
        node = {"path": f"/dev/{DEVICE}", "hostPath": "/dev/null", "permissions": "rw"}
        device = {"name": DEVICE, "containerEdits": {"env": [f"GPU={DEVICE}"], "deviceNodes": [node]}}
        CDI.mkdir(parents=True, exist_ok=True)
        specification = {"cdiVersion": "0.6.0", "kind": f"{self._name}/gpu", "devices": [device]}
        (CDI / f"{self._name}.json").write_text(json.dumps(specification))

    def GetInfo(self, request, context):  # noqa: N802
        return registration.PluginInfo(type="DRAPlugin", name=self._name, supported_versions=["v1.DRAPlugin"])

    def NotifyRegistrationStatus(self, request, context):  # noqa: N802
        print(f"registered: {request.plugin_registered} {request.error}", flush=True)
        return registration.RegistrationStatusResponse()

    def NodePrepareResources(self, request, context):  # noqa: N802
        answer = dra.NodePrepareResourcesResponse()
        for claim in request.claims:
            print(f"prepare {claim.namespace}/{claim.name}", flush=True)
            answer.claims[claim.uid].devices.add(
                pool_name="node", device_name=DEVICE, cdi_device_ids=[f"{self._name}/gpu={DEVICE}"]
            )
        return answer

    def NodeUnprepareResources(self, request, context):  # noqa: N802
        answer = dra.NodeUnprepareResourcesResponse()
        for claim in request.claims:
            print(f"unprepare {claim.namespace}/{claim.name}", flush=True)
            answer.claims[claim.uid].error = ""
        return answer


def main(name: str) -> None:
    driver, server = Driver(name), grpc.server(futures.ThreadPoolExecutor(4))
    driver.write_specification()
    dra_grpc.add_DRAPluginServicer_to_server(driver, server)
    registration_grpc.add_RegistrationServicer_to_server(driver, server)
    socket = KUBELET / "plugins_registry" / f"{name}.sock"
    socket.unlink(missing_ok=True)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main(sys.argv[1])
