"""The root command."""

import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from podlab.cli import main


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


def test_commands_of_other_packages_are_loaded_only_when_used() -> None:
    code = "import sys; import podlab.cli.main as m; m.command(); print([n for n in sys.modules if n.startswith(%r)])"
    for name in ("podlab.lab", "podlab.verify", "podlab.preflight", "pytest", "paramiko", "ansible", "numpy"):
        ran = subprocess.run([sys.executable, "-c", code % name], capture_output=True, text=True, check=True)
        assert ran.stdout == "[]\n", name


def test_every_command_has_help_of_one_line() -> None:
    root = main.command()
    assert {"get", "describe", "apply", "create", "delete", "logs", "exec", "scale", "rollout", "top", "why"} <= set(
        root.commands
    )
    assert {"api-resources", "version", "cluster-info", "preflight", "verify", "lab", "image"} <= set(root.commands)
    assert all(command.get_short_help_str() for command in root.commands.values())


def test_the_help_of_a_lazy_command_is_its_own() -> None:
    ran = CliRunner().invoke(main.app, ["get", "--help"])
    assert ran.exit_code == 0
    assert "podlab get pods" in ran.output
    assert get_command(main.app) is not None


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
