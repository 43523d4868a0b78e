"""Which steps from release to release may be made."""

from __future__ import annotations

import pytest

from podlab import GIT_VERSION
from podlab.deploy.release.jumps import ReleaseVersion, refusal, too_new


def release(version: str, kubernetes: int = 36, store: int = 1) -> ReleaseVersion:
    major, minor, patch = map(int, version.split("."))
    return ReleaseVersion((major, minor, patch), kubernetes, "", store)


@pytest.mark.parametrize(
    ("there", "own"),
    [
        ("0.1.0", "0.1.0"),
        ("0.1.0", "0.1.9"),
        ("0.1.3", "0.2.0"),
        ("0.2.1", "0.2.0"),  # back within a minor release, whose stores are the same
        ("0.9.0", "1.0.0"),
    ],
)
def test_a_step_of_one_minor_release_may_be_made(there: str, own: str) -> None:
    assert refusal(release(own), release(there), 1) is None


@pytest.mark.parametrize(
    ("own", "there", "schema", "cause", "remedy"),
    [
        (release("0.1.0"), release("0.2.0"), 1, "is older: it may not read what the newer one has stored", "backup"),
        (release("0.2.0"), release("1.0.0"), None, "is older", "deploy with v1.36.0+podlab.1.0.0 or a newer"),
        (release("0.2.0", 35), release("0.2.0", 36), 1, "is older", "backup"),
        (release("0.3.0"), release("0.1.0"), 1, "more than one minor release away", "a release 0.2 of Podlab first"),
        (release("1.1.0"), release("0.9.0"), 1, "more than one minor release away", "a release 0.10 of Podlab first"),
        (release("0.2.0", 38), release("0.1.0", 36), 1, "more than one", "Podlab with Kubernetes 1.37 first"),
        (release("0.2.0"), release("0.2.1", store=2), 2, "its store has schema 2", "or a newer release, or restore"),
    ],
)
def test_other_steps_are_refused_with_cause_and_remedy(
    own: ReleaseVersion, there: ReleaseVersion, schema: int | None, cause: str, remedy: str
) -> None:
    refused = refusal(own, there, schema)
    assert refused is not None
    assert cause in refused.cause
    assert remedy in refused.remedy


def test_kubelets_may_be_one_minor_release_older_than_the_api_server_and_not_newer() -> None:
    server = release("0.2.0")
    assert [too_new(release(each), server) for each in ("0.2.0", "0.2.7", "0.1.0")] == [None, None, None]
    newer, older = too_new(release("0.3.0"), server), too_new(release("0.0.9"), release("0.2.0"))
    assert newer is not None
    assert "would be newer than the API server" in newer.cause
    assert "upgrade the masters first" in newer.remedy
    assert older is not None
    assert "more than one minor release older" in older.cause
    assert too_new(release("0.2.0", 37), server) is not None


def test_what_components_call_themselves_is_read_back() -> None:
    assert str(ReleaseVersion.shown(GIT_VERSION)) == GIT_VERSION
    built = ReleaseVersion((0, 2, 1), 36, "01ab34ef")
    assert ReleaseVersion.shown(str(built)) == built
    assert ReleaseVersion.shown("v1.36.2") is None


def test_a_version_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match="'one' is no version such as"):
        ReleaseVersion.parse({"version": "one", "kubernetes": "36"})
    assert ReleaseVersion.parse({}) is None
