import pytest

from node.kubelet.images.pull_causes import explained

IMAGE = "r.example:5000/team/web:1"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            "pulling from host r.example failed with status code: 401 Unauthorized",
            "no imagePullSecrets are for r.example:5000",
        ),
        ("dial tcp: lookup r.example: no such host", "the node finds no address of r.example:5000"),
        ("dial tcp 192.0.2.1:5000: connect: connection refused", "nothing answers as r.example:5000"),
        ("x509: certificate signed by unknown authority", "/etc/containerd/certs.d/r.example:5000"),
        ("http: server gave HTTP response to HTTPS client", "r.example:5000 speaks HTTP"),
        ("dial tcp 192.0.2.1:5000: i/o timeout", "r.example:5000 is too slow, or cannot be reached"),
        ("r.example:5000/team/web:1: not found", "r.example:5000 has no such image"),
    ],
)
def test_the_cause_stands_behind_what_the_runtime_says(error: str, cause: str) -> None:
    told = explained(error, IMAGE, with_credentials=False)
    assert told.startswith(f"{error}: ")
    assert cause in told


def test_credentials_that_were_refused_are_not_missing_ones() -> None:
    told = explained("pull access denied, authorization failed", "web", with_credentials=True)
    assert "docker.io refuses the credentials that there are for it" in told


def test_what_is_not_known_is_left_as_it_is() -> None:
    assert explained("layer is broken", IMAGE, with_credentials=False) == "layer is broken"
