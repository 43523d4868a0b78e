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
    (host,) = written["host"].values()
    assert (host["ca"], host["header"]) == ("/etc/ca.crt", BASIC)
    assert "push" in host["capabilities"]


def test_a_registry_of_which_nothing_is_known_is_reached_by_its_name() -> None:
    assert tomllib.loads(hosts_toml("ghcr.io", {}, LOGIN))["host"]["https://ghcr.io"]["header"] == BASIC
    assert "https://registry-1.docker.io" in tomllib.loads(hosts_toml("docker.io", {}, LOGIN))["host"]
    plain = tomllib.loads(hosts_toml("r:80", {"server": "http://r:80", "skip_verify": True}, LOGIN))
    assert plain["host"]["http://r:80"]["skip_verify"] is True
