"""The root command."""

import os
import subprocess
import sys

import pytest

from podlab.cli import main
from podlab.cli.lazy import LazyCommand


@pytest.mark.parametrize(
    ("given", "front"),
    [
        (["get", "pods", "--cluster", "x"], ["--cluster", "x", "get", "pods"]),
        (["get", "--cluster=x", "pods"], ["--cluster=x", "get", "pods"]),
        (["exec", "p", "--", "a", "--cluster", "x"], ["exec", "p", "--", "a", "--cluster", "x"]),
        (["get", "--cluster"], ["--cluster", "get"]),
        ([], []),
    ],
)
def test_the_cluster_may_be_named_anywhere_before_the_dashes(given: list[str], front: list[str]) -> None:
    assert main.hoisted(given) == front


def test_what_a_command_needs_is_loaded_only_when_it_is_used() -> None:
    code = "import sys; import podlab.cli.main as m; m.command(); print([n for n in sys.modules if n.startswith(%r)])"
    for name in (
        "podlab.lab",
        "podlab.deploy.verify",
        "podlab.cli.objects.get",
        "podlab.api",
        "grpc",
        "pytest",
        "ansible",
        "numpy",
    ):
        ran = subprocess.run([sys.executable, "-c", code % name], capture_output=True, text=True, check=True)
        assert ran.stdout == "[]\n", name


@pytest.mark.parametrize(
    ("locale", "given"), [("C", "C.UTF-8"), ("POSIX", "C.UTF-8"), ("xx_YY.UTF-8", "C.UTF-8"), ("C.utf8", "C.utf8")]
)
def test_what_a_command_starts_gets_a_locale_that_ansible_takes(locale: str, given: str) -> None:
    code = "import os, podlab.cli.main as m; m.root('test'); print(os.environ['LC_ALL'])"
    environment = {**os.environ, "LC_ALL": locale}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout == f"{given}\n"


@pytest.mark.parametrize(
    "lazy", [each for section in main.SECTIONS.values() for each in section], ids=lambda one: one.name
)
def test_the_root_says_of_a_command_what_it_says_of_itself(lazy: LazyCommand) -> None:
    command = lazy.load()
    assert lazy.help is not None
    assert command.name == lazy.name
    assert command.help.startswith(lazy.help)


def test_help_is_grouped_and_complete() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "podlab.cli.main", "--help"], capture_output=True, text=True, check=True
    )
    for title, commands in main.SECTIONS.items():
        assert f"\n{title}:\n" in ran.stdout
        for each in commands:
            assert each.help is not None
            assert each.name in ran.stdout
            assert each.help in " ".join(ran.stdout.split())


def test_the_help_of_a_lazy_command_is_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.command()(args=["get", "--help"], standalone_mode=False) == 0
    assert "podlab get pods" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        (["delete", "pod", "a", "--wait=false"], ["delete", "pod", "a", "--no-wait"]),
        (["delete", "--all=true", "--force=false"], ["delete", "--all"]),
        (["exec", "a", "--", "x", "--wait=false"], ["exec", "a", "--", "x", "--wait=false"]),
        (["get", "pods", "-l", "a=true"], ["get", "pods", "-l", "a=true"]),
    ],
)
def test_flags_may_be_spelled_out_as_with_kubectl(given: list[str], plain: list[str]) -> None:
    assert main.plain_flags(given) == plain
