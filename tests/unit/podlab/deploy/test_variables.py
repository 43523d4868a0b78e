"""What roles say of their variables."""

from podlab_testing.source_code import PROJECT

from podlab.deploy.variables import of_roles


def test_variables_are_told_with_types_defaults_and_what_is_inside() -> None:
    found = {each.name: each for role in of_roles(PROJECT) for each in role.variables}
    taints = found["node_taints"]
    assert (taints.type, taints.elements, taints.default) == ("list", "dict", [])
    assert [each.name for each in taints.inner] == ["key", "value", "effect"]
    assert taints.inner[2].choices == ("NoSchedule", "PreferNoSchedule", "NoExecute")
    assert taints.inner[2].required
    assert found["preflight_memory_mib"].has_default is False
