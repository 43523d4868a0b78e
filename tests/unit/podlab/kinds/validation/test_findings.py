from __future__ import annotations

from podlab.kinds.validation.findings import Findings


def test_of_many_findings_the_first_are_kept_and_the_others_counted() -> None:
    found, others = Findings(), Findings()
    for number in range(70):
        found.required(f"spec.a[{number}]")
        others.invalid(f"spec.b[{number}]", "x", "is bad", "is very bad")
    found.extend(others)
    causes = found.causes
    assert (len(causes), str(causes[69])) == (101, "spec.a[69]: Required value")
    assert str(causes[-1]) == "and 110 more"


def test_a_value_of_megabytes_is_shown_by_its_beginning() -> None:
    found = Findings()
    found.invalid("metadata.name", "A" * 3_000_000, "is bad")
    found.invalid("metadata.labels", "A" * 300, "is bad")
    assert found.causes[0].message.endswith('AA... (3000000 characters)": is bad')
    assert len(found.causes[0].message) < 1200
    assert len(found.causes[1].message) > 300
