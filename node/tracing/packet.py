"""An imaginary packet. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from podlab.api.values.ipfamilies import with_port


@dataclass(frozen=True)
class Packet:
    """The first packet of a flow, as the next rule sees it.

    `local` is true when the destination is an address of the node itself, `from_node` when the source is one. The
    interfaces are empty where they are not known. `translated`: a rule has changed the destination.
    """

    source: str
    destination: str
    port: int
    protocol: str = "tcp"
    local: bool = False
    from_node: bool = False
    coming_in: str = ""
    going_out: str = ""
    mark: int = 0
    translated: bool = False

    @property
    def place(self) -> str:
        return with_port(self.destination, self.port)
