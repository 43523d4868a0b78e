"""Policies and rules of containers, their signals, and volumes of images: what is refused, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.builtin_kinds import validate_create

RULE = {"action": "Restart", "exitCodes": {"operator": "In", "values": [1]}}
OWN = {"restartPolicy": "Never"}


def _causes(container: dict[str, Any], **spec: Any) -> list[str]:
    containers = [{"name": "web", "image": "i:1", **container}]
    data = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "default"}}
    made = builtin_kinds.read({**data, "spec": {"containers": containers, **spec}})
    builtin_kinds.apply_defaults(made)
    return [str(one) for one in validate_create(made)]


@pytest.mark.parametrize(
    ("container", "spec"),
    [
        ({**OWN, "restartPolicyRules": [RULE]}, {}),
        ({"restartPolicy": "OnFailure"}, {"restartPolicy": "Never"}),
        ({"lifecycle": {"stopSignal": "SIGRTMIN+3"}}, {"os": {"name": "linux"}}),
        ({}, {"volumes": [{"name": "v", "image": {"reference": "i:1"}}]}),
    ],
)
def test_what_is_right_is_taken(container: dict[str, Any], spec: dict[str, Any]) -> None:
    assert _causes(container, **spec) == []


@pytest.mark.parametrize(
    ("container", "cause"),
    [
        (
            {"restartPolicyRules": [RULE]},
            "restartPolicy: Required value: must specify restartPolicy when restart rules",
        ),
        ({**OWN, "restartPolicyRules": [{"action": "Restart"}]}, "restartPolicyRules[0].exitCodes: Required value"),
        ({**OWN, "restartPolicyRules": [{**RULE, "action": "Stop"}]}, 'action: Unsupported value: "Stop"'),
        ({**OWN, "restartPolicyRules": [RULE] * 21}, "restartPolicyRules: Too many: 21: must have at most 20 items"),
        (
            {**OWN, "restartPolicyRules": [{**RULE, "exitCodes": {"operator": "Is"}}]},
            'exitCodes.operator: Unsupported value: "Is"',
        ),
        ({"lifecycle": {"stopSignal": "SIGTERM"}}, "stopSignal: Forbidden: may not be set for containers with empty"),
    ],
)
def test_what_is_wrong_is_named(container: dict[str, Any], cause: str) -> None:
    assert any(cause in told for told in _causes(container)), _causes(container)


def test_a_signal_is_one_that_there_is_and_a_volumes_image_is_named() -> None:
    told = _causes({"lifecycle": {"stopSignal": "SIGNONE"}}, os={"name": "linux"})
    assert told[0].startswith('spec.containers[0].lifecycle.stopSignal: Unsupported value: "SIGNONE"')
    volume = {"name": "v", "image": {"pullPolicy": "Sometimes"}}
    told = _causes({}, volumes=[volume])
    assert told[0] == "spec.volumes[0].image.reference: Required value"
    assert told[1].startswith('spec.volumes[0].image.pullPolicy: Unsupported value: "Sometimes"')


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        ({"hostnameOverride": "a" * 65}, "hostnameOverride: Invalid value"),
        ({"hostnameOverride": "A"}, 'hostnameOverride: Invalid value: "A"'),
        (
            {"hostnameOverride": "a", "hostNetwork": True},
            "hostnameOverride: Forbidden: may not be specified when hostNetwork",
        ),
        ({"hostnameOverride": "a", "setHostnameAsFQDN": True}, "setHostnameAsFQDN: Forbidden: cannot be true"),
    ],
)
def test_a_name_of_its_own_is_one_that_the_kernel_takes(spec: dict[str, Any], cause: str) -> None:
    assert any(cause in told for told in _causes({}, **spec)), _causes({}, **spec)
    assert _causes({}, hostnameOverride="own.example") == []
