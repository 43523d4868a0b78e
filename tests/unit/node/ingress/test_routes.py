"""What Ingresses claim, and who has what two of them claim."""

from __future__ import annotations

import pytest
from podlab_testing.ingresses import NAMESPACE, ingress, ingress_class

from node.ingress.routes import Claims, ServicePort, by_specificity, claims, ours
from podlab.networking.v1.ingress_pb2 import Ingress


def told(found: Claims) -> list[tuple[str, str]]:
    return [(each.owner[1], each.reason) for each in found.problems]


def keys(found: Claims) -> dict[str, str]:
    return {each.key: each.backend.service for each in found.routes}


def test_of_two_that_claim_a_host_and_path_the_older_has_it_and_the_other_is_told() -> None:
    young = ingress("a", {"shop.example": [("/", "Prefix", "young"), ("/own", "Prefix", "young")]}, made_s=2)
    old = ingress("b", {"shop.example": [("/", "Prefix", "old")]}, made_s=1)
    found = claims([young, old])
    assert keys(found) == {"shop.example/": "old", "shop.example/own/": "young"}
    assert [(each.owner, each.reason, each.message) for each in found.problems] == [
        (
            (NAMESPACE, "a"),
            "PathTaken",
            "spec.rules[0].http.paths[0]: host shop.example, path / (Prefix): the older Ingress shop/b has it",
        )
    ]


def test_as_old_as_each_other_the_name_decides() -> None:
    both = [ingress(name, {"": [("/", "Prefix", name)]}) for name in ("b", "a")]
    assert keys(claims(both)) == {"*/": "a"}


def test_exact_and_prefix_are_two_claims_and_a_final_slash_is_none() -> None:
    paths = [("/a", "Exact", "x"), ("/a", "Prefix", "x"), ("/a/", "Prefix", "y"), ("/a", "ImplementationSpecific", "z")]
    found = claims([ingress("i", {"h.example": paths})])
    assert [(each.exact, each.key) for each in found.routes] == [(True, "h.example/a"), (False, "h.example/a/")]
    assert told(found) == [("i", "PathTaken"), ("i", "PathTaken")]


@pytest.mark.parametrize("path", ["/a b", "/a\nevil be", "/ü", "/a\tb"])
def test_a_path_that_no_request_has_is_left_out_and_told(path: str) -> None:
    found = claims([ingress("i", {"h.example": [(path, "Prefix", "x"), ("/b", "Prefix", "x")]})])
    assert keys(found) == {"h.example/b/": "x"}
    assert told(found) == [("i", "BadPath")]


def test_a_resource_backend_is_left_out_by_name() -> None:
    made = ingress("i", {"h.example": [("/", "Prefix", "x")]})
    backend = made.spec.rules[0].ingressRuleValue.http.paths[0].backend
    backend.ClearField("service")
    backend.resource.kind, backend.resource.name = "Bucket", "icons"
    found = claims([made])
    assert not found.routes
    assert "Bucket icons: only Services are served" in found.problems[0].message


def test_the_default_of_all_hosts_is_that_of_the_oldest_without_rules() -> None:
    ruled = ingress("ruled", {"h.example": [("/", "Prefix", "x")]}, default="mine", made_s=1)
    first, second = ingress("first", default="first", made_s=2), ingress("second", default="second", made_s=3)
    found = claims([second, first, ruled])
    assert {each.host: each.backend.service for each in found.defaults} == {"*": "first", "h.example": "mine"}
    assert told(found) == [("second", "DefaultTaken")]


def test_certificates_are_claimed_by_host() -> None:
    old = ingress("old", tls={"one": ["a.example"]}, default="x", made_s=1)
    new = ingress("new", tls={"two": ["a.example", "b.example"], "three": []}, default="x", made_s=2)
    new.spec.tls.add(hosts=["c.example"])
    found = claims([new, old])
    claimed = [(each.secret, each.hosts, each.field) for each in found.certificates]
    assert claimed == [
        ("one", ("a.example",), "spec.tls[0]"), ("two", ("b.example",), "spec.tls[0]"), ("three", (), "spec.tls[1]"),
    ]  # fmt: skip
    assert ("new", "HostTaken") in told(found)


def test_whose_class_is_ours_is_known_by_its_controller() -> None:
    classes = [ingress_class(), ingress_class("other", "example.com/other"), ingress_class("second")]
    annotated = Ingress()
    annotated.metadata.annotations["kubernetes.io/ingress.class"] = "podlab"
    served = {"podlab": True, "second": True, "other": False, "missing": False}
    assert {name: ours(ingress("i", default="x", class_name=name), classes) for name in served} == served
    assert ours(annotated, classes)
    assert not ours(Ingress(), classes)


def test_routes_are_listed_as_they_are_tried() -> None:
    made = ingress(
        "i",
        {
            "": [("/long/path", "Exact", "x")],
            "*.example": [("/", "Prefix", "x")],
            "a.example": [("/", "Prefix", "x"), ("/b", "Prefix", "x"), ("/b/", "Exact", "x")],
        },
    )
    listed = [(each.host, each.path) for each in by_specificity(claims([made]).routes)]
    assert listed == [
        ("a.example", "/b/"), ("a.example", "/b"), ("a.example", "/"), ("*.example", "/"), ("*", "/long/path"),
    ]  # fmt: skip


def test_a_backend_s_name_is_one_for_haproxy() -> None:
    assert ServicePort("shop", "web", "http").name == "shop:web:http"
