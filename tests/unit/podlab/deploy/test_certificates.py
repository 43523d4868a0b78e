"""Every component on every host has a certificate with the identity that the apiserver knows it by."""

from pathlib import Path

from podlab.deploy import certificates

MASTERS = {"m1": "10.0.0.11"}
NODES = {"n1": "10.0.0.21", "n2": "10.0.0.22"}


def wanted() -> dict[str, certificates.Certificate]:
    made = certificates.wanted(MASTERS, NODES, ["n2"], service_cidr="10.96.0.0/16")
    return {f"{each.folder}/{each.name}": each for each in made}


def test_each_host_has_the_certificates_of_what_it_runs() -> None:
    assert set(wanted()) == {
        "/admin",
        *(f"m1/{name}" for name in ("apiserver", "scheduler", "controllers")),
        *(f"{node}/{name}" for node in NODES for name in ("kubelet", "proxy", "dns")),
        "n2/ingress",
    }


def test_a_kubelet_is_known_by_its_node() -> None:
    kubelet = wanted()["n2/kubelet"]
    assert (kubelet.common_name, kubelet.organizations) == ("system:node:n2", ("system:nodes",))
    assert kubelet.hosts == ("n2", "10.0.0.22", "127.0.0.1", "localhost")


def test_the_apiserver_serves_under_the_kubernetes_service_too() -> None:
    assert {"10.0.0.11", "10.96.0.1", "kubernetes.default.svc", "localhost"} <= set(wanted()["m1/apiserver"].hosts)


def test_the_administrators_certificate_serves_nowhere() -> None:
    assert wanted()["/admin"].hosts == ()


def test_only_the_certificates_of_what_changed_are_made_anew(tmp_path: Path) -> None:
    first = certificates.ensure(tmp_path, certificates.wanted(MASTERS, NODES, ["n2"], "10.96.0.0/16"))
    assert first[:2] == ["ca", "admin"]
    assert len(first) == 12
    assert certificates.ensure(tmp_path, certificates.wanted(MASTERS, NODES, ["n2"], "10.96.0.0/16")) == []
    moved = {**NODES, "n2": "10.0.0.99"}
    assert certificates.ensure(tmp_path, certificates.wanted(MASTERS, moved, ["n2"], "10.96.0.0/16")) == [
        "n2/kubelet",
        "n2/proxy",
        "n2/dns",
        "n2/ingress",
    ]


def test_the_master_that_serves_images_has_a_certificate_for_their_name() -> None:
    made = list(certificates.wanted(MASTERS, NODES, [], "10.96.0.0/16", registry="m1"))
    (found,) = [each for each in made if each.name == "registry"]
    assert (found.folder, found.common_name, found.organizations) == ("m1", "registry.podlab.local", ())
    assert {"registry.podlab.local", "10.0.0.11"} <= set(found.hosts)
