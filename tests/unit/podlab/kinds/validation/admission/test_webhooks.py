from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import Message
from podlab_testing.cases import Case, cases

from podlab.admissionregistration.v1.webhookconfiguration_pb2 import (
    MutatingWebhookConfiguration,
    ValidatingWebhookConfiguration,
)
from podlab.api.kinds import of
from podlab.api.objects import typed
from podlab.api.serializer import codec
from podlab.kinds.defaults.admission import complete_webhooks
from podlab.kinds.validation.admission.webhooks import check_configuration, check_update
from podlab.kinds.validation.findings import Findings


def configuration(webhooks: list[dict[str, Any]]) -> MutatingWebhookConfiguration:
    data = {"metadata": {"name": "c"}, "webhooks": webhooks}
    message: Message = codec.from_dict_leniently(data, of(MutatingWebhookConfiguration))[0]
    made = typed(message, MutatingWebhookConfiguration)
    complete_webhooks(made)
    return made


@pytest.mark.parametrize("case", cases(__file__, "webhooks"))
def test_what_is_wrong_with_webhooks_is_told(case: Case) -> None:
    found, new = Findings(), configuration(case["webhooks"])
    if (before := case.get("before")) is None:
        check_configuration(found, new)
    else:
        check_update(found, new, configuration(before))
    assert [str(cause) for cause in found.causes] == case.get("causes", [])


def test_validating_webhooks_are_never_asked_again() -> None:
    hook = {"name": "a.b.c", "admissionReviewVersions": ["v1"], "sideEffects": "None", "clientConfig": {"url": "http:"}}
    data = {"metadata": {"name": "c"}, "webhooks": [hook]}
    made = typed(codec.from_dict(data, of(ValidatingWebhookConfiguration)), ValidatingWebhookConfiguration)
    complete_webhooks(made)
    found = Findings()
    check_configuration(found, made)
    assert [cause.field for cause in found.causes] == ["webhooks[0].clientConfig.url"] * 2
    assert (made.webhooks[0].failurePolicy, made.webhooks[0].timeoutSeconds) == ("Fail", 10)
