"""Which rule of a host closes one of its ports: a TCP packet is followed through what the host's tools print.

Pure. What cannot be told from a rule's text (sets, rates, owners) is taken to let nothing through and to stop nothing.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_INPUT: Final = "INPUT"
_CLOSING: Final = ("DROP", "REJECT")
_STATED: Final = {"-s", "--source", "-d", "--destination"}
_DEPTH: Final = 16
# One of those that hosts make connections from.
_EPHEMERAL: Final = 50_000


@dataclass(frozen=True)
class Packet:
    """What comes in: to which port, and of a connection in which state (NEW, ESTABLISHED)."""

    port: int
    state: str


def closing_rule(printed: Mapping[str, str], port: int) -> str:
    """The rule that stops new connections, in the words of the tool that shows it; empty when none is found.

    `printed` is what port_trial.py gives.
    """
    return _stops(printed, Packet(port, "NEW"))


def answers_closing_rule(printed: Mapping[str, str]) -> str:
    """The rule that stops what comes back for connections that the host itself makes."""
    return _stops(printed, Packet(_EPHEMERAL, "ESTABLISHED"))


def _stops(printed: Mapping[str, str], packet: Packet) -> str:
    return _by_iptables(printed.get("iptables", ""), packet) or _by_nftables(printed.get("nftables", ""), packet)


def _by_iptables(text: str, packet: Packet) -> str:
    policies: dict[str, str] = {}
    rules: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith(":"):
            chain, policy = line[1:].split()[:2]
            # Both kinds of iptables may be there: a packet must pass both.
            policies[chain] = policy if policies.get(chain) not in _CLOSING else policies[chain]
        elif line.startswith("-A "):
            rules.setdefault(line.split()[1], []).append(line)
    verdict = _verdict(_INPUT, rules, packet, 0)
    if verdict is None and policies.get(_INPUT) in _CLOSING:
        return f"the policy of iptables' chain INPUT, {policies[_INPUT]}"
    return f"iptables' rule `{verdict}`" if verdict else ""


def _verdict(chain: str, rules: Mapping[str, list[str]], packet: Packet, depth: int) -> str | None:
    """The rule that closes the port, an empty string when one opens it, None when the chain says nothing about it."""
    for rule in rules.get(chain, []) if depth < _DEPTH else []:
        words = shlex.split(rule)
        target = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-j", "-g")), "")
        applies, surely = _applies(words, packet)
        if not applies:
            continue
        if target in _CLOSING:
            return rule
        if target == "ACCEPT" and surely:
            return ""
        if target == "RETURN" and surely:
            return None
        inner = _verdict(target, rules, packet, depth + 1) if target in rules else None
        if inner or (inner == "" and surely):
            return inner
    return None


def _applies(words: list[str], packet: Packet) -> tuple[bool, bool]:
    """Whether the rule is for the packet, which comes from another host, and whether that is sure."""
    surely = True
    for at, word in enumerate(words[:-1]):
        value, negated = words[at + 1], at > 0 and words[at - 1] == "!"
        if word in ("-p", "--protocol") and (value in ("tcp", "6", "all")) is negated:
            return False, True
        if word in ("-i", "--in-interface") and (value == "lo") is not negated:
            return False, True
        if word in ("--dport", "--dports", "--destination-ports") and _covers(value, packet.port) is negated:
            return False, True
        if word in ("--ctstate", "--state") and (packet.state in value.split(",")) is negated:
            return False, True
        if word in _STATED or (word == "-m" and value not in ("tcp", "multiport", "conntrack", "state", "comment")):
            surely = False
    return True, surely


def _covers(ports: str, port: int) -> bool:
    for part in ports.split(","):
        low, _, high = part.partition(":")
        if low.isdecimal() and int(low) <= port <= int(high or low):
            return True
    return False


def _by_nftables(text: str, packet: Packet) -> str:
    for table, chain, lines in _input_chains(text):
        where = f"nftables' chain {chain} of table {table}"
        verdict = next((line for line in lines if _decides(line, packet)), "")
        if verdict and not verdict.endswith("accept"):
            return f"{where}: `{verdict}`"
        if not verdict and any("policy drop" in line for line in lines):
            return f"{where}, whose policy is drop"
    return ""


def _decides(line: str, packet: Packet) -> bool:
    """Whether a rule lets the packet in by its port's number or its state, or stops what it is one of."""
    named = re.search(r"dport (\{[^{}]*\}|\S+)", line)
    covers = named and any(_covers(part.replace("-", ":"), packet.port) for part in re.findall(r"[\d-]+", named[1]))
    if line.endswith("accept"):
        return bool(covers) or ("ct state" in line and packet.state.lower() in line)
    stops = re.search(r"\b(drop|reject)\b", line) and "hook input" not in line and "ct state invalid" not in line
    return bool(stops) and (named is None or bool(covers))


def _input_chains(text: str) -> Iterator[tuple[str, str, list[str]]]:
    """Table, chain and lines of every base chain that packets for the host itself meet."""
    table = chain = ""
    lines: list[str] = []
    for line in map(str.strip, text.splitlines()):
        if found := re.match(r"table (\S+ \S+) \{", line):
            table = found[1]
        elif found := re.match(r"chain (\S+) \{", line):
            chain, lines = found[1], []
        elif line == "}" and chain:
            if any("hook input" in each for each in lines):
                yield table, chain, lines
            chain = ""
        elif chain:
            lines.append(line)
