import tomllib

from node.kubelet.cri.runtime import RegistryCredentials
from node.kubelet.images.pushing import hosts_toml

LOGIN = RegistryCredentials("ann", "secret")
BASIC = {"Authorization": ["Basic YW5uOnNlY3JldA=="]}


def test_a_login_stands_beside_how_the_registry_is_trusted() -> None:
    known = tomllib.loads(
        'server = "https://r:5000"\n[host."https://mirror"]\n[host."https://r:5000"]\nca = "/etc/ca.crt"\n'
        'header = {Authorization = ["Basic another"]}\n'
    )
    written = tomllib.loads(hosts_toml("r:5000", known, LOGIN))
    assert written["server"] == "https://r:5000"
    assert list(written["host"]) == ["https://r:5000"]
    for told in (written, written["host"]["https://r:5000"]):
        assert (told["ca"], told["header"]) == ("/etc/ca.crt", BASIC)
        assert "push" in told["capabilities"]


def test_a_registry_of_which_nothing_is_known_is_reached_by_its_name() -> None:
    assert tomllib.loads(hosts_toml("ghcr.io", {}, LOGIN))["header"] == BASIC
    assert tomllib.loads(hosts_toml("docker.io", {}, LOGIN))["server"] == "https://registry-1.docker.io"
    plain = tomllib.loads(hosts_toml("r:80", {"server": "http://r:80", "skip_verify": True}, LOGIN))
    assert (plain["server"], plain["skip_verify"]) == ("http://r:80", True)
