"""Bounds on the code's structure. Run as a script, or by `make structure`, it prints what is measured beside them."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest
from podlab_testing import structure
from podlab_testing.structure import Package

FILES_IN_A_FOLDER = 15
LARGER_FOLDERS = {
    "master/scheduler/plugins": 18,
    "podlab/cli/describe": 18,
    "podlab/kinds/core": 17,
}
ROOMS_AND_ARROWS = {
    "master.apiserver": (22, 86),
    "master.controllers": (12, 27),
    "master.scheduler": (17, 47),
    "master.store": (12, 24),
    "node.dns": (15, 29),
    "node.ingress": (15, 38),
    "node.kubelet": (23, 96),
    "node.loadbalancer": (13, 24),
    "node.network": (15, 42),
    "node.networkpolicy": (10, 22),
    "node.probing": (4, 5),
    "node.proxy": (17, 48),
    "node.tracing": (13, 40),
    "podlab": (21, 54),
}
"""Rooms of a package, and arrows between them: which room imports which."""
LONG_FUNCTIONS = 0
CASTS = 2
ANYS = 279
JSONS = 440

PACKAGES = {package.name: package for package in structure.packages() if package.name != "node"}


@pytest.mark.parametrize("package", PACKAGES.values(), ids=lambda package: package.name)
def test_a_package_has_few_rooms_and_few_arrows_between_them(package: Package) -> None:
    most_rooms, most_arrows = ROOMS_AND_ARROWS[package.name]
    assert len(package.rooms) <= most_rooms
    assert len(package.arrows) <= most_arrows


@pytest.mark.parametrize("package", PACKAGES.values(), ids=lambda package: package.name)
def test_rooms_import_each_other_one_way(package: Package) -> None:
    graph: dict[str, set[str]] = {}
    for room, imported in package.arrows:
        graph.setdefault(room, set()).add(imported)
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the rooms


@pytest.mark.parametrize("package", PACKAGES.values(), ids=lambda package: package.name)
def test_no_two_classes_of_a_package_have_one_name(package: Package) -> None:
    assert package.twins == ()


def test_a_folder_has_few_files() -> None:
    counted = structure.files_per_folder()
    assert {at: n for at, n in counted.items() if n > LARGER_FOLDERS.get(at, FILES_IN_A_FOLDER)} == {}


def test_few_functions_are_long() -> None:
    assert len(found := structure.long_functions()) <= LONG_FUNCTIONS, found


def test_few_types_are_cast() -> None:
    assert structure.casts().total <= CASTS


def test_few_types_are_any() -> None:
    assert structure.anys().total <= ANYS
    assert structure.json_values().total <= JSONS


def report() -> Iterator[str]:
    """The measured figures, each with its bound."""
    yield f"{'package':20} {'rooms':>5} {'most':>5} {'arrows':>7} {'most':>5}  classes of one name"
    for package in PACKAGES.values():
        rooms, arrows = ROOMS_AND_ARROWS[package.name]
        twins = ", ".join(package.twins) or "none"
        yield f"{package.name:20} {len(package.rooms):5} {rooms:5} {len(package.arrows):7} {arrows:5}  {twins}"
    yield ""
    yield f"functions of more than {structure.LONG} lines (at most {LONG_FUNCTIONS}): {len(structure.long_functions())}"
    yield from (f"  {lines:4} {name}" for name, lines in sorted(structure.long_functions().items()))
    for what, found, most in (
        ("casts", structure.casts(), CASTS),
        ("Any", structure.anys(), ANYS),
        ("Json", structure.json_values(), JSONS),
    ):
        yield f"{what} (at most {most}): {found.total}, most in"
        yield from (f"  {times:4} {module}" for module, times in found.by_module.most_common(8))
    yield f"folders of more than {FILES_IN_A_FOLDER} files:"
    large = {at: n for at, n in structure.files_per_folder().items() if n > FILES_IN_A_FOLDER}
    yield from (
        f"  {files:4} {at} (at most {LARGER_FOLDERS.get(at, FILES_IN_A_FOLDER)})" for at, files in large.items()
    )


if __name__ == "__main__":
    print("\n".join(report()))
