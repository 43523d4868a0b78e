import pytest

from podlab.api.values import imagenames


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("web", "docker.io/library/web:latest"),
        ("web:1", "docker.io/library/web:1"),
        ("team/web", "docker.io/team/web:latest"),
        ("index.docker.io/web:1", "docker.io/library/web:1"),
        ("localhost/web:1", "localhost/web:1"),
        ("registry.podlab.local:5000/web", "registry.podlab.local:5000/web:latest"),
        ("ghcr.io/a/b@sha256:" + "0" * 64, "ghcr.io/a/b@sha256:" + "0" * 64),
    ],
)
def test_a_name_is_written_in_full_as_runtimes_keep_it(name: str, full: str) -> None:
    assert imagenames.normalized(name) == full
    assert imagenames.normalized(full) == full


@pytest.mark.parametrize("name", ["", "Web", "web:", "web site", "https://web", "a//b"])
def test_what_is_no_name_is_refused_with_the_form_of_one(name: str) -> None:
    with pytest.raises(ValueError, match=r"names no image: write \[REGISTRY/\]NAME\[:TAG\]"):
        imagenames.normalized(name)


def test_people_are_shown_the_short_form() -> None:
    assert imagenames.repository_and_tag("docker.io/library/web:1") == ("web", "1")
    assert imagenames.repository_and_tag("docker.io/team/web:1") == ("team/web", "1")
    assert imagenames.repository_and_tag("localhost:5000/web:1") == ("localhost:5000/web", "1")
    assert imagenames.repository_and_tag("ghcr.io/web@sha256:00") == ("ghcr.io/web", "")
    assert not imagenames.is_tag("ghcr.io/web@sha256:00")
