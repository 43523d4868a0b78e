"""Jobs: the selector that is made for each, and the labels by which it finds its pods."""

from podlab.api.selection.labels import CONTROLLER_UID, JOB_NAME, LEGACY_CONTROLLER_UID, LEGACY_JOB_NAME
from podlab.batch.v1 import job_pb2


def begin(job: job_pb2.Job) -> None:
    """Make selector and labels of a new Job, unless its author answers for them.

    Labels that its author gave stay: validation then tells which of them are in the way.
    """
    if job.spec.manualSelector:
        return
    labels, metadata = job.spec.template.metadata.labels, job.metadata
    for key, value in (
        (LEGACY_JOB_NAME, metadata.name),
        (JOB_NAME, metadata.name),
        (LEGACY_CONTROLLER_UID, metadata.uid),
        (CONTROLLER_UID, metadata.uid),
    ):
        if key not in labels:
            labels[key] = value
    if not metadata.labels:
        metadata.labels.update(labels)
    if CONTROLLER_UID not in job.spec.selector.matchLabels:
        job.spec.selector.matchLabels[CONTROLLER_UID] = metadata.uid
