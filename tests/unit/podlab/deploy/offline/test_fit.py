from dataclasses import replace

from podlab_testing.preflight_facts import FACTS

from podlab.deploy.offline.archive import Contents
from podlab.deploy.offline.fit import check_bundle
from podlab.deploy.preflight.hosts.facts import Host

BUNDLE = Contents(
    podlab="0.1.0",
    requirements=["grpcio"],
    targets=["cp311-x86_64"],
    systems=["debian-12-x86_64"],
    packages=["containerd"],
    images=[],
)
KNOWN = replace(FACTS, python=(3, 11, 2), os_id="debian", os_version="12", architecture="x86_64")
NODE = Host(name="n1", groups=frozenset({"nodes"}))


def test_a_host_that_the_bundle_is_for_is_fit() -> None:
    assert list(check_bundle([NODE], {"n1": KNOWN}, BUNDLE, ["grpcio"])) == []
    assert list(check_bundle([NODE], {}, BUNDLE, ["grpcio"])) == [], "one that could not be reached is told elsewhere"


def test_a_host_of_another_python_is_told_with_what_makes_a_bundle_for_it() -> None:
    newer = replace(KNOWN, python=(3, 13, 5), os_version="13")
    wheels, packages = check_bundle([NODE], {"n1": newer}, BUNDLE, ["grpcio"])
    assert (wheels.severity, packages.severity) == ("error", "warning")
    assert wheels.cause == "the bundle has wheels for cp311-x86_64 and not for cp313-x86_64"
    assert wheels.remedy == "name its system in bundle_systems"
    assert "not for debian-13-x86_64" in packages.cause


def test_a_master_needs_no_packages() -> None:
    master = Host(name="m1", groups=frozenset({"masters"}))
    assert list(check_bundle([master], {"m1": replace(KNOWN, os_version="12.04")}, BUNDLE, ["grpcio"])) == []
