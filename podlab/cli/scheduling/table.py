"""A decision of the scheduler as text: what came out, who refused and why, and the points of those that fit."""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from podlab.api.values import times
from podlab.cli.objects import printing
from podlab.v1.scheduler_pb2 import Explanation, NodeVerdict

_INDENT = "  "
_GAP = 3
# Below this a column of node names says nothing.
_LEAST_NAMES = 20
_MOST_CANDIDATES = 5


def report(explained: Explanation, now: datetime, width: int, *, exists: bool = True) -> list[str]:
    """Lines of at most `width` characters where names let them. `exists` is False for a pod that was only tried."""
    fitting = best_first(explained)
    refused = [node for node in explained.nodes if node.HasField("refused_by")]
    parts = [
        _heading(explained, now, exists=exists),
        _refusals(explained, refused, width),
        _points(explained, fitting, width),
        _preemption(explained),
        _wrapped(f"Filters were asked in this order: {', '.join(explained.filters)}.", width),
    ]
    return [line for part in parts if part for line in (*part, "")][:-1]


def best_first(explained: Explanation) -> list[NodeVerdict]:
    """The nodes that fit; the one that was chosen before those that are as good."""
    fitting = (node for node in explained.nodes if not node.HasField("refused_by"))
    return sorted(fitting, key=lambda node: (node.node_name != explained.node_name, -node.total, node.node_name))


def outcome(explained: Explanation, *, exists: bool = True) -> str:
    """The decision in a sentence."""
    pod = f"pod {explained.namespace}/{explained.name}"
    if explained.gates:
        return f"{pod} is held back by scheduling gates: {', '.join(explained.gates)}"
    if not exists:
        return f"{pod} would go to {explained.node_name}" if explained.node_name else f"{pod} would fit on no node"
    return f"{pod} goes to {explained.node_name}" if explained.node_name else f"{pod} has no node"


def circumstances(explained: Explanation, now: datetime, *, exists: bool = True) -> str:
    """When, by whom and how fast it was decided."""
    took = f"in {explained.duration_us / 1000:.1f} ms by {explained.scheduler_name}"
    if not exists:
        return f"judged now {took}; nothing was made"
    if explained.gates:
        return f"judged now {took}, as if it had none"
    if explained.recomputed:
        return f"judged now {took}, as if it had no node: this is not what was decided then"
    age = times.age(explained.decided_at, now)
    return f"decided {age} ago {took}, attempt {explained.attempts}"


def prospect(explained: Explanation, *, exists: bool = True) -> str:
    """What is to become of a pod that has no node yet; empty when nobody knows."""
    if explained.gates and explained.node_name:
        return f"Without them it would go to {explained.node_name}."
    node = explained.preemption.node_name
    victims = [victim for each in explained.preemption.candidates if each.node_name == node for victim in each.victims]
    if not victims:
        return ""
    told = "less important pod has to go" if len(victims) == 1 else "less important pods have to go"
    return f"Room {'is' if exists else 'would be'} made for it on {node}: {len(victims)} {told}."


def refusal_groups(explained: Explanation) -> list[tuple[str, str, list[str]]]:
    """Plugin, reason, and the nodes that were refused so; what refused most first."""
    groups: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for node in explained.nodes:
        if node.HasField("refused_by"):
            groups[explained.filters[node.refused_by], ", ".join(node.reasons)].append(node.node_name)
    found = [(plugin, reason, sorted(names)) for (plugin, reason), names in groups.items()]
    return sorted(found, key=lambda group: (-len(group[2]), group[:2]))


def draw(explained: Explanation) -> str:
    """Why it is this one of the best; empty when that needs no words."""
    if explained.nominated:
        return f"{explained.node_name} was not compared with the others: room had been made for the pod there."
    if len(explained.tied) < 2:
        return ""
    names = _some(explained.tied, 60)
    return f"{len(explained.tied)} nodes have the most points ({names}): the pod's uid decides among them."


def _heading(explained: Explanation, now: datetime, *, exists: bool) -> list[str]:
    """The message is a line of its own however long it is, to be found as the pod's condition and Event have it."""
    said = [outcome(explained, exists=exists), circumstances(explained, now, exists=exists)]
    return [*said, *filter(None, [explained.message, prospect(explained, exists=exists)])]


def _refusals(explained: Explanation, refused: Sequence[NodeVerdict], width: int) -> list[str]:
    """The names beside the reasons, or below each where these leave no room for them."""
    if not refused:
        return []
    title = f"{len(refused)} of {len(explained.nodes)} nodes refuse it"
    groups = refusal_groups(explained)
    rows = [("NODES", "BY", "REASON"), *((str(len(names)), plugin, reason) for plugin, reason, names in groups)]
    lines = _indented(rows)
    room = width - max(map(len, lines)) - _GAP
    if room >= _LEAST_NAMES:
        names = ["NAMES", *(_some(names, room) for *_, names in groups)]
        return [title, *_indented([(*row, name) for row, name in zip(rows, names, strict=True)])]
    indent = " " * lines[0].index("BY")
    below = (indent + _some(names, width - len(indent)) for *_, names in groups)
    told = (line for pair in zip(lines[1:], below, strict=True) for line in pair)
    return [title, lines[0], *told]


def _points(explained: Explanation, fitting: Sequence[NodeVerdict], width: int) -> list[str]:
    if not fitting:
        return []
    title = f"{len(fitting)} of {len(explained.nodes)} nodes fit"
    if not explained.scores:
        names = _some([node.node_name for node in fitting], max(_LEAST_NAMES, width - len(title) - 40))
        return [f"{title}, all of them alike: {names}", *filter(None, [draw(explained)])]
    columns = [_column(explained, node) for node in fitting]
    plugins = ["PLUGIN", *(plugin.name for plugin in explained.scores), "TOTAL"]
    weights = ["WEIGHT", *(str(plugin.weight) for plugin in explained.scores), ""]
    shown = _as_many_as_fit([plugins, weights], columns, width)
    rows = list(zip(plugins, weights, *shown, strict=True))
    legend = f"{title}. Scores: raw > 0 to 100 > points; plugins without a preference are left out."
    lines = [*_wrapped(legend, width), *_indented(rows)]
    left = fitting[len(shown) :]
    if left:
        low, high = min(node.total for node in left), max(node.total for node in left)
        lines.append(f"{_INDENT}and {len(left)} more with {low} to {high} points; -o html or -o json shows all")
    return [*lines, *filter(None, [draw(explained)])]


def _column(explained: Explanation, node: NodeVerdict) -> list[str]:
    scores = zip(explained.scores, node.raw, node.normalized, strict=True)
    cells = [f"{raw} > {normalized} > {normalized * plugin.weight}" for plugin, raw, normalized in scores]
    mark = " *" if node.node_name == explained.node_name else ""
    return [f"{node.node_name}{mark}", *cells, str(node.total)]


def _as_many_as_fit(first: Sequence[list[str]], columns: Sequence[list[str]], width: int) -> list[list[str]]:
    """One at least."""
    used = len(_INDENT) + sum(max(map(len, column)) + _GAP for column in first)
    shown: list[list[str]] = []
    for column in columns:
        used += max(map(len, column)) + _GAP
        if shown and used - _GAP > width:
            break
        shown.append(column)
    return shown


def _preemption(explained: Explanation) -> list[str]:
    preemption = explained.preemption
    if not preemption.candidates:
        return []
    rows = [("NODE", "MUST GO (PRIORITY)", "BUDGETS BROKEN")]
    for candidate in preemption.candidates[:_MOST_CANDIDATES]:
        victims = [f"{victim.namespace}/{victim.name} ({victim.priority})" for victim in candidate.victims]
        mark = " *" if candidate.node_name == preemption.node_name else ""
        rows.append((f"{candidate.node_name}{mark}", _some(victims, 60), str(candidate.violations)))
    title = f"Less important pods can make room on {len(preemption.candidates)} nodes"
    if len(preemption.candidates) == 1:
        title = "Less important pods can make room on 1 node"
    return [title, *_indented(rows)]


def _indented(rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"{_INDENT}{line}" for line in printing.aligned(rows)]


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=_INDENT)


def _some(names: Sequence[str], room: int) -> str:
    """As many as the room takes, one at least."""
    text = ", ".join(names)
    if len(text) <= room or len(names) == 1:
        return text
    kept = names[0]
    for name in names[1:]:
        if len(kept) + len(name) + 2 + 5 > room:
            break
        kept += f", {name}"
    return f"{kept}, ..."
