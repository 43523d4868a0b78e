from __future__ import annotations

import pytest

from node.kubelet.server.https import access
from node.kubelet.server.https.access import Access, User


@pytest.mark.parametrize(
    ("method", "path", "verb", "subresources"),
    [
        ("GET", "/metrics", "get", ("metrics",)),
        ("HEAD", "/metrics/cadvisor", "get", ("metrics",)),
        ("GET", "/stats/summary", "get", ("stats",)),
        ("GET", "/logs/syslog", "get", ("log",)),
        ("GET", "/pods", "get", ("pods", "proxy")),
        ("GET", "/runningpods/", "get", ("pods", "proxy")),
        ("GET", "/healthz", "get", ("healthz", "proxy")),
        ("GET", "/configz", "get", ("configz", "proxy")),
        ("GET", "/metricsque", "get", ("proxy",)),
        ("GET", "//metrics", "get", ("proxy",)),
        ("POST", "/run/default/a/web", "create", ("proxy",)),
        ("BREW", "/metrics", "", ("metrics",)),
    ],
)
def test_a_path_takes_a_subresource_of_the_node(
    method: str, path: str, verb: str, subresources: tuple[str, ...]
) -> None:
    assert access.wanted(method, path) == Access(verb, subresources)


def test_a_certificate_names_its_user_and_groups() -> None:
    subject = ((("organizationName", "ops"), ("organizationName", "dev")), (("commonName", "jane"),))
    assert access.of_certificate(subject) == User("jane", ("ops", "dev"))


@pytest.mark.parametrize("names", [(), ("",), ("jane", "joe")])
def test_a_certificate_of_not_just_one_user_is_nobodys(names: tuple[str, ...]) -> None:
    assert access.of_certificate(tuple((("commonName", name),) for name in names)) is None


def test_who_may_not_is_told_what_he_lacks() -> None:
    told = access.forbidden(User("jane"), access.wanted("GET", "/pods"))
    assert told == "Forbidden (user=jane, verb=get, resource=nodes, subresource(s)=[pods proxy])\n"
