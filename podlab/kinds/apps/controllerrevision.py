"""The kind ControllerRevision."""

from datetime import datetime

from podlab.api.cells import NONE, Cells, Table, age
from podlab.api.kinds import of
from podlab.api.objects import controller_of
from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy


def _cells(item: ControllerRevision, now: datetime) -> Cells:
    owner = controller_of(item.metadata)
    named = NONE
    if owner is not None:
        group, slash, _ = owner.apiVersion.rpartition("/")
        named = f"{owner.kind.lower()}{f'.{group}' if slash else ''}/{owner.name}"
    return [item.metadata.name, named, str(item.revision), age(item, now)]


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.workloads import sets

    return Strategy(
        rules=Rules(sets.check_controller_revision, sets.check_controller_revision_update),
    )


RESOURCE = Resource(
    of(ControllerRevision),
    table=Table(_cells, ("NAME", "CONTROLLER", "REVISION", "AGE"), untold={"REVISION": int}),
    load_strategy=_strategy,
)
