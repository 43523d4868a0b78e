"""A device plugin: what a kubelet asks of it, and no more. Run it on each node that has the devices:

    python device_plugin.py example.com/gpu 2

Containers that ask for the resource find the environment variable DEVICES and the files /dev/gpu-0 ..., each of which
is the node's /dev/null. A device whose name is a line of the file UNHEALTHY is unhealthy.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent import futures
from pathlib import Path

import grpc

from podlab.foreign.deviceplugin.v1beta1 import api_pb2 as api
from podlab.foreign.deviceplugin.v1beta1 import api_pb2_grpc as api_grpc

DIRECTORY = Path("/var/lib/kubelet/device-plugins")
UNHEALTHY = Path("/run/unhealthy-devices")
LOOKED_AT_EVERY_S = 0.5


class Plugin(api_grpc.DevicePluginServicer):
    """Of one resource."""

    def __init__(self, count: int) -> None:
        self._devices = [f"gpu-{number}" for number in range(count)]

    def GetDevicePluginOptions(self, request, context):  # noqa: N802
        return api.DevicePluginOptions(pre_start_required=True, get_preferred_allocation_available=True)

    def ListAndWatch(self, request, context):  # noqa: N802
        told = None
        while context.is_active():
            bad = set(UNHEALTHY.read_text().split()) if UNHEALTHY.exists() else set()
            if bad != told:
                told = bad
                health = {name: "Unhealthy" if name in bad else "Healthy" for name in self._devices}
                yield api.ListAndWatchResponse(devices=[api.Device(ID=name, health=health[name]) for name in health])
            time.sleep(LOOKED_AT_EVERY_S)

    def GetPreferredAllocation(self, request, context):  # noqa: N802
        """The last ones first."""
        answer = api.PreferredAllocationResponse()
        for wanted in request.container_requests:
            order = [*wanted.must_include_deviceIDs, *sorted(wanted.available_deviceIDs, reverse=True)]
            answer.container_responses.add(deviceIDs=list(dict.fromkeys(order))[: wanted.allocation_size])
        return answer

    def Allocate(self, request, context):  # noqa: N802
        answer = api.AllocateResponse()
        for wanted in request.container_requests:
            given = answer.container_responses.add(envs={"DEVICES": ",".join(wanted.devices_ids)})
            for name in wanted.devices_ids:
                given.devices.add(container_path=f"/dev/{name}", host_path="/dev/null", permissions="rw")
        return answer

    def PreStartContainer(self, request, context):  # noqa: N802
        print(f"reset {' '.join(request.devices_ids)}", flush=True)
        return api.PreStartContainerResponse()


def register(resource: str, socket: Path, options: api.DevicePluginOptions) -> None:
    with grpc.insecure_channel(f"unix:{DIRECTORY}/kubelet.sock") as channel:
        api_grpc.RegistrationStub(channel).Register(
            api.RegisterRequest(version="v1beta1", endpoint=socket.name, resource_name=resource, options=options),
            timeout=10,
            wait_for_ready=True,
        )
    print(f"registered {resource}", flush=True)


def serve(resource: str, plugin: Plugin) -> None:
    """Until the kubelet has removed the socket: it was started anew, and knows nothing of the plugin."""
    socket = DIRECTORY / f"{resource.replace('/', '_')}.sock"
    socket.unlink(missing_ok=True)
    server = grpc.server(futures.ThreadPoolExecutor(8))
    api_grpc.add_DevicePluginServicer_to_server(plugin, server)
    server.add_insecure_port(f"unix:{socket}")
    server.start()
    inode = os.stat(socket).st_ino
    register(resource, socket, plugin.GetDevicePluginOptions(None, None))
    while socket.exists() and socket.stat().st_ino == inode:
        time.sleep(LOOKED_AT_EVERY_S)
    server.stop(0).wait()


if __name__ == "__main__":
    while True:
        serve(sys.argv[1], Plugin(int(sys.argv[2])))
