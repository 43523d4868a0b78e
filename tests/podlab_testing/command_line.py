"""The command line as a user runs it: a process of its own, in a directory with the cluster's state."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from podlab.tls import Tls
from podlab_testing.source_code import PROJECT

PATIENCE_S = 60


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


class Podlab:
    """Call it with a command line; `directory` is where it runs."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    async def start(self, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL) -> asyncio.subprocess.Process:
        environment = {**os.environ, "PYTHONPATH": str(PROJECT), "PODLAB_CLUSTER": "test", "COLUMNS": "120"}
        environment.pop("PODLAB_DEBUG", None)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "podlab.cli.main",
            *arguments,
            cwd=self.directory,
            env=environment,
            stdin=stdin,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def __call__(self, *arguments: str, stdin: bytes | None = None) -> Result:
        process = await self.start(*arguments, stdin=asyncio.subprocess.PIPE if stdin is not None else -3)
        async with asyncio.timeout(PATIENCE_S):
            out, err = await process.communicate(stdin)
        assert process.returncode is not None
        return Result(process.returncode, out.decode(), err.decode())

    async def ok(self, *arguments: str, stdin: bytes | None = None) -> str:
        """The output of a command that must succeed."""
        result = await self(*arguments, stdin=stdin)
        assert result.code == 0, result
        return result.out

    async def fails(self, *arguments: str, stdin: bytes | None = None) -> str:
        """The message of a command that must fail with 1, without a traceback."""
        result = await self(*arguments, stdin=stdin)
        assert result.code == 1, result
        assert "Traceback" not in result.err
        return result.err


def configure(directory: Path, server: str, tls: Tls) -> Podlab:
    """State of the cluster `test` in the directory, as a deployment leaves it."""
    state = directory / ".podlab" / "test"
    state.mkdir(parents=True)
    files = {"ca": str(tls.ca), "cert": str(tls.cert), "key": str(tls.key)}
    (state / "client.yaml").write_text(yaml.safe_dump({"cluster": "test", "server": server, "tls": files}))
    return Podlab(directory)
