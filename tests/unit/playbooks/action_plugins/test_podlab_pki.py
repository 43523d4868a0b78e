"""The controller's side of the PKI: made once, foretold by a check, and enough for a client to connect with."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from podlab_testing.source_code import PROJECT

from podlab.client.config import load_client_config
from podlab.pki import PkiError

PLUGIN = PROJECT / "playbooks" / "action_plugins" / "podlab_pki.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("podlab_pki_action", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


podlab_pki = load()
PARAMS = {
    "cluster": "blue",
    "masters": {"m1": "10.0.0.11"},
    "nodes": {"n1": "10.0.0.21"},
    "ingress": ["n1"],
    "etcd": {},
    "service_cidr": "10.96.0.0/16",
    "apiserver": "10.0.0.11:7443",
    "endpoint": "",
    "endpoint_names": [],
    "registry": "",
    "step": "none",
    "authorities": [],
}
ALL = [
    "ca",
    "admin",
    *(f"m1/{name}" for name in ("apiserver", "scheduler", "controllers")),
    "n1/kubelet",
    "n1/proxy",
    "n1/dns",
    "n1/ingress",
    "front-proxy/ca",
    "m1/front-proxy-client",
    "service-accounts/signing.key",
    "service-accounts/retired.pem",
    "signing/ca",
    "tokens.csv",
    "encryption/current.key",
    "encryption/configuration.yaml",
    "client.yaml",
]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / ".podlab" / "blue"


def test_a_check_foretells_what_a_run_makes_and_makes_nothing(directory: Path) -> None:
    assert podlab_pki.ensure_in_a_copy(PARAMS, directory, []) == ALL
    assert not directory.exists()
    assert podlab_pki.ensure(PARAMS, directory, []) == ALL
    assert podlab_pki.ensure(PARAMS, directory, []) == []
    assert podlab_pki.ensure_in_a_copy(PARAMS, directory, []) == []


def test_a_check_foretells_what_a_new_node_needs(directory: Path) -> None:
    podlab_pki.ensure(PARAMS, directory, [])
    grown = {**PARAMS, "nodes": {"n1": "10.0.0.21", "n2": "10.0.0.22"}}
    assert podlab_pki.ensure_in_a_copy(grown, directory, []) == ["n2/kubelet", "n2/proxy", "n2/dns"]
    assert not (directory / "pki" / "n2").exists()


def test_the_client_configuration_leads_to_the_apiserver(directory: Path, tmp_path: Path) -> None:
    podlab_pki.ensure(PARAMS, directory, [])
    config = load_client_config("blue", start=tmp_path)
    assert config.server == "10.0.0.11:7443"
    assert all(path.is_file() for path in (config.tls.ca, config.tls.cert, config.tls.key))


def test_only_the_owner_can_look_into_the_clusters_directory(directory: Path) -> None:
    podlab_pki.ensure(PARAMS, directory, [])
    assert directory.stat().st_mode & 0o777 == 0o700


def test_a_node_that_the_cluster_does_not_have_gets_new_certificates(directory: Path) -> None:
    """The ones that it had are refused if it was deleted."""
    podlab_pki.ensure(PARAMS, directory, [])
    before = (directory / "pki/n1/kubelet.crt").read_bytes()
    assert podlab_pki.absent_nodes({**PARAMS, "members": None}) == []
    assert podlab_pki.absent_nodes({**PARAMS, "members": ["n1", "n9"]}) == []
    absent = podlab_pki.absent_nodes({**PARAMS, "members": ["n9"]})
    assert podlab_pki.ensure(PARAMS, directory, absent) == ["n1/kubelet", "n1/proxy", "n1/dns", "n1/ingress"]
    assert (directory / "pki/n1/kubelet.crt").read_bytes() != before


def test_a_host_that_does_not_take_part_gets_no_certificate_and_keeps_its_own(directory: Path) -> None:
    podlab_pki.ensure(PARAMS, directory, [])
    grown = {**PARAMS, "nodes": {"n1": "10.0.0.21", "n2": "10.0.0.22"}, "hosts": ["n1"]}
    absent = podlab_pki.absent_nodes({**grown, "members": []})
    assert absent == ["n1"]
    assert podlab_pki.ensure(grown, directory, absent) == ["n1/kubelet", "n1/proxy", "n1/dns", "n1/ingress"]
    renewal = {**grown, "step": "renew"}
    own = ["admin", *(f"n1/{name}" for name in ("kubelet", "proxy", "dns", "ingress"))]
    assert podlab_pki.ensure(renewal, directory, []) == own


LEAVES = [
    "admin",
    *(f"m1/{name}" for name in ("apiserver", "scheduler", "controllers")),
    *(f"n1/{name}" for name in ("kubelet", "proxy", "dns", "ingress")),
]


def test_all_certificates_are_made_anew_when_that_is_asked_for(directory: Path) -> None:
    podlab_pki.ensure(PARAMS, directory, [])
    renewal = {**PARAMS, "step": "renew"}
    assert podlab_pki.ensure_in_a_copy(renewal, directory, []) == [*LEAVES, "m1/front-proxy-client"]
    assert podlab_pki.ensure(PARAMS, directory, []) == []
    assert podlab_pki.ensure(renewal, directory, []) == [*LEAVES, "m1/front-proxy-client"]


def test_an_authority_goes_through_its_steps_and_another_one_stays(directory: Path) -> None:
    podlab_pki.ensure(PARAMS, directory, [])
    made = {
        step: podlab_pki.ensure({**PARAMS, "step": step, "authorities": ["ca"]}, directory, [])
        for step in ("trust", "sign", "alone")
    }
    assert made == {"trust": ["ca"], "sign": ["ca", *LEAVES], "alone": ["ca"]}
    made = {
        step: podlab_pki.ensure({**PARAMS, "step": step, "authorities": ["front-proxy"]}, directory, [])
        for step in ("trust", "sign", "alone")
    }
    assert made == {
        "trust": ["front-proxy"],
        "sign": ["front-proxy", "m1/front-proxy-client"],
        "alone": ["front-proxy"],
    }


@pytest.mark.parametrize("name", ["ca", "front-proxy", "secrets"])
def test_a_check_foretells_every_step_of_a_rotation(directory: Path, name: str) -> None:
    podlab_pki.ensure(PARAMS, directory, [])
    steps = ["trust", "sign", "alone"]
    asked = [{**PARAMS, "step": step, "authorities": [name], "foretold": steps[:at]} for at, step in enumerate(steps)]
    foretold = [podlab_pki.ensure_in_a_copy(each, directory, []) for each in asked]
    assert foretold == [podlab_pki.ensure(each, directory, []) for each in asked]
    assert all(foretold)


def test_a_rotation_that_was_cut_off_while_the_next_one_signs_does_not_begin_another(directory: Path) -> None:
    podlab_pki.ensure(PARAMS, directory, [])
    steps = [{**PARAMS, "step": step, "authorities": ["ca"]} for step in ("trust", "sign", "alone")]
    podlab_pki.ensure(steps[0], directory, [])
    podlab_pki.ensure(steps[1], directory, [])
    assert [podlab_pki.ensure(step, directory, []) for step in steps] == [[], [], ["ca"]]


def test_where_there_is_no_authority_nothing_is_rotated_and_none_is_made(directory: Path) -> None:
    with pytest.raises(PkiError, match=r"ca\.crt"):
        podlab_pki.ensure({**PARAMS, "step": "trust", "authorities": ["ca"]}, directory, [])
    assert not (directory / "pki").exists()
