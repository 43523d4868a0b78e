"""The real kubectl, run on a deployed lab with a home directory of the tests' own."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from podlab_testing.waiting import WITHIN_S


@dataclass(frozen=True)
class Kubectl:
    """`kubectl("get", "pods")` runs it; `inside` gives one that works in another namespace."""

    program: str
    kubeconfig: Path
    home: Path
    namespace: str = "default"
    environment: Mapping[str, str] = field(default_factory=dict)

    def inside(self, namespace: str) -> Kubectl:
        return replace(self, namespace=namespace)

    def with_environment(self, **variables: str) -> Kubectl:
        return replace(self, environment={**self.environment, **variables})

    def command(self, *arguments: str) -> list[str]:
        """What is executed: for tests that need the process itself, with `variables`."""
        return [self.program, "--namespace", self.namespace, *arguments]

    def variables(self) -> dict[str, str]:
        own = {
            "KUBECONFIG": str(self.kubeconfig),
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "LC_ALL": "C.UTF-8",
        }
        return {**os.environ, **own, **self.environment}

    def __call__(
        self, *arguments: str, stdin: str | None = None, check: bool = True, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd=self.home,
            env=self.variables(),
        )
        if check:
            told = f"kubectl {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
            assert done.returncode == 0, told
        return done

    def out(self, *arguments: str, stdin: str | None = None, timeout_s: float = 60) -> str:
        """What a command that succeeds prints, without the last line's end."""
        return self(*arguments, stdin=stdin, timeout_s=timeout_s).stdout.rstrip("\n")

    def refused(self, *arguments: str, stdin: str | None = None, timeout_s: float = 60) -> str:
        """What a command that must fail complains of."""
        done = self(*arguments, stdin=stdin, check=False, timeout_s=timeout_s)
        assert done.returncode != 0, f"kubectl {' '.join(arguments)} succeeded\n{done.stdout}{done.stderr}"
        return done.stderr.strip()

    def json(self, *arguments: str) -> Any:
        return json.loads(self.out(*arguments, "-o", "json"))

    def items(self, *arguments: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json("get", *arguments)["items"]
        return found

    def rows(self, *arguments: str) -> list[list[str]]:
        """The words of each line that is printed."""
        return [line.split() for line in self.out(*arguments).splitlines()]

    @contextmanager
    def running(self, *arguments: str) -> Iterator[Running]:
        """A command that goes on until the block ends."""
        process = subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            cwd=self.home,
            env=self.variables(),
        )
        try:
            yield Running(process)
        finally:
            process.kill()
            process.communicate(timeout=WITHIN_S)


@dataclass(frozen=True)
class Running:
    """A command under way, stdout and stderr in one."""

    process: subprocess.Popen[bytes]
    _said: bytearray = field(default_factory=bytearray)

    def until(self, text: str, within_s: float = 20) -> list[str]:
        """All lines said so far, once one of them holds the text; fails with what came instead."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + within_s
        while text.encode() not in self._said:
            left = deadline - time.monotonic()
            assert left > 0, f"no {text!r} within {within_s:.0f} s; said:\n{self._said.decode()}"
            if select.select([self.process.stdout], [], [], left)[0]:
                chunk = os.read(self.process.stdout.fileno(), 65536)
                assert chunk, f"ended without {text!r}; said:\n{self._said.decode()}"
                self._said.extend(chunk)
        return self._said.decode().splitlines()

    def type(self, text: str) -> None:
        """Hand it the text on stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
