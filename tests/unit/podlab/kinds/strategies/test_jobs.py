from podlab_testing import builtin_kinds, sample_objects

from podlab.batch.v1.job_pb2 import Job
from podlab.kinds.strategies import jobs

MADE = {
    "controller-uid": "u-1",
    "job-name": "sample",
    "batch.kubernetes.io/controller-uid": "u-1",
    "batch.kubernetes.io/job-name": "sample",
}


def begun(**spec: object) -> Job:
    item: Job = sample_objects.sample(builtin_kinds.named("Job"), {"metadata": {"uid": "u-1"}, "spec": spec})
    jobs.begin(item)
    return item


def test_a_job_finds_its_pods_by_its_uid() -> None:
    item = begun()
    assert dict(item.spec.selector.matchLabels) == {"batch.kubernetes.io/controller-uid": "u-1"}
    assert dict(item.spec.template.metadata.labels) == MADE
    assert dict(item.metadata.labels) == MADE


def test_labels_that_are_there_stay() -> None:
    item = begun(template={"metadata": {"labels": {"app": "work", "job-name": "mine"}}})
    assert dict(item.spec.template.metadata.labels) == MADE | {"app": "work", "job-name": "mine"}


def test_whoever_selects_by_hand_is_left_alone() -> None:
    item = begun(manualSelector=True, selector={"matchLabels": {"a": "b"}})
    assert dict(item.spec.selector.matchLabels) == {"a": "b"}
    assert not item.spec.template.metadata.labels
