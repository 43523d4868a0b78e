"""A loop does not decide from what was before its own write."""

from __future__ import annotations

from typing import Any

from master.controllers.framework.lastwrites import LastWrites
from podlab.api.objects import key
from podlab.batch.v1 import job_pb2
from podlab.client.informer import Change
from podlab.meta.v1 import meta_pb2


class FakeInformer:
    """Keeps what it is given to call."""

    def __init__(self) -> None:
        self.handlers: list[Any] = []

    def on_change(self, handler: Any) -> None:
        self.handlers.append(handler)


def job(revision: int, uid: str = "uid-1") -> job_pb2.Job:
    return job_pb2.Job(metadata=meta_pb2.ObjectMeta(name="sum", uid=uid, resourceVersion=str(revision)))


def test_an_object_is_shown_once_it_is_as_new_as_what_was_written() -> None:
    written: LastWrites[job_pb2.Job] = LastWrites(FakeInformer())  # type: ignore[arg-type]
    assert written.is_current(job(5))
    written.note(job(10))
    assert not written.is_current(job(9))
    assert written.is_current(job(10))
    assert written.is_current(job(11))
    assert written.is_current(job(3, uid="another of that name"))


def test_what_is_gone_is_forgotten() -> None:
    informer = FakeInformer()
    written: LastWrites[job_pb2.Job] = LastWrites(informer)  # type: ignore[arg-type]
    written.note(job(10))
    for handler in informer.handlers:
        handler(Change(key(job(10)), job(10), None))
    assert written.is_current(job(1))
