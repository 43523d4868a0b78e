from __future__ import annotations

import pytest

from master.apiserver.admission.rules.podsecurity.check import SecurityLevel
from master.apiserver.admission.rules.podsecurity.policy import NamespacePolicy, Standard, of_labels, of_words

AT = "pod-security.kubernetes.io/"
DEFAULTS = NamespacePolicy(warn=Standard(SecurityLevel.BASELINE, 20))


def test_without_labels_the_defaults_hold() -> None:
    labelled = of_labels({"app": "web"}, DEFAULTS)
    assert (labelled.policy, labelled.causes) == (DEFAULTS, ())


def test_labels_say_level_and_version_of_each_mode() -> None:
    said = {"enforce": "baseline", "enforce-version": "v1.25", "audit": "restricted", "warn-version": "latest"}
    labels = {f"{AT}{name}": value for name, value in said.items()}
    policy = of_labels(labels, DEFAULTS).policy
    assert [str(one) for one in (policy.enforce, policy.audit, policy.warn)] == [
        "baseline:v1.25",
        "restricted:latest",
        "baseline:latest",
    ]


def test_what_means_nothing_is_told_and_enforced_strictly() -> None:
    labels = {f"{AT}enforce": "strict", f"{AT}audit": "strict", f"{AT}warn-version": "v2"}
    labelled = of_labels(labels, DEFAULTS)
    assert [str(cause) for cause in labelled.causes] == [
        f'metadata.labels[{AT}enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
        f'metadata.labels[{AT}audit]: Invalid value: "strict": must be one of privileged, baseline, restricted',
        f'metadata.labels[{AT}warn-version]: Invalid value: "v2": must be "latest" or "v1.x"',
    ]
    policy = labelled.policy
    assert (policy.enforce.level, policy.audit.level, policy.warn) == (
        SecurityLevel.RESTRICTED,
        SecurityLevel.PRIVILEGED,
        Standard(SecurityLevel.BASELINE),
    )


def test_settings_say_the_same_in_words() -> None:
    assert of_words(enforce="baseline", enforce_version="v1.30").enforce == Standard(SecurityLevel.BASELINE, 30)
    with pytest.raises(ValueError, match="must be one of privileged, baseline, restricted"):
        of_words(warn="none")
