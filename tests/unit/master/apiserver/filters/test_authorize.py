from __future__ import annotations

import pytest
from podlab_testing import added_kinds, builtin_kinds

from master.apiserver.filters.authorize import attributes, selected_fields


def test_a_selection_is_about_the_fields_of_its_kind_also_of_an_added_one() -> None:
    added = added_kinds.deployment()
    fields = selected_fields(added, "spec.colour=red,metadata.namespace!=team")
    assert fields == {"spec.colour": "red"}
    wanted = attributes("list", added.kind, "team", fields=fields)
    assert (wanted.group, wanted.resource, wanted.name, wanted.fields) == ("example.test", "deployments", "", fields)


def test_a_selection_by_name_is_about_that_name() -> None:
    pods = builtin_kinds.named("Pod")
    fields = selected_fields(builtin_kinds.of(pods), "metadata.name=web")
    assert attributes("watch", pods, "team", fields=fields).name == "web"


@pytest.mark.parametrize("selector", ["", "spec.colour=red", "spec.nodeName"])
def test_what_is_no_selector_of_the_kind_selects_nothing(selector: str) -> None:
    assert selected_fields(builtin_kinds.of(builtin_kinds.named("Pod")), selector) is None
