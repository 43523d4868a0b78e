from __future__ import annotations

import pytest

from master.apiserver.authorization import Attributes
from master.apiserver.request.query import Query
from master.apiserver.rest import request_info
from podlab.errors import NotFound
from podlab.kinds import builtin

NODES = "/api/v1/nodes"
PODS = "/api/v1/namespaces/a/pods"
GADGETS = "/apis/shop.example/v1/namespaces/a/gadgets"

SERVED = {
    "list": ("GET", NODES, {}, Attributes("list", "", "nodes")),
    "get": ("GET", f"{NODES}/n", {"watch": "1"}, Attributes("get", "", "nodes", "", "n")),
    "watch": ("GET", PODS, {"watch": "true"}, Attributes("watch", "", "pods", "a")),
    "old watch": ("GET", "/api/v1/watch/namespaces/a/pods", {}, Attributes("watch", "", "pods", "a")),
    "old watch of one": ("GET", "/api/v1/watch/namespaces/a/pods/b", {}, Attributes("watch", "", "pods", "a", "b")),
    "of one": (
        "GET", PODS, {"fieldSelector": "metadata.name=b"},
        Attributes("list", "", "pods", "a", "b", fields={"metadata.name": "b"}),
    ),
    "of nothing": ("GET", PODS, {"fieldSelector": "a=b"}, Attributes("list", "", "pods", "a")),
    "create": ("POST", PODS, {}, Attributes("create", "", "pods", "a")),
    "create beside what is selected": (
        "POST", PODS, {"fieldSelector": "metadata.name=b,spec.nodeName=n"}, Attributes("create", "", "pods", "a"),
    ),
    "exec": ("GET", f"{PODS}/b/exec", {}, Attributes("create", "", "pods", "a", "b", "exec")),
    "logs": ("GET", f"{PODS}/b/log", {}, Attributes("get", "", "pods", "a", "b", "log")),
    "update": ("PUT", f"{PODS}/b/status", {}, Attributes("update", "", "pods", "a", "b", "status")),
    "delete": ("DELETE", f"{PODS}/b", {}, Attributes("delete", "", "pods", "a", "b")),
    "deletecollection": ("DELETE", PODS, {}, Attributes("deletecollection", "", "pods", "a")),
    "no verb": ("OPTIONS", PODS, {}, Attributes("options", "", "pods", "a")),
}  # fmt: skip
ABSENT = {
    "kind": ("GET", GADGETS, Attributes("list", "shop.example", "gadgets", "a")),
    "one": ("PATCH", f"{GADGETS}/g/status", Attributes("patch", "shop.example", "gadgets", "a", "g", "status")),
    "version": ("GET", "/api/v7/pods", Attributes("list", "", "pods")),
    "more than a subresource": ("GET", f"{PODS}/b/log/x", Attributes("get", "", "pods", "a", "b", "log")),
    "namespace left out": ("GET", "/api/v1/namespaces//pods", Attributes("list", "", "pods")),
    "no resource": ("GET", "/api/v1//x", Attributes("get", path="/api/v1//x")),
}  # fmt: skip


@pytest.mark.parametrize("name", SERVED)
def test_method_and_url_say_what_is_wanted(name: str) -> None:
    method, path, query, wanted = SERVED[name]
    aim = request_info.at_objects(method, path, Query(query), builtin.catalog())
    assert aim.wanted == wanted
    assert not isinstance(aim.place, NotFound)
    assert aim.long_running is (name in ("watch", "old watch", "old watch of one", "exec", "logs"))


@pytest.mark.parametrize(
    ("method", "upgrades", "verb"),
    [
        ("GET", False, "get"),
        ("HEAD", False, "get"),
        ("POST", False, "create"),
        ("PUT", False, "update"),
        ("PATCH", False, "patch"),
        ("DELETE", False, "delete"),
        ("OPTIONS", False, "options"),
        ("GET", True, "create"),
    ],
)
def test_a_proxied_request_wants_its_methods_verb_and_a_stream_to_create(
    method: str, upgrades: bool, verb: str
) -> None:
    path = "/api/v1/namespaces/a/services/http:b:80/proxy/x"
    aim = request_info.at_objects(method, path, Query({"watch": "1"}), builtin.catalog(), upgrades=upgrades)
    assert aim.wanted == Attributes(verb, "", "services", "a", "http:b:80", "proxy")
    assert aim.long_running


@pytest.mark.parametrize("name", ABSENT)
def test_what_is_not_there_is_wanted_as_if_it_were(name: str) -> None:
    method, path, wanted = ABSENT[name]
    aim = request_info.at_objects(method, path, Query({}), builtin.catalog())
    assert aim.wanted == wanted
    assert isinstance(aim.place, NotFound)
    assert not aim.long_running
