"""The kind ResourceSlice."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.resource.v1.resourceslice_pb2 import ResourceSlice


def _cells(item: ResourceSlice, now: datetime) -> Cells:
    spec = item.spec
    return [item.metadata.name, spec.nodeName, spec.driver, spec.pool.name, age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.devices import slices
    from podlab.kinds.validation.rules import Rules

    return Strategy(
        counts_generations=True,
        rules=Rules(create=slices.check_new_slice, update=slices.check_slice_update),
    )


RESOURCE = Resource(
    of(ResourceSlice),
    table=Table(_cells, ("NAME", "NODE", "DRIVER", "POOL", "AGE")),
    selectable_fields=("spec.driver", "spec.nodeName"),
    load_strategy=_strategy,
)
