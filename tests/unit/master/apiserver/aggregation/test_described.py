"""OpenAPI documents of other servers: what is taken of them, and how they become part of ours."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from podlab_testing import extension_server

from master.apiserver.aggregation import described
from master.apiserver.aggregation.discovered import Malformed
from master.apiserver.aggregation.priorities import GroupVersion

AT = GroupVersion(extension_server.GROUP, extension_server.VERSION)
MODEL = f"com.example.wardle.{AT.version}.Flunder"
V2, V3 = extension_server.OPENAPI["/openapi/v2"], extension_server.OPENAPI[f"/openapi/v3{AT.path}"]


def v2(**changes: Any) -> dict[str, Any]:
    return described.v2(orjson.dumps({**V2, **changes}), AT)


def test_of_v2_the_paths_of_the_group_version_are_taken_with_what_they_need() -> None:
    part = v2()
    assert part["paths"].keys() == {f"{AT.path}/flunders"}
    assert part["definitions"].keys() == {MODEL}


def test_definitions_that_definitions_need_come_along_in_circles_too() -> None:
    looped = {MODEL: {"properties": {"next": {"$ref": "#/definitions/b"}}}, "b": {"$ref": f"#/definitions/{MODEL}"}}
    assert v2(definitions=looped)["definitions"].keys() == {MODEL, "b"}


def test_shared_parameters_stand_where_they_are_meant() -> None:
    shared = {"pretty": {"name": "pretty", "in": "query", "type": "string"}}
    paths = {
        AT.path: {
            "parameters": [{"$ref": "#/parameters/pretty"}],
            "get": {"parameters": [{"$ref": "#/parameters/pretty"}]},
        }
    }
    item = v2(paths=paths, parameters=shared)["paths"][AT.path]
    assert item["parameters"] == item["get"]["parameters"] == [shared["pretty"]]
    with pytest.raises(Malformed):
        v2(paths=paths)


def test_what_is_there_goes_first_and_definitions_that_differ_get_another_name() -> None:
    ours = {"paths": {f"{AT.path}/flunders": {"ours": True}}, "definitions": {MODEL: {"type": "string"}, "same": {}}}
    theirs = {
        "paths": {f"{AT.path}/flunders": {}, "/more": {"$ref": f"#/definitions/{MODEL}"}},
        "definitions": {MODEL: {"type": "object"}, "same": {}},
    }
    made = described.merged(ours, theirs)
    assert made["paths"] == {f"{AT.path}/flunders": {"ours": True}, "/more": {"$ref": f"#/definitions/{MODEL}_v2"}}
    assert made["definitions"] == {MODEL: {"type": "string"}, "same": {}, f"{MODEL}_v2": {"type": "object"}}
    assert ours["definitions"] == {MODEL: {"type": "string"}, "same": {}}


def test_v3_is_taken_as_it_is() -> None:
    content = orjson.dumps(V3)
    assert described.v3(content) is content


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"openapi": "3.0.0", "paths": []}', b'{"openapi": "3.0.0", "components": {"schemas": 1}}'],
)
def test_what_is_no_document_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        described.v3(content)
    with pytest.raises(Malformed):
        described.v2(content, AT)


def test_the_index_says_where_the_document_is() -> None:
    index = extension_server.OPENAPI["/openapi/v3"]
    assert described.url_in_index(index, AT) == f"/openapi/v3{AT.path}?hash=1"
    assert described.url_in_index(index, GroupVersion("other", "v1")) == ""


@pytest.mark.parametrize(
    "url", ["https://elsewhere/openapi/v3/x", "/etc/passwd", "/openapi/v3/a b", "/openapi/v3/\r\nx", 7]
)
def test_a_document_is_asked_for_where_documents_are(url: Any) -> None:
    with pytest.raises(Malformed):
        described.url_in_index({"paths": {AT.path.lstrip("/"): {"serverRelativeURL": url}}}, AT)


def test_what_is_too_deep_is_refused() -> None:
    deep: Any = {}
    for _ in range(300):
        deep = {"properties": {"x": deep}}
    with pytest.raises(Malformed):
        list(described.references(deep))
