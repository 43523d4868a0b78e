"""The kind VolumeAttachment."""

from datetime import datetime

from podlab.api.cells import Cells, Table, age
from podlab.api.kinds import of
from podlab.kinds.resource import Resource
from podlab.kinds.strategy import Strategy
from podlab.kinds.subresource import STATUS
from podlab.storage.v1.volumeattachment_pb2 import VolumeAttachment


def _cells(item: VolumeAttachment, now: datetime) -> Cells:
    spec, attached = item.spec, str(item.status.attached).lower()
    return [
        item.metadata.name,
        spec.attacher,
        spec.source.persistentVolumeName,
        spec.nodeName,
        attached,
        age(item, now),
    ]


def _strategy() -> Strategy:
    from podlab.kinds.validation.rules import Rules
    from podlab.kinds.validation.storage import attachments

    return Strategy(
        rules=Rules(
            attachments.check_attachment,
            attachments.check_attachment_update,
            attachments.check_attachment_status,
        ),
    )


RESOURCE = Resource(
    of(VolumeAttachment),
    subresources=(STATUS,),
    table=Table(_cells, ("NAME", "ATTACHER", "PV", "NODE", "ATTACHED", "AGE"), untold={"ATTACHED": "true".__eq__}),
    load_strategy=_strategy,
)
