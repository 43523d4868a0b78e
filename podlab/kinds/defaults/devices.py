"""What claims of devices get that say no more: one device."""

from podlab.resource.v1 import device_pb2, resourceclaim_pb2

_EXACT_COUNT = "ExactCount"


def set_claim_defaults(spec: resourceclaim_pb2.ResourceClaimSpec) -> None:
    """Of each request, one device; a toleration is of one value."""
    for request in spec.devices.requests:
        if request.HasField("exactly"):
            _set_defaults(request.exactly)
        for part in request.firstAvailable:
            _set_defaults(part)


def _set_defaults(asked: resourceclaim_pb2.ExactDeviceRequest | resourceclaim_pb2.DeviceSubRequest) -> None:
    asked.allocationMode = asked.allocationMode or _EXACT_COUNT
    if asked.allocationMode == _EXACT_COUNT:
        asked.count = asked.count or 1
    tolerations: list[device_pb2.DeviceToleration] = list(asked.tolerations)
    for toleration in tolerations:
        toleration.operator = toleration.operator or "Equal"
