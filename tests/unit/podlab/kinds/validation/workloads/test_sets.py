from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf.message import Message
from podlab_testing import builtin_kinds, sample_objects
from podlab_testing.builtin_kinds import validate_status_update

from podlab.apps.v1.controllerrevision_pb2 import ControllerRevision

Found = Callable[..., list[str]]
Changes = dict[str, Any]
SELECTOR = {"selector": {"matchLabels": {"app": "other"}}}
MISMATCH = 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`'
RESTARTS = {"template": {"spec": {"restartPolicy": "Never"}}}
ALWAYS = 'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'


def made(name: str, spec: Changes | None = None) -> Message:
    item: Message = sample_objects.sample(builtin_kinds.named(name), {"spec": spec or {}})
    return item


@pytest.mark.parametrize("name", ["ReplicationController", "DaemonSet", "StatefulSet"])
def test_a_plain_one_is_fine(found: Found, name: str) -> None:
    assert found(made(name)) == []
    assert found(made(name), made(name)) == []


@pytest.mark.parametrize(
    ("name", "spec", "told"),
    [
        ("ReplicationController", {"selector": {"app": "other"}}, MISMATCH),
        ("ReplicationController", {"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal"),
        ("ReplicationController", RESTARTS, ALWAYS),
        ("DaemonSet", SELECTOR, MISMATCH),
        ("DaemonSet", RESTARTS, ALWAYS),
        ("DaemonSet", {"updateStrategy": {"type": "Wave"}}, 'spec.updateStrategy.type: Unsupported value: "Wave"'),
        (
            "DaemonSet",
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 0}}},
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
        ),
        (
            "DaemonSet",
            {"updateStrategy": {"rollingUpdate": {"maxSurge": "10%"}}},
            'rollingUpdate.maxSurge: Invalid value: "10%": may not be set when maxUnavailable is non-zero',
        ),
        (
            "DaemonSet",
            {"updateStrategy": {"rollingUpdate": {"maxUnavailable": "150%"}}},
            'rollingUpdate.maxUnavailable: Invalid value: "150%": must not be greater than 100%',
        ),
        ("StatefulSet", SELECTOR, MISMATCH),
        ("StatefulSet", RESTARTS, ALWAYS),
        (
            "StatefulSet",
            {"podManagementPolicy": "Wild"},
            "spec.podManagementPolicy: Invalid value: \"Wild\": must be 'OrderedReady' or 'Parallel'",
        ),
        (
            "StatefulSet",
            {"updateStrategy": {"type": "Wave"}},
            "spec.updateStrategy: Invalid value: \"Wave\": must be 'RollingUpdate' or 'OnDelete'",
        ),
        (
            "StatefulSet",
            {"updateStrategy": {"type": "OnDelete", "rollingUpdate": {"partition": 1}}},
            "spec.updateStrategy.rollingUpdate: Invalid value: {}: only allowed for updateStrategy 'RollingUpdate'",
        ),
        (
            "StatefulSet",
            {"updateStrategy": {"rollingUpdate": {"partition": -1}, "type": "RollingUpdate"}},
            "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1",
        ),
        (
            "StatefulSet",
            {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Burn"}},
            'spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Burn"',
        ),
        ("StatefulSet", {"ordinals": {"start": -1}}, "spec.ordinals.start: Invalid value: -1"),
        (
            "StatefulSet",
            {"volumeClaimTemplates": None},
            'spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"',
        ),
    ],
)
def test_a_bad_one_is_told_by_path_and_rule(found: Found, name: str, spec: Changes, told: str) -> None:
    lines = found(made(name, spec))
    assert len(lines) == 1
    assert told in lines[0]


def test_a_stateful_sets_claims_are_checked(found: Found) -> None:
    claim = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    assert found(made("StatefulSet", {"volumeClaimTemplates": [claim]})) == [
        "spec.volumeClaimTemplates[0].spec.resources[storage]: Required value"
    ]


def test_a_stateful_sets_name_is_a_label(found: Found) -> None:
    item: Any = made("StatefulSet")
    item.metadata.name = "web.one"
    assert [line.partition(":")[0] for line in found(item)] == ["metadata.name"]


def test_a_daemon_sets_selector_stays(found: Found) -> None:
    new = {"selector": {"matchLabels": {"app": "web", "tier": None}}, "minReadySeconds": 3}
    assert found(made("DaemonSet", new), made("DaemonSet")) == []
    other = {"selector": {"matchLabels": {"tier": "a"}}, "template": {"metadata": {"labels": {"tier": "a"}}}}
    assert found(made("DaemonSet", other), made("DaemonSet")) == [
        'spec.selector: Invalid value: {"app":"web","tier":"a"}: field is immutable'
    ]


@pytest.mark.parametrize(
    ("spec", "allowed"),
    [
        ({"replicas": 5, "minReadySeconds": 3, "ordinals": {"start": 1}}, True),
        (
            {"updateStrategy": {"type": "OnDelete"}, "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}},
            True,
        ),
        ({"template": {"metadata": {"labels": {"tier": "a"}}}}, True),
        ({"serviceName": "other"}, False),
        ({"podManagementPolicy": "Parallel"}, False),
        ({"revisionHistoryLimit": 1}, False),
    ],
)
def test_of_a_stateful_set_some_may_change(found: Found, spec: Changes, allowed: bool) -> None:
    lines = found(made("StatefulSet", spec), made("StatefulSet"))
    assert (lines == []) is allowed
    if not allowed:
        assert lines[0].startswith("spec: Forbidden: updates to statefulset spec for fields other than 'replicas'")


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("DaemonSet", {"numberReady": -1}, "status.numberReady: Invalid value: -1"),
        (
            "StatefulSet",
            {"replicas": 1, "readyReplicas": 2},
            "status.readyReplicas: Invalid value: 2: cannot be greater",
        ),
        (
            "ReplicationController",
            {"replicas": 2, "readyReplicas": 1, "availableReplicas": 2},
            "status.availableReplicas: Invalid value: 2: cannot be greater than readyReplicas",
        ),
    ],
)
def test_counts_of_a_status_fit_together(name: str, status: Changes, told: str) -> None:
    item = sample_objects.sample(builtin_kinds.named(name), {"metadata": {"uid": "u"}, "status": status})
    (cause,) = validate_status_update(item, item)
    assert told in str(cause)


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"", "data: Required value: data is mandatory"),
        (b"[1]", 'data: Invalid value: "<bytes>": must be the JSON of an object'),
        (b"{", 'data: Invalid value: "<bytes>": must be the JSON of an object'),
    ],
)
def test_a_revision_holds_an_object(found: Found, raw: bytes, told: str) -> None:
    item = ControllerRevision(metadata={"name": "a", "namespace": "default"}, data={"raw": raw})
    assert found(item) == [told]


def test_a_revision_stays_what_it_was(found: Found) -> None:
    old: Any = sample_objects.sample(builtin_kinds.named("ControllerRevision"))
    new: Any = sample_objects.sample(builtin_kinds.named("ControllerRevision"), {"revision": 4})
    assert found(new, old) == []
    new.data.raw = b"{}"
    assert found(new, old) == ['data: Invalid value: "{}": field is immutable']
