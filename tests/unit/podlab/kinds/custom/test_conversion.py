"""Custom objects in another version, before any webhook is asked."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import conversion_webhook

from podlab.api.conversion.versions import ConversionNeeded, custom_in
from podlab.api.kinds import Kind
from podlab.api.serializer import codec, custom
from podlab.apiextensions.v1.custom_pb2 import Custom
from podlab.apiextensions.v1.customresourcedefinition_pb2 import CustomResourceDefinition
from podlab.kinds import builtin
from podlab.kinds.custom.conversion import NoneConversion, WebhookConversion
from podlab.kinds.custom.definition import resource_of
from podlab.meta.v1.meta_pb2 import ObjectMeta


def kinds_of(strategy: str) -> tuple[Kind, Kind]:
    """The stored version, and the other one."""
    told: dict[str, Any] = conversion_webhook.definition({"url": "https://example.com"})
    if strategy == "None":
        told["spec"]["conversion"] = {"strategy": "None"}
    message = codec.from_dict(told, codec.kind_of(told, builtin.catalog()))
    assert isinstance(message, CustomResourceDefinition)
    message.status.acceptedNames.CopyFrom(message.spec.names)
    made = resource_of(message)
    return made.kind, made.other_versions[0].kind


def server(**spec: Any) -> Custom:
    made = Custom(metadata=ObjectMeta(name="a"), api_version="stable.example.com/v1", kind="Server")
    custom.set_content(made, {"spec": {"hostPort": "a:1", **spec}})
    return made


def test_without_a_webhook_nothing_changes_but_what_the_version_does_not_know() -> None:
    stored, other = kinds_of("None")
    assert isinstance(stored.conversion, NoneConversion)
    before = server(replicas=1)
    found = custom_in(before, other)
    assert found.api_version == "stable.example.com/v2"
    assert custom.content(found) == {"spec": {"replicas": 1}}
    assert before == server(replicas=1)
    assert custom_in(before, stored) is before


def test_an_answer_is_found_by_whoever_asks_again_and_is_their_own() -> None:
    stored, other = kinds_of("Webhook")
    assert isinstance(stored.conversion, WebhookConversion)
    assert stored.conversion is other.conversion
    with pytest.raises(ConversionNeeded, match=r"Server 'a': stable\.example\.com/v1 to .*/v2") as needed:
        custom_in(server(), other)
    answer = Custom(api_version="stable.example.com/v2", kind="Server", content=b"{}")
    stored.conversion.remember(needed.value.message, needed.value.kind, answer)
    found = custom_in(server(), other)
    assert found == answer
    found.metadata.name = "changed"
    assert custom_in(server(), other) == answer
    with pytest.raises(ConversionNeeded):
        custom_in(server(replicas=2), other)


def test_what_is_remembered_is_bounded_and_the_latest_stays() -> None:
    _, other = kinds_of("Webhook")
    assert isinstance(other.conversion, WebhookConversion)
    bounded = WebhookConversion({}, "servers", other.conversion.client, remembered_bytes=1000)
    for index in range(50):
        bounded.remember(server(replicas=index), other, server(replicas=index))
    assert bounded.converted(server(replicas=49), other) == server(replicas=49)
    with pytest.raises(ConversionNeeded):
        bounded.converted(server(replicas=0), other)
    kept = [index for index in range(50) if _is_known(bounded, server(replicas=index), other)]
    assert kept == list(range(kept[0], 50))
    assert 1 < len(kept) < 12


def _is_known(conversion: WebhookConversion, message: Custom, kind: Kind) -> bool:
    try:
        conversion.converted(message, kind)
    except ConversionNeeded:
        return False
    return True
