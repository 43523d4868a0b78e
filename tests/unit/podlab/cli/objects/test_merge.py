"""The three-way merge of apply."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from podlab.cli.objects.merge import three_way


def deployment(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(containers)}}, **spec}}


def containers_of(obj: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = obj["spec"]["template"]["spec"]["containers"]
    return found


def test_what_the_user_wrote_wins_and_what_others_set_stays() -> None:
    merged = three_way(
        {"spec": {"a": 1}}, {"spec": {"a": 2}}, {"spec": {"a": 1, "defaulted": True}, "status": {"x": 1}}
    )
    assert merged == {"spec": {"a": 2, "defaulted": True}, "status": {"x": 1}}


def test_what_was_written_last_and_is_no_longer_there_goes() -> None:
    merged = three_way({"spec": {"a": 1, "b": {"c": 1}}}, {"spec": {"a": 1}}, {"spec": {"a": 1, "b": {"c": 1, "d": 2}}})
    assert merged == {"spec": {"a": 1}}


def test_null_removes_what_is_live() -> None:
    assert three_way({}, {"spec": {"a": None}}, {"spec": {"a": 1, "b": 2}}) == {"spec": {"b": 2}}


def test_containers_are_merged_by_name_and_keep_their_defaults() -> None:
    last = deployment({"name": "a", "image": "i:1"}, {"name": "b", "image": "i:1"})
    wanted = deployment({"name": "c", "image": "i:1"}, {"name": "a", "image": "i:2"})
    live = deployment(
        {"name": "a", "image": "i:1", "terminationMessagePath": "/dev/termination-log"},
        {"name": "b", "image": "i:1"},
        {"name": "injected", "image": "side:1"},
    )
    assert containers_of(three_way(last, wanted, live)) == [
        {"name": "c", "image": "i:1"},
        {"name": "a", "image": "i:2", "terminationMessagePath": "/dev/termination-log"},
        {"name": "injected", "image": "side:1"},
    ]


def test_environment_ports_and_mounts_are_merged_by_what_tells_them_apart() -> None:
    def container(**fields: Any) -> dict[str, Any]:
        return deployment({"name": "c", **fields})

    live = container(
        env=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        ports=[{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP", "hostPort": 1}],
        command=["old", "words"],
    )
    wanted = container(env=[{"name": "A", "value": "2"}], ports=[{"containerPort": 53, "name": "dns"}], command=["new"])
    last = container(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}])
    (merged,) = containers_of(three_way(last, wanted, live))
    assert merged["env"] == [{"name": "A", "value": "2"}]
    assert merged["ports"] == [
        {"containerPort": 53, "name": "dns", "protocol": "TCP", "hostPort": 1},
        {"containerPort": 53, "protocol": "UDP"},
    ]
    assert merged["command"] == ["new"]


def test_another_alternative_drops_the_first_with_its_defaults() -> None:
    live = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}}}
    assert three_way({}, {"spec": {"strategy": {"type": "Recreate"}}}, live) == {
        "spec": {"strategy": {"type": "Recreate"}}
    }
    written = {"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}}
    volumes = {"spec": {"volumes": [{"name": "v", "configMap": {"name": "c", "defaultMode": 420}}]}}
    same = {"spec": {"volumes": [{"name": "v", "configMap": {"name": "d"}}]}}
    other = {"spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}
    assert three_way(written, same, volumes)["spec"]["volumes"][0]["configMap"] == {"name": "d", "defaultMode": 420}
    assert three_way(written, other, volumes) == other


JSON = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@given(OBJECTS, OBJECTS)
def test_applying_the_same_again_changes_nothing(wanted: dict[str, Any], live: dict[str, Any]) -> None:
    once = three_way({}, wanted, live)
    assert three_way(wanted, wanted, once) == once


@given(OBJECTS, OBJECTS)
def test_an_object_that_only_apply_wrote_becomes_what_is_wanted(last: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert three_way(last, wanted, last) == wanted
