"""What other servers say of their kinds, in both forms; and what is not of these forms."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podlab_testing import extension_server

from master.apiserver.aggregation import discovered
from master.apiserver.aggregation.discovered import Malformed
from master.apiserver.aggregation.priorities import GroupVersion

AT = GroupVersion(extension_server.GROUP, extension_server.VERSION)
RESOURCES = extension_server.AGGREGATED["items"][0]["versions"][0]["resources"]


def test_resources_of_aggregated_discovery_are_told_as_they_are() -> None:
    assert discovered.of_aggregated(extension_server.AGGREGATED, AT) == RESOURCES


def test_another_group_version_is_not_there() -> None:
    assert discovered.of_aggregated(extension_server.AGGREGATED, GroupVersion(AT.group, "v9")) is None
    assert discovered.of_aggregated({"items": None}, AT) is None


def test_the_older_form_becomes_the_newer_one() -> None:
    assert discovered.of_legacy(extension_server.DISCOVERY[AT.path], AT) == RESOURCES


def test_a_subresource_may_be_of_another_group_and_come_first() -> None:
    below = {"name": "x/scale", "namespaced": True, "kind": "Scale", "group": "autoscaling", "version": "v1"}
    listed = {
        "resources": [{**below, "verbs": ["get"]}, {"name": "x", "namespaced": True, "kind": "X", "verbs": ["list"]}]
    }
    (found,) = discovered.of_legacy(listed, AT)
    assert found["verbs"] == ["list"]
    assert found["subresources"] == [
        {
            "subresource": "scale",
            "responseKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
            "verbs": ["get"],
        }
    ]


def aggregated(**changes: Any) -> dict[str, Any]:
    version = {"version": AT.version, "resources": [{**RESOURCES[0], **changes}]}
    return {"items": [{"metadata": {"name": AT.group}, "versions": [version]}]}


BAD: list[Any] = [
    [],
    {"items": {}},
    {"items": [{}]},
    {"items": [7]},
    aggregated(resource=""),
    aggregated(resource=None),
    aggregated(scope="Galaxy"),
    aggregated(verbs="list"),
    aggregated(verbs=[1]),
    aggregated(shortNames={}),
    aggregated(responseKind=[]),
    aggregated(singularResource=7),
    aggregated(subresources=[{"verbs": []}]),
]


@pytest.mark.parametrize("document", BAD)
def test_what_clients_could_not_read_is_refused(document: Any) -> None:
    with pytest.raises(Malformed):
        discovered.of_aggregated(document, AT)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["items", "resources", "versions", "metadata", "name", "verbs"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_nothing_else_than_malformed_comes_of_any_document(document: Any) -> None:
    for read in (discovered.of_aggregated, discovered.of_legacy):
        with contextlib.suppress(Malformed):
            assert isinstance(read(document, AT), list | None)
