"""`podlab init`, `join`, `up` and `playbook`: the same playbooks and roles, without a source tree."""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Final

import typer

from podlab.cli.failures import CommandError
from podlab.cli.hosts import inventories
from podlab.client.config import cluster_name, state_directory
from podlab.deploy import ansible
from podlab.deploy.debian import DEFAULT_SUITE
from podlab.deploy.preflight.arguments import PassingOn
from podlab.deploy.preflight.playbook import inventory_given
from podlab.deploy.release.sources import project_root

_LAB_PROGRAMS: Final = {
    "mmdebstrap": "mmdebstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "iptables": "iptables",
    "ssh": "openssh-client",
    "busybox": "busybox-static",
}
Name = Annotated[str, typer.Option("--name", help="What the cluster calls the host.")]


class Init(PassingOn):
    own: ClassVar[Mapping[str, bool]] = {"--name": True}


class UpOrLab(PassingOn):
    own: ClassVar[Mapping[str, bool]] = {
        "--lab": False,
        "--masters": True,
        "--nodes": True,
        "--dual-stack": False,
        "--suite": True,
    }


def init(ctx: typer.Context, name: Name = "m1") -> None:
    """Write an inventory to fill in (podlab init inventory/), or make a cluster of one host (podlab init HOST).

    A word with a slash is a folder, all else a host: [USER@]ADDRESS[:PORT]. The host is master and node; `podlab join`
    adds others. All other options are ansible-playbook's: --private-key FILE, --ask-become-pass, -e NAME=VALUE.
    """
    word, options = _word(ctx.args)
    if "/" in word:
        _write_example(Path(word))
        return
    path = inventories.path_of(cluster_name())
    if path.exists():
        raise CommandError(f"{path} is there already: `podlab join HOST` adds a host, `podlab up -i {path}` deploys it")
    inventories.save(path, inventories.first(cluster_name(), _target(word, name)))
    _run("site", ["-i", str(path), *options])
    typer.echo(f"The cluster stands. Its inventory is {path}; `podlab join HOST` adds a node.")


def join(ctx: typer.Context, name: Name = "") -> None:
    """Add a host as a node to a cluster of `podlab init`.

    The host is [USER@]ADDRESS[:PORT]; one that could not be added is tried again.
    All other options are ansible-playbook's.
    """
    word, options = _word(ctx.args)
    path = inventories.path_of(cluster_name())
    document = inventories.load(path)
    target = _target(word, name or inventories.next_name(document))
    there = inventories.node_at(document, target.address)
    if there and name in ("", there):  # it was cut off, or its host was not fit then
        target = replace(target, name=there)
    else:
        inventories.save(path, inventories.joined(document, target))
    _run("add-node", ["-i", str(path), "-e", f"node={target.name}", *options])


def up(
    ctx: typer.Context,
    lab: Annotated[bool, typer.Option("--lab", help="Make lab hosts on this machine first; needs root.")] = False,
    masters: Annotated[int, typer.Option(help="Of a lab: masters.")] = 1,
    nodes: Annotated[int, typer.Option(help="Of a lab: nodes.")] = 2,
    dual_stack: Annotated[bool, typer.Option("--dual-stack", help="Of a lab: IPv4 and IPv6.")] = False,
    suite: Annotated[str, typer.Option(help="Of a lab: its hosts' release of Debian.")] = DEFAULT_SUITE,
) -> None:
    """Deploy what an inventory says, or a lab on this machine with an example application on it.

    All other options are ansible-playbook's: -i INVENTORY (the cluster's own when not given), -u USER, --limit HOSTS.
    """
    if not lab:
        _run("site", _with_inventory(ctx.args))
        return
    missing = [package for program, package in _LAB_PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        raise CommandError(f"lab hosts need programs that are not here: sudo apt-get install {' '.join(missing)}")
    words = ["--lab", cluster_name(), "--masters", str(masters), "--nodes", str(nodes)]
    words += ["--suite", suite, "--ingress", "n1", *(["--dual-stack"] if dual_stack else [])]
    done = subprocess.run([sys.executable, "-m", "podlab.lab.bringup.up", *words], check=False)
    raise typer.Exit(done.returncode)


def playbook(ctx: typer.Context) -> None:
    """Run one of Podlab's playbooks by its name.

    `podlab playbook reset --limit n2`; without a name it lists them.
    All other options are ansible-playbook's: -i INVENTORY (the cluster's own when not given), -e NAME=VALUE, --check.
    """
    if not ctx.args:
        typer.echo("\n".join(path.stem for path in sorted((project_root() / "playbooks").glob("*.yml"))))
        return
    _run(ctx.args[0], _with_inventory(ctx.args[1:]))


def _word(words: Sequence[str]) -> tuple[str, list[str]]:
    """What comes first, before ansible-playbook's options."""
    if not words or words[0].startswith("-"):
        raise CommandError("name a host, [USER@]ADDRESS[:PORT], or a folder with a slash; options follow it")
    return words[0], list(words[1:])


def _target(word: str, name: str) -> inventories.NewHost:
    try:
        return inventories.parse(word, name)
    except ValueError as error:
        raise CommandError(str(error)) from error


def _write_example(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()):
        raise CommandError(f"{folder} is there and not empty: name another folder")
    shutil.copytree(project_root() / "inventory/example", folder, dirs_exist_ok=True)
    hosts = folder / "hosts.yml"
    text = hosts.read_text().replace(
        ".venv/bin/ansible-playbook -i inventory/mine playbooks/site.yml", f"podlab up -i {folder}"
    )
    hosts.write_text(text)
    typer.echo(f"{hosts}: put in your hosts, then: podlab preflight -i {folder} && podlab up -i {folder}")


def _with_inventory(options: Sequence[str]) -> list[str]:
    if inventory_given(options):
        return list(options)
    return ["-i", str(state_directory(cluster_name()) / "inventory"), *options]


def _run(name: str, options: Sequence[str]) -> None:
    """Ends this command with ansible-playbook's exit code, unless that is 0."""
    try:
        words = ansible.command(ansible.named(name), options)
    except ansible.PlaybookNameError as error:
        raise CommandError(str(error)) from error
    code = subprocess.run(words, env=ansible.environment(), check=False).returncode
    if code != 0:
        raise typer.Exit(code)


def _app(function: object, kind: type[PassingOn]) -> typer.Typer:
    made = typer.Typer(add_completion=False)
    made.command(cls=kind)(function)  # type: ignore[type-var]
    return made


init_app, join_app = _app(init, Init), _app(join, Init)
up_app, playbook_app = _app(up, UpOrLab), _app(playbook, PassingOn)
