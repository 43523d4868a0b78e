from __future__ import annotations

from typing import Any

import pytest
from podlab_testing.cases import Case, cases

from master.apiserver.admission.rules import runtimeclass
from podlab.api.kinds import of
from podlab.api.objects import typed
from podlab.api.serializer import codec
from podlab.core.v1.pod_pb2 import Pod
from podlab.errors import Forbidden
from podlab.node.v1.runtimeclass_pb2 import RuntimeClass


def pod(spec: dict[str, Any]) -> Pod:
    whole = {"containers": [{"name": "a", "image": "x"}], **spec}
    return typed(codec.from_dict({"metadata": {"name": "p"}, "spec": whole}, of(Pod)), Pod)


def classes(case: Case) -> dict[str, RuntimeClass]:
    found = case.get("class", {})
    made = codec.from_dict({"metadata": {"name": "fast"}, "handler": "runsc", **found}, of(RuntimeClass))
    return {"fast": typed(made, RuntimeClass)}


def completed(made: Pod, known: dict[str, RuntimeClass]) -> Pod:
    runtimeclass.complete(made, known.get)
    runtimeclass.check(made, known.get)
    return made


@pytest.mark.parametrize("case", cases(__file__, "runtimeclass"))
def test_a_pod_becomes_what_its_class_says(case: Case) -> None:
    made, known = pod(case["pod"]), classes(case)
    if "refused" in case:
        with pytest.raises(Forbidden) as refused:
            completed(made, known)
        assert refused.value.message == f'pods "p" is forbidden: {case["refused"].strip()}'
        return
    expected = pod({**case["pod"], **case["becomes"]})
    assert completed(made, known) == expected
    assert completed(made, known) == expected  # asked once more, it changes nothing
