"""Reads what iptables-save prints: tables with counters, and single rules. Pure.

https://www.netfilter.org/projects/iptables/ and man iptables-extensions(8)
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise

from node.iptables import Ruleset
from node.tracing import effects
from node.tracing.effects import Effect, End, Remember, SendTo, SetMark, To, Unknown
from node.tracing.matches import (
    DESTINATION,
    SOURCE,
    Chance,
    Fixed,
    Is,
    Local,
    Mark,
    Match,
    Remembered,
    State,
    Unread,
)
from node.tracing.rule import Rule
from node.tracing.tables import FILTER, IPTABLES, NAT, Chain, Hook, Line, Table

# linux/netfilter_ipv4.h
_PRIORITIES = {"raw": -300, "mangle": -150, "nat": -100, "filter": 0, "security": 50}
_SOURCE_NAT_PRIORITY = 100
_BUILT_IN = ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING")
_COUNTED = re.compile(r"\[(\d+):(\d+)\] (.*)")
_MANY = 8192
_FIELDS = {"-s": SOURCE, "-d": DESTINATION, "-p": "protocol", "-i": "coming_in", "-o": "going_out"}
_PORTS = ("--dport", "--dports", "--destination-port", "--destination-ports")
_SYN_FLAGS = ("FIN,SYN,RST,ACK", "SYN")
_ENDS = {
    "ACCEPT": effects.ACCEPT,
    "DROP": effects.DROP,
    "REJECT": effects.REJECT,
    "RETURN": effects.RETURN,
    "MASQUERADE": effects.MASQUERADE,
    "SNAT": effects.SOURCE_NAT,
}
_ONLY_COUNTING = frozenset({"LOG", "NFLOG", "CT", "TRACE", "TCPMSS", "CHECKSUM", "CONNMARK"})
_MASK = 0xFFFFFFFF


def tables_of(saved: str, program: str = IPTABLES, family: str = "ip") -> list[Table]:
    """All tables of the text, whosever they are."""
    found: list[Table] = []
    lines: dict[str, list[Line]] = {}
    policies: dict[str, str] = {}
    for each in saved.splitlines():
        if each.startswith("*"):
            name, lines, policies = each[1:].strip(), {}, {}
        elif each.startswith(":"):
            chain, policy, _ = each[1:].split(" ", 2)
            lines[chain], policies[chain] = [], policy
        elif each == "COMMIT":
            chains = {chain: Chain(tuple(has), _hook(name, chain, policies[chain])) for chain, has in lines.items()}
            found.append(Table(program, family, name, chains))
        elif each.startswith(("-A ", "[")):
            chain, line = _line(each)
            lines[chain].append(line)
    return found


def _line(text: str) -> tuple[str, Line]:
    counted = _COUNTED.match(text)
    packets, size, rest = (int(counted[1]), int(counted[2]), counted[3]) if counted else (-1, -1, text)
    _, chain, rule = rest.split(" ", 2)
    return chain, Line(rule, packets, size)


def wanted_tables(ruleset: Ruleset, family: str = "ip") -> list[Table]:
    """Those of rules that we render, with base chains that have nothing but our jumps."""
    found: list[Table] = []
    for name, part in ruleset.items():
        base: dict[str, list[Line]] = {}
        for chain, rule in part.jumps:
            base.setdefault(chain, []).append(Line(rule))
        chains = {chain: Chain(tuple(lines), _hook(name, chain, "ACCEPT")) for chain, lines in base.items()}
        chains |= {chain: Chain(tuple(map(Line, rules))) for chain, rules in part.chains.items()}
        found.append(Table(IPTABLES, family, name, chains))
    return found


def _hook(table: str, chain: str, policy: str) -> Hook | None:
    if chain not in _BUILT_IN:
        return None
    kind = NAT if table == NAT else FILTER
    late = kind == NAT and chain in ("INPUT", "POSTROUTING")
    priority = _SOURCE_NAT_PRIORITY if late else _PRIORITIES.get(table, 0)
    return Hook(chain.lower(), kind, priority, policy.lower())


@lru_cache(maxsize=_MANY)
def rule_of(text: str) -> Rule:
    """A rule, as behind `-A CHAIN`."""
    words = iter(shlex.split(text))
    matches: list[Match] = []
    comment, negated = "", False
    for word in words:
        if word == "!":
            negated = True
            continue
        if word in ("-j", "-g"):
            return Rule(tuple(matches), tuple(_effects(word, list(words))), comment)
        if word == "--comment":
            comment = next(words)
        elif word == "-m":
            next(words)
        else:
            matches += _match(word, words, negated=negated)
        negated = False
    return Rule(tuple(matches), (), comment)


def _match(word: str, words: Iterator[str], *, negated: bool) -> list[Match]:
    if word in _FIELDS:
        return [Is(_FIELDS[word], (next(words),), negated)]
    if word in _PORTS:
        return [Is("port", tuple(each.replace(":", "-") for each in next(words).split(",")), negated)]
    if word in ("--src-type", "--dst-type"):
        kind = next(words)
        field = SOURCE if word == "--src-type" else DESTINATION
        return [Local(field, negated) if kind == "LOCAL" else Unread(f"{word} {kind}")]
    if word in ("--ctstate", "--state", "--ctstatus"):
        return [State(frozenset(next(words).lower().split(",")), negated)]
    if word == "--mark":
        value, _, mask = next(words).partition("/")
        return [Mark(int(value, 0), int(mask, 0) if mask else _MASK, negated)]
    if word == "--syn":
        return [Fixed("tcp", not negated)]
    if word == "--tcp-flags":
        flags = (next(words), next(words))
        return [Fixed("tcp", not negated) if flags == _SYN_FLAGS else Unread(f"{word} {' '.join(flags)}")]
    return _match_of_modules(word, words)


def _match_of_modules(word: str, words: Iterator[str]) -> list[Match]:
    """Chance and memory; what is not known stands there as one."""
    if word == "--probability":
        return [Chance(float(next(words)))]
    if word == "--mode":
        mode = next(words)
        return [] if mode == "random" else [Unread(f"{word} {mode}")]
    if word in ("--rcheck", "--update"):
        return [Remembered()]
    if word in ("--seconds", "--name", "--mask", "--hitcount"):
        next(words)
        return []
    if word in ("--set", "--reap", "--rsource"):
        return []
    return [Unread(word)]


def _effects(word: str, rest: list[str]) -> Iterator[Effect]:
    target, *options = rest
    given = dict(pairwise(options))
    if target in _ENDS:
        yield End(_ENDS[target], " ".join(options))
    elif target == "DNAT":
        yield SendTo((given.get("--to-destination", ""),))
    elif target == "MARK":
        yield _marking(given)
    elif target == "SET":
        yield Remember(given.get("--add-set", ""))
    elif target in ("QUEUE", "NFQUEUE", "REDIRECT", "TPROXY", "NETMAP"):
        yield Unknown(" ".join(rest))
    elif target not in _ONLY_COUNTING:
        yield To((target,), stays=word == "-g")


def _marking(given: Mapping[str, str]) -> Effect:
    for option, text in given.items():
        value, _, mask = text.partition("/")
        if option == "--set-xmark":
            return SetMark(int(mask, 0) if mask else _MASK, int(value, 0))
        if option == "--set-mark":
            return SetMark((int(mask, 0) if mask else _MASK) | int(value, 0), int(value, 0))
    return Unknown("MARK")
