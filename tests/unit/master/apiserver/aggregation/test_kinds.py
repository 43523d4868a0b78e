from __future__ import annotations

from typing import Any

from master.apiserver.aggregation.kinds import described
from master.apiserver.aggregation.priorities import GroupVersion
from podlab.kinds.custom.definition import resource_of

KEPT = ("delete", "get", "list", "watch")
AT = GroupVersion("wardle.example.com", "v1alpha1")


def resource(plural: str, kind: str, *verbs: str, **more: Any) -> dict[str, Any]:
    told = {"group": AT.group, "version": AT.version, "kind": kind}
    return {"resource": plural, "responseKind": told, "scope": "Namespaced", "verbs": list(verbs), **more}


def test_a_resource_is_told_of_as_a_definition() -> None:
    found = resource(
        "flunders", "Flunder", "create", *KEPT,
        singularResource="flunder", shortNames=["fl"], categories=["all"],
        subresources=[{"subresource": "status", "responseKind": {}, "verbs": ["get"]}],
    )  # fmt: skip
    (made,) = described(AT, [found])
    kind = resource_of(made).kind
    assert (kind.group, kind.version, kind.name, kind.plural) == (AT.group, AT.version, "Flunder", "flunders")
    assert (kind.short_names, kind.categories, kind.namespaced) == (("fl",), ("all",), True)
    assert [one.name for one in resource_of(made).subresources] == ["status"]


def test_what_is_not_kept_is_no_kind() -> None:
    nameless = resource("oddities", "", *KEPT)
    assert (
        list(
            described(
                AT, [resource("reviews", "Review", "create"), resource("figures", "Figure", "get", "list"), nameless]
            )
        )
        == []
    )


def test_without_a_singular_the_kind_is_one() -> None:
    (made,) = described(AT, [resource("fischers", "Fischer", *KEPT, scope="Cluster")])
    kind = resource_of(made).kind
    assert (kind.singular, kind.namespaced) == ("fischer", False)
