"""The kind DeviceClass."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.resource.v1.deviceclass_pb2 import DeviceClass


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import devices

    return Strategy(
        counts_generations=True,
        rules=Rules(devices.check_class),
    )


RESOURCE = Resource(
    of(DeviceClass),
    load_strategy=_strategy,
)
