from __future__ import annotations

from dataclasses import replace

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.ingresses import ingress, ingress_class

from master.apiserver.authentication.user import User
from master.apiserver.authorization import Attributes
from master.apiserver.authorization.ingress import AGENTS, concerns, decide
from master.apiserver.authorization.ingress_certificates import IngressCertificates
from master.apiserver.watchcache.kind_window import KindWindow

AGENT = User("system:podlab-ingress", frozenset({AGENTS, "system:authenticated"}))
KEY = Attributes("get", "", "secrets", "shop", "key")


class OnlyKey:
    """One Secret is named by Ingresses."""

    def claimed(self, namespace: str, secret: str) -> bool:
        return (namespace, secret) == ("shop", "key")


def test_it_is_asked_about_agents_and_secrets_alone() -> None:
    assert concerns(AGENT, KEY)
    assert not concerns(User("jane", frozenset()), KEY)
    assert not concerns(AGENT, replace(KEY, resource="pods"))
    assert not concerns(AGENT, replace(KEY, group="example.com"))


@pytest.mark.parametrize("verb", ["get", "list", "watch"])
def test_a_secret_that_an_ingress_names_may_be_read(verb: str) -> None:
    assert decide(replace(KEY, verb=verb), OnlyKey()) == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"verb": "delete"}, "can only read secrets"),
        ({"verb": "update"}, "can only read secrets"),
        ({"subresource": "status"}, "can only read secrets"),
        ({"verb": "list", "name": ""}, "select one by metadata.name"),
        ({"verb": "watch", "namespace": ""}, "in its namespace"),
        ({"name": "other"}, 'names secret "shop/other"'),
        ({"namespace": "default"}, 'names secret "default/key"'),
    ],
)
def test_anything_else_is_refused_with_the_reason(changed: dict[str, str], why: str) -> None:
    assert why in decide(replace(KEY, **changed), OnlyKey())


def test_what_counts_are_ingresses_of_served_classes_as_they_are_now() -> None:
    ingresses, classes = (KindWindow(builtin_kinds.named(name)) for name in ("Ingress", "IngressClass"))
    for window in (ingresses, classes):
        window.load({}, 1)
    found = IngressCertificates(ingresses, classes)
    site, twin = f"{ingresses.prefix}shop/site", f"{ingresses.prefix}shop/twin"
    named = ingress("site", default="web", tls={"key": []}).SerializeToString()
    ingresses.apply(site, named, 2)
    assert not found.claimed("shop", "key"), "its class is not there"
    classes.apply(f"{classes.prefix}podlab", ingress_class(controller="example.com/x").SerializeToString(), 3)
    assert not found.claimed("shop", "key"), "its class is another controller's"
    classes.apply(f"{classes.prefix}podlab", ingress_class().SerializeToString(), 4)
    assert found.claimed("shop", "key")
    assert not found.claimed("default", "key")
    ingresses.apply(twin, named, 5)
    ingresses.apply(site, ingress("site", default="web", tls={"new": []}).SerializeToString(), 6)
    assert (found.claimed("shop", "key"), found.claimed("shop", "new")) == (True, True)
    ingresses.apply(twin, None, 7)
    assert (found.claimed("shop", "key"), found.claimed("shop", "new")) == (False, True)
