"""Names and labels, checked in Kubernetes' words."""

import pytest

from podlab.api.values import names


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (names.rfc1123_label, ["a", "my-name", "123-abc"], ["", "-a", "a-", "A", "a.b", "a" * 64, "a\n"]),
        (names.rfc1035_label, ["a", "my-name"], ["1a", "", "A"]),
        (names.rfc1123_subdomain, ["a.b-c.d", "a" * 63 + ".b"], ["a..b", ".a", "a_b", "a" * 254]),
        (names.qualified_name, ["app", "example.com/My_name.x", "A"], ["", "/a", "a/", "a/b/c", "a b", "-a", "b" * 64]),
        (names.label_value, ["", "a", "A_b.c-1"], ["-a", "a b", "a" * 64]),
        (names.config_key, ["a.b", "A_B", ".hidden"], ["", ".", "..", "..a", "a/b"]),
        (names.port_name, ["http", "a1"], ["", "1", "a--b", "-a", "a" * 16, "HTTP"]),
    ],
)
def test_good_names_pass_and_bad_ones_do_not(check: names.Check, good: list[str], bad: list[str]) -> None:
    assert {value: check(value) for value in good} == {value: [] for value in good}
    assert [value for value in bad if not check(value)] == []


def test_generated_names_are_labels_with_the_prefix() -> None:
    made = {names.generate("web-") for _ in range(50)}
    assert len(made) > 45
    assert all(name.startswith("web-") and len(name) == 9 and not names.rfc1123_label(name) for name in made)
    assert len(names.generate("x" * 80)) == 63
