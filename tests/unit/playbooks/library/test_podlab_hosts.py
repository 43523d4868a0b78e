"""Names stand between two lines of their own, and all else stays."""

import pytest
from podlab_testing.ansible_code import load

podlab_hosts = load("podlab_hosts")
OWN = "127.0.0.1 localhost\n"
BLOCK = "# BEGIN podlab lab\n192.0.2.1 m1\n192.0.2.2 n1\n# END podlab lab\n"
NAMES = {"m1": "192.0.2.1", "n1": "192.0.2.2"}


@pytest.mark.parametrize("text", [OWN, OWN.rstrip(), OWN + BLOCK, OWN + BLOCK.replace("192.0.2.2", "192.0.2.9")])
def test_the_names_are_there_once_as_they_are_to_be(text: str) -> None:
    assert podlab_hosts.with_names(text, "lab", NAMES) == OWN + BLOCK


def test_what_stands_around_them_stays_with_other_clusters_names() -> None:
    after = BLOCK.replace("lab", "other") + "# mine\n"
    assert podlab_hosts.with_names(OWN + BLOCK + after, "lab", {"m1": "192.0.2.7"}) == (
        OWN + "# BEGIN podlab lab\n192.0.2.7 m1\n# END podlab lab\n" + after
    )
    assert podlab_hosts.with_names(OWN + BLOCK + after, "lab", {}) == OWN + after


@pytest.mark.parametrize(
    "text", ["# BEGIN podlab lab\n", BLOCK + BLOCK, "# END podlab lab\n# BEGIN podlab lab\n", "# END podlab lab\n"]
)
def test_lines_that_do_not_belong_together_are_refused(text: str) -> None:
    with pytest.raises(podlab_hosts.HostsError, match="remove"):
        podlab_hosts.with_names(text, "lab", NAMES)
