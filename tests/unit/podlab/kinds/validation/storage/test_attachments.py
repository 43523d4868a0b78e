"""Which volume is attached where."""

from __future__ import annotations

from typing import Any

import pytest
from podlab_testing import builtin_kinds
from podlab_testing.sample_objects import sample

from podlab.api import kinds
from podlab.storage.v1.volumeattachment_pb2 import VolumeAttachment


def attachment(**changes: Any) -> Any:
    return sample(kinds.of(VolumeAttachment), changes)


SOURCE = "spec.source: Required value: must specify exactly one of inlineVolumeSpec and persistentVolumeName"
BAD = [
    (attachment(spec={"attacher": ""}), "spec.attacher: Required value"),
    (attachment(spec={"source": {"persistentVolumeName": None}}), SOURCE),
    (attachment(spec={"source": {"persistentVolumeName": ""}}), "must specify non empty persistentVolumeName"),
    (attachment(spec={"source": {"inlineVolumeSpec": {}}}), "spec.source: Forbidden: must specify exactly one"),
    (
        attachment(spec={"source": {"persistentVolumeName": None, "inlineVolumeSpec": {}}}),
        "spec.source.inlineVolumeSpec.csi: Required value: has to be specified in the context of inline volumes",
    ),
    (attachment(spec={"nodeName": "A_b"}), 'spec.nodeName: Invalid value: "A_b"'),
    (attachment(status={"attached": False, "attachError": {"errorCode": -1}}), "status.attachError.errorCode"),
]


@pytest.mark.parametrize(("given", "told"), BAD, ids=[told[:60] for _, told in BAD])
def test_what_is_wrong_is_told_in_kubernetes_words(given: Any, told: str) -> None:
    causes = [str(cause) for cause in builtin_kinds.validate_create(given)]
    assert [each for each in causes if told in each], causes


def test_a_valid_attachment_is_taken_and_its_spec_stays() -> None:
    assert builtin_kinds.validate_create(attachment()) == ()
    (cause,) = builtin_kinds.validate_update(attachment(spec={"nodeName": "other"}), attachment())
    assert str(cause) == "spec: Invalid value: null: field is immutable"
