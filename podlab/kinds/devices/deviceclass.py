"""The kind DeviceClass."""

from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.resource.v1.deviceclass_pb2 import DeviceClass


def _strategy() -> Strategy:
    from podlab.kinds.validation.devices import classes
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        rules=Rules(create=classes.check_new_class, update=classes.check_class_update),
    )


RESOURCE = Resource(
    of(DeviceClass),
    load_strategy=_strategy,
)
