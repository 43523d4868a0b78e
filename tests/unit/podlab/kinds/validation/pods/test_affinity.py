from collections.abc import Callable
from typing import Any

import pytest

from podlab.core.v1 import pod_pb2
from podlab.meta.v1.meta_pb2 import Quantity

Build = Callable[..., pod_pb2.Pod]
Found = Callable[..., list[str]]

TERM = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "zone"}
SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}
REQUIRED = "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]"
SPREADING = "spec.topologySpreadConstraints[0]"
PREFERRED = "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]"


def term(**changes: Any) -> dict[str, Any]:
    terms = [{**TERM, **changes}]
    return {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}}


def wish(weight: int, **changes: Any) -> dict[str, Any]:
    terms = [{"weight": weight, "podAffinityTerm": {**TERM, **changes}}]
    return {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": terms}}}


def spread(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"topologySpreadConstraints": [{**SPREAD, **each} for each in changes]}


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        (term(topologyKey=""), f"{REQUIRED}.topologyKey: Required value: can not be empty"),
        (term(topologyKey="a b"), f'{REQUIRED}.topologyKey: Invalid value: "a b"'),
        (term(namespaces=["A"]), f'{REQUIRED}.namespaces[0]: Invalid value: "A"'),
        (
            {"affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "zone", "matchLabelKeys": ["a"]}]}}},
            f"{REQUIRED}.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
        ),
        (
            term(matchLabelKeys=["a"], mismatchLabelKeys=["a"]),
            f'{REQUIRED}.matchLabelKeys[0]: Invalid value: "a": exists in both matchLabelKeys and mismatchLabelKeys',
        ),
        (wish(0), f"{PREFERRED}.weight: Invalid value: 0: must be in the range 1-100"),
        (wish(101), f"{PREFERRED}.weight: Invalid value: 101: must be in the range 1-100"),
        (wish(1, topologyKey=""), f"{PREFERRED}.podAffinityTerm.topologyKey: Required value"),
        (spread({"maxSkew": 0}), f"{SPREADING}.maxSkew: Invalid value: 0: must be greater than zero"),
        (spread({"topologyKey": ""}), f"{SPREADING}.topologyKey: Required value: can not be empty"),
        (
            spread({"whenUnsatisfiable": "Maybe"}),
            'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Maybe"',
        ),
        (
            spread({}, {}),
            "spec.topologySpreadConstraints[1].{topologyKey, whenUnsatisfiable}: Duplicate value: "
            '"{zone, DoNotSchedule}"',
        ),
        (spread({"minDomains": 0}), "spec.topologySpreadConstraints[0].minDomains: Invalid value: 0: must be greater"),
        (
            spread({"minDomains": 2, "whenUnsatisfiable": "ScheduleAnyway"}),
            "spec.topologySpreadConstraints[0].minDomains: Invalid value: 2: can only use minDomains if "
            "whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
        ),
        (
            spread({"nodeTaintsPolicy": "Perhaps"}),
            'spec.topologySpreadConstraints[0].nodeTaintsPolicy: Unsupported value: "Perhaps"',
        ),
        (
            spread({"labelSelector": {"matchLabels": {"a": "b"}}, "matchLabelKeys": ["a"]}),
            'spec.topologySpreadConstraints[0].matchLabelKeys[0]: Invalid value: "a": exists in both matchLabelKeys '
            "and labelSelector",
        ),
        (
            {"overhead": {"cpu": Quantity(string="-1")}},
            'spec.overhead[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
    ],
)  # fmt: skip
def test_bad_words_about_other_pods_are_told(found: Found, pod: Build, spec: dict[str, Any], told: str) -> None:
    assert told in found(pod(**spec))[0]


@pytest.mark.parametrize("spec", [term(), wish(100), spread({}), {"overhead": {"cpu": Quantity(string="10m")}}])
def test_good_words_about_other_pods_pass(found: Found, pod: Build, spec: dict[str, Any]) -> None:
    assert found(pod(**spec)) == []
