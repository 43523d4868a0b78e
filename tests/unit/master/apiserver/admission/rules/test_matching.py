from __future__ import annotations

import pytest
from podlab_testing.cases import Case, cases

from master.apiserver.admission.rules.matching import AdmissionTarget, Matcher, ServedAs
from podlab.admissionregistration.v1.matching_pb2 import MatchResources
from podlab.api.serializer import codec


@pytest.mark.parametrize("case", cases(__file__, "matching"))
def test_a_write_is_matched(case: Case) -> None:
    write = case.get("write", {})
    target = AdmissionTarget(
        served_as=[ServedAs("", "v1", "pods"), *(ServedAs(*one) for one in write.get("servedAs", ()))],
        subresource=write.get("subresource", ""),
        operation="CREATE",
        namespace=write.get("namespace", "a"),
        name="web",
        labels=write.get("labels", [{}]),
        namespace_labels=lambda: write.get("namespaceLabels", {}),
    )
    matched = Matcher.of(codec.part_from_dict(case["match"], MatchResources)).match(target)
    assert (matched is not None) is case.get("matches", False)
