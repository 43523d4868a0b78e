"""The node's DNS server as the role `dns` sets it up, on a loopback address of a test's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from types import TracebackType

from jinja2 import Environment, FileSystemLoader

from node.dns.message import Reply
from podlab_testing.dns_client import ask
from podlab_testing.source_code import PROJECT
from podlab_testing.waiting import until

ROLE = PROJECT / "playbooks/roles/dns"
ADDRESS = "127.0.0.1"
KRESD = shutil.which("kresd", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Resolver:
    """A kresd that reads the files in `directory`. Ends with the `async with` block."""

    def __init__(self, directory: Path, port: int, control: str = "control") -> None:
        self.directory, self.port, self.control = directory, port, control
        self._process: subprocess.Popen[bytes] | None = None
        template = Environment(loader=FileSystemLoader(ROLE / "templates"), autoescape=False).get_template(
            "kresd.conf.j2"
        )
        self._config = directory / "kresd.conf"
        self._config.write_text(
            template.render(
                ansible_managed="of a test",
                dns_directory=directory,
                dns_modules=ROLE / "files",
                dns_cache_mib=10,
                dns_port=port,
                podlab_dns_address=ADDRESS,
            )
        )

    async def start(self) -> None:
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - it runs on
                [str(KRESD), "--noninteractive", "--config", str(self._config), str(self.directory)],
                stdout=log,
                stderr=log,
                env={**os.environ, "PODLAB_DNS_CONTROL": self.control},
            )
        await until(self._is_open, "kresd listens on its control socket")

    def _is_open(self) -> bool:
        """The socket is there before somebody listens on it."""
        with socket.socket(socket.AF_UNIX) as asking:
            return asking.connect_ex(str(self.directory / self.control)) == 0

    def stop(self) -> None:
        """As hard as it can be."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            (self.directory / self.control).unlink(missing_ok=True)
            self._process = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def log(self) -> str:
        return (self.directory / "log").read_text()

    def ask(self, name: str, kind: str = "A", *, tcp: bool = False, edns: int = 0, timeout_s: float = 12.0) -> Reply:
        return ask(ADDRESS, self.port, name, kind, tcp=tcp, edns=edns, timeout_s=timeout_s)

    async def __aenter__(self) -> Resolver:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()
