from __future__ import annotations

from typing import Any

import pytest

from master.apiserver.admission.rules.matching import AdmissionTarget, ServedAs
from master.apiserver.admission.rules.webhooks.hook import WebhookClient, in_order
from podlab.admissionregistration.v1.webhookconfiguration_pb2 import MutatingWebhookConfiguration
from podlab.api.kinds import of
from podlab.api.objects import typed
from podlab.api.serializer import codec
from podlab.kinds.defaults.admission import complete_webhooks

PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}


def configuration(name: str, *webhooks: dict[str, Any]) -> MutatingWebhookConfiguration:
    usual = {"admissionReviewVersions": ["v1"], "sideEffects": "None", "clientConfig": {"url": "https://a"}}
    data = {"metadata": {"name": name}, "webhooks": [usual | webhook for webhook in webhooks]}
    made = typed(codec.from_dict(data, of(MutatingWebhookConfiguration)), MutatingWebhookConfiguration)
    complete_webhooks(made)
    return made


def creating_a_pod(**labels: str) -> AdmissionTarget:
    return AdmissionTarget([ServedAs("", "v1", "pods")], "", "CREATE", "default", "p", [labels], lambda: {"team": "a"})


def test_configurations_are_asked_by_name_and_each_in_its_own_order() -> None:
    late = configuration("b", {"name": "z.b.c"}, {"name": "a.b.c"})
    early = configuration("a", {"name": "m.b.c"})
    assert [hook.key for hook in in_order([late, early])] == ["a/m.b.c/0", "b/z.b.c/0", "b/a.b.c/0"]


def test_names_that_are_told_twice_are_two_webhooks() -> None:
    twice = configuration("a", {"name": "m.b.c"}, {"name": "m.b.c"})
    assert len({hook.key for hook in in_order([twice])}) == 2


@pytest.mark.parametrize(
    ("webhook", "is_asked"),
    [
        ({"rules": [PODS]}, True),
        ({}, False),  # without rules it is about nothing
        ({"rules": [{**PODS, "operations": ["DELETE"]}]}, False),
        ({"rules": [PODS], "objectSelector": {"matchLabels": {"app": "web"}}}, True),
        ({"rules": [PODS], "objectSelector": {"matchLabels": {"app": "db"}}}, False),
        ({"rules": [PODS], "namespaceSelector": {"matchLabels": {"team": "b"}}}, False),
    ],
)
def test_a_webhook_is_asked_about_what_its_rules_and_selectors_take(webhook: dict[str, Any], is_asked: bool) -> None:
    [hook] = in_order([configuration("a", {"name": "a.b.c", **webhook})])
    assert (hook.match(creating_a_pod(app="web")) is not None) == is_asked


def test_defaults_say_how_long_and_how_strictly_it_is_asked() -> None:
    service = {"namespace": "n", "name": "s", "path": "/x"}
    bundle = "Q0E="
    client = {"service": service, "caBundle": bundle}
    [hook] = in_order([configuration("a", {"name": "a.b.c", "clientConfig": client})])
    assert (hook.timeout_s, hook.ignores_failures, hook.may_run_dry, hook.reinvoked) == (10, False, True, False)
    assert hook.client == WebhookClient("", "n", "s", 443, "/x", b"CA")
