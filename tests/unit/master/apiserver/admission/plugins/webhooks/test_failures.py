from __future__ import annotations

import logging

import pytest

from master.apiserver.admission.plugins.webhooks.failures import EVERY_S, FailureLog
from master.apiserver.admission.rules.webhooks.hook import Hook, in_order
from podlab.admissionregistration.v1.webhookconfiguration_pb2 import MutatingWebhookConfiguration


def hooks(*names: str) -> list[Hook]:
    made = MutatingWebhookConfiguration()
    made.metadata.name = "all"
    for name in names:
        made.webhooks.add(name=name)
    return in_order([made])


def test_each_webhook_is_told_of_at_once_and_then_with_how_often_it_failed(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0
    failures = FailureLog(lambda: now)
    one, other = hooks("a.b.c", "d.e.f")
    for hook in (one, one, one, other):
        failures.failed(hook, hook.name)
    now += EVERY_S
    failures.failed(one, one.name)
    failures.failed(one, one.name)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert told == ["a.b.c", "d.e.f", "a.b.c (and 2 times since it was told last)"]


def test_webhooks_that_are_no_more_are_forgotten() -> None:
    now = 0.0
    failures = FailureLog(lambda: now)
    for number in range(1000):
        now += EVERY_S
        failures.failed(hooks(f"a{number}.b.c")[0], "away")
    assert len(failures._told) < 5
