from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from master.apiserver.authorization import Attributes
from master.apiserver.authorization.rules import Role
from podlab.rbac.v1 import rbac_pb2


def rule(verbs: str, groups: str, resources: str, *names: str) -> rbac_pb2.PolicyRule:
    return rbac_pb2.PolicyRule(
        verbs=verbs.split(), apiGroups=groups.split(","), resources=resources.split(), resourceNames=names
    )


def urls(verbs: str, *paths: str) -> rbac_pb2.PolicyRule:
    return rbac_pb2.PolicyRule(verbs=verbs.split(), nonResourceURLs=paths)


def wanted(text: str, name: str = "") -> Attributes:
    """`get apps/deployments/scale`, `get /metrics`; the core group is nothing: `get /pods` would be a path."""
    verb, _, what = text.partition(" ")
    if what.startswith("/"):
        return Attributes(verb, path=what)
    group, _, rest = what.partition(":")
    resource, _, subresource = rest.partition("/")
    return Attributes(verb, group, resource, "default", name, subresource)


@pytest.mark.parametrize(
    ("given_rule", "asked", "name", "allowed"),
    [
        (rule("get", "", "pods"), "get :pods", "", True),
        (rule("get", "", "pods"), "list :pods", "", False),
        (rule("get", "", "pods"), "get apps:pods", "", False),
        (rule("get", "", "pods"), "get :pods/log", "", False),
        (rule("get list", ",apps", "pods deployments"), "list apps:deployments", "", True),
        (rule("*", "", "pods"), "anything :pods", "", True),
        (rule("get", "*", "pods"), "get any.group:pods", "", True),
        (rule("get", "", "*"), "get :pods/log", "", True),
        (rule("get", "apps", "*/scale"), "get apps:deployments/scale", "", True),
        (rule("get", "apps", "*/scale"), "get apps:deployments", "", False),
        (rule("get", "", "pods/log"), "get :pods", "", False),
        (rule("get", "", "secrets", "one", "two"), "get :secrets", "two", True),
        (rule("get", "", "secrets", "one", "two"), "get :secrets", "three", False),
        (rule("list", "", "secrets", "one"), "list :secrets", "", False),
        (rule("get", "", "pods"), "get /metrics", "", False),
        (rule("*", "*", "*"), "get /metrics", "", False),
        (urls("get", "/metrics"), "get /metrics", "", True),
        (urls("get", "/metrics"), "post /metrics", "", False),
        (urls("get", "/metrics"), "get /metrics/slis", "", False),
        (urls("get", "/api/*"), "get /api/v1", "", True),
        (urls("get", "/api/*"), "get /apis", "", False),
        (urls("*", "*"), "get /whatever", "", True),
        (urls("*", "*"), "get :pods", "", False),
    ],
)
def test_a_rule_allows_what_it_names(given_rule: Any, asked: str, name: str, allowed: bool) -> None:
    assert Role([given_rule]).allows(wanted(asked, name)) is allowed


def naively_allowed(rules: list[rbac_pb2.PolicyRule], asked: Attributes) -> bool:
    """Word for word as the documentation of the fields says it."""

    def has(values: Any, value: str) -> bool:
        return any(one in ("*", value) for one in values)

    def one(rule: rbac_pb2.PolicyRule) -> bool:
        if not has(rule.verbs, asked.verb):
            return False
        if asked.path:
            return any(
                url == asked.path or (url.endswith("*") and asked.path.startswith(url[:-1]))
                for url in rule.nonResourceURLs
            )
        below = f"*/{asked.subresource}"
        resource = has(rule.resources, asked.combined) or (bool(asked.subresource) and below in rule.resources)
        named = not rule.resourceNames or asked.name in rule.resourceNames
        return has(rule.apiGroups, asked.group) and resource and named

    return any(map(one, rules))


def some(*values: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), max_size=2)


RULES = st.lists(
    st.builds(
        rbac_pb2.PolicyRule,
        verbs=some("get", "list", "*"),
        apiGroups=some("", "apps", "*"),
        resources=some("pods", "pods/log", "*/log", "*"),
        resourceNames=some("a", "b"),
        nonResourceURLs=some("/a", "/a/*", "*"),
    ),
    max_size=4,
)
ASKED = st.builds(
    Attributes,
    st.sampled_from(["get", "list", "watch"]),
    st.sampled_from(["", "apps"]),
    st.sampled_from(["pods", "nodes"]),
    st.just("ns"),
    st.sampled_from(["", "a", "c"]),
    st.sampled_from(["", "log"]),
) | st.builds(lambda path: Attributes("get", path=path), st.sampled_from(["/a", "/a/b", "/c"]))


@given(RULES, ASKED)
def test_a_compiled_role_agrees_with_its_rules(rules: list[rbac_pb2.PolicyRule], asked: Attributes) -> None:
    assert Role(rules).allows(asked) is naively_allowed(rules, asked)
