"""The three-way merge of apply."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from podlab.apps.v1 import controllerrevision_pb2, deployment_pb2
from podlab.core.v1 import pod_pb2, service_pb2, serviceaccount_pb2
from podlab.policy.v1 import poddisruptionbudget_pb2
from podlab.shapes import three_way as merge
from podlab.shapes.messages import shape_of

DEPLOYMENT = shape_of(deployment_pb2.Deployment)
POD = shape_of(pod_pb2.Pod)


def three_way(last: Any, wanted: Any, live: Any) -> Any:
    """Of Deployments, among whose members `a` and the like are none: these have no shape."""
    return merge.three_way(last, wanted, live, DEPLOYMENT)


def in_spec(last: Any, wanted: Any, live: Any) -> Any:
    """Of the spec of a pod."""
    return merge.three_way({"spec": last}, {"spec": wanted}, {"spec": live}, POD)["spec"]


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
        {"containerPort": 53, "protocol": "UDP"},
        {"containerPort": 53, "name": "dns", "protocol": "TCP", "hostPort": 1},
    ]
    assert merged["command"] == ["new"]


def test_another_alternative_drops_the_first_with_its_defaults() -> None:
    live = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%"}}}}
    assert three_way({}, {"spec": {"strategy": {"type": "Recreate"}}}, live) == {
        "spec": {"strategy": {"type": "Recreate"}}
    }
    written = {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}
    volumes = {"volumes": [{"name": "v", "configMap": {"name": "c", "defaultMode": 420}}]}
    same = {"volumes": [{"name": "v", "configMap": {"name": "d"}}]}
    other = {"volumes": [{"name": "v", "emptyDir": {}}]}
    assert in_spec(written, same, volumes)["volumes"][0]["configMap"] == {"name": "d", "defaultMode": 420}
    assert in_spec(written, other, volumes) == other


def test_pull_secrets_and_gates_that_others_added_stay_and_ones_own_go() -> None:
    for field in ("imagePullSecrets", "schedulingGates"):
        last, wanted = {field: [{"name": "a"}, {"name": "b"}]}, {field: [{"name": "c"}, {"name": "a"}]}
        live = {field: [{"name": "a"}, {"name": "b"}, {"name": "theirs"}]}
        assert in_spec(last, wanted, live) == {field: [{"name": "c"}, {"name": "a"}, {"name": "theirs"}]}


def test_what_is_no_longer_said_at_all_goes() -> None:
    live = {"imagePullSecrets": [{"name": "a"}], "nodeName": "n"}
    assert in_spec({"imagePullSecrets": [{"name": "a"}]}, {}, live) == {"nodeName": "n"}


def test_spread_constraints_are_told_apart_by_topology_and_by_what_happens_when_they_cannot_be_met() -> None:
    def constraint(how: str, **rest: Any) -> dict[str, Any]:
        return {"topologyKey": "zone", "whenUnsatisfiable": how, **rest}

    field = "topologySpreadConstraints"
    live = {field: [constraint("DoNotSchedule", maxSkew=1, minDomains=2), {"topologyKey": "theirs", "maxSkew": 1}]}
    wanted = {field: [constraint("DoNotSchedule", maxSkew=3), constraint("ScheduleAnyway", maxSkew=1)]}
    assert in_spec({}, wanted, live)[field] == [
        constraint("DoNotSchedule", maxSkew=3, minDomains=2),
        constraint("ScheduleAnyway", maxSkew=1),
        {"topologyKey": "theirs", "maxSkew": 1},
    ]


def test_ephemeral_containers_of_somebody_else_stay() -> None:
    live = {"ephemeralContainers": [{"name": "debug", "image": "i", "stdin": True}]}
    wanted = {"ephemeralContainers": [{"name": "mine", "image": "j"}]}
    assert in_spec({}, wanted, live)["ephemeralContainers"] == [
        {"name": "mine", "image": "j"},
        {"name": "debug", "image": "i", "stdin": True},
    ]


def test_secrets_of_an_account_are_merged_and_its_pull_secrets_are_replaced() -> None:
    live = {"secrets": [{"name": "token"}], "imagePullSecrets": [{"name": "x"}]}
    wanted = {"secrets": [{"name": "a"}], "imagePullSecrets": [{"name": "y"}]}
    assert merge.three_way({}, wanted, live, shape_of(serviceaccount_pb2.ServiceAccount)) == {
        "secrets": [{"name": "a"}, {"name": "token"}],
        "imagePullSecrets": [{"name": "y"}],
    }


def test_a_port_of_two_protocols_is_two_ports() -> None:
    def ports(*ports: Any) -> dict[str, Any]:
        return {"spec": {"ports": [dict(zip(("port", "protocol", "nodePort"), port, strict=False)) for port in ports]}}

    service = shape_of(service_pb2.Service)
    live = ports((53, "TCP", 30001), (53, "UDP", 30002))
    assert merge.three_way({}, ports((53, "UDP"), (53, "TCP")), live, service) == ports(
        (53, "UDP", 30002), (53, "TCP", 30001)
    )
    assert merge.three_way(ports((53,), (53, "UDP")), ports((53, "UDP")), live, service) == ports((53, "UDP", 30002))


def test_finalizers_are_a_set() -> None:
    def finalizers(*names: str) -> dict[str, Any]:
        return {"metadata": {"finalizers": list(names)}}

    merged = three_way(finalizers("a", "b"), finalizers("c", "b"), finalizers("a", "b", "theirs"))
    assert merged == finalizers("c", "b", "theirs")


def test_a_selector_that_is_replaced_keeps_nothing_of_what_was_there() -> None:
    live = {"spec": {"selector": {"matchLabels": {"a": "b"}}, "minAvailable": 1}}
    wanted = {"spec": {"selector": {"matchLabels": {"c": "d"}}}}
    merged = merge.three_way({}, wanted, live, shape_of(poddisruptionbudget_pb2.PodDisruptionBudget))
    assert merged == {"spec": {"selector": {"matchLabels": {"c": "d"}}, "minAvailable": 1}}


def test_what_is_never_looked_into_is_what_was_written() -> None:
    data = {"spec": {"template": {"$patch": "replace", "metadata": {"labels": {"a": None}}}}}
    revision = shape_of(controllerrevision_pb2.ControllerRevision)
    assert merge.three_way({}, {"data": data}, {"data": {"x": 1}}, revision) == {"data": data}


def test_a_list_with_twins_or_nameless_items_is_what_was_written_for_validation_to_judge() -> None:
    live = {"containers": [{"name": "a", "image": "i", "tty": True}]}
    for items in ([{"name": "a"}, {"name": "a"}], [{"image": "j"}]):
        assert in_spec({}, {"containers": items}, live)["containers"] == items


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
