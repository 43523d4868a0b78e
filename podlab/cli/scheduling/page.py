"""A decision of the scheduler as one self-contained page of HTML, with every node."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from podlab.cli.scheduling import table
from podlab.v1.scheduler_pb2 import Explanation, NodeVerdict

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --good: #15803d; --bad: #b91c1c; --dim: #6b7280;
  --heat: 37 99 235; }
@media (prefers-color-scheme: dark) { :root { --good: #4ade80; --bad: #f87171; --dim: #9ca3af; --heat: 96 165 250; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1.5rem; max-width: 90rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; max-width: 70rem; } .dim { color: var(--dim); } .good { color: var(--good); }
.bad { color: var(--bad); } .message { border-left: 4px solid var(--bad); padding: .5rem 1rem; margin: 1rem 0;
  background: var(--soft); }
.scroll { overflow: auto; max-height: 75vh; width: fit-content; max-width: 100%; border: 1px solid var(--line);
  border-radius: 6px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .7rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
th { position: sticky; top: 0; background: Canvas; z-index: 1; vertical-align: bottom; font-weight: 600;
  white-space: normal; line-height: 1.25; }
#nodes td:first-child, #nodes th:first-child { position: sticky; left: 0; background: Canvas; white-space: nowrap; }
#nodes th:first-child { z-index: 2; }
th small, td small { display: block; font-weight: 400; color: var(--dim); }
td.number, th.number { text-align: right; } td.reason { white-space: normal; min-width: 16rem; }
tr.chosen td:first-child { font-weight: 700; box-shadow: inset 4px 0 var(--good); }
tr:last-child td { border-bottom: 0; } button { all: unset; cursor: pointer; }
button:hover, button:focus-visible { text-decoration: underline; }
button.pick { text-decoration: underline dotted; }
th[aria-sort=ascending] button::after { content: " \\2191"; }
th[aria-sort=descending] button::after { content: " \\2193"; }
input { font: inherit; padding: .3rem .6rem; margin: 0 .6rem .6rem 0; min-width: 18rem; }
"""
_SCRIPT = """
const body = document.querySelector("#nodes tbody"), filter = document.querySelector("#filter");
filter?.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\\s+/);
  for (const row of body.rows)
    row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
  const all = body.rows.length, shown = [...body.rows].filter(row => !row.hidden).length;
  document.querySelector("#shown").textContent = shown < all ? `${shown} of ${all} shown` : "";
});
for (const button of document.querySelectorAll("button.pick"))
  button.addEventListener("click", () => {
    filter.value = button.dataset.words;
    filter.dispatchEvent(new Event("input"));
    filter.scrollIntoView({ behavior: "smooth" });
  });
for (const button of document.querySelectorAll("#nodes button.sort"))
  button.addEventListener("click", () => {
    const head = button.closest("th"), place = head.cellIndex, first = place ? "descending" : "ascending";
    const other = place ? "ascending" : "descending", order = head.ariaSort === first ? other : first;
    for (const each of head.parentElement.cells) each.removeAttribute("aria-sort");
    head.ariaSort = order;
    const value = row => row.cells[place].dataset.value ?? row.cells[place].textContent;
    const compare = (a, b) => value(a).localeCompare(value(b), undefined, { numeric: true });
    body.append(...[...body.rows].sort((a, b) => order === "ascending" ? compare(a, b) : compare(b, a)));
  });
"""


def page(explained: Explanation, now: datetime, *, exists: bool = True) -> str:
    """The whole document. Nothing in it comes from elsewhere, so it can be kept and passed on."""
    title = table.outcome(explained, exists=exists)
    kind = "good" if explained.node_name and not explained.gates else "bad"
    parts = [
        f'<h1 class="{kind}">{escape(title)}</h1>',
        _paragraph(table.circumstances(explained, now, exists=exists), "dim"),
        _paragraph(explained.message, "message"),
        _paragraph(table.prospect(explained, exists=exists)),
        _paragraph(table.draw(explained)),
        _refusals(explained),
        _preemption(explained),
        _nodes(explained),
        _paragraph(f"Filters were asked in this order: {', '.join(explained.filters)}.", "dim"),
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    content = "\n".join(filter(None, parts))
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n'
        f"<body>\n{content}\n<script>{_SCRIPT}</script></body></html>\n"
    )


def _paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if text else ""


def _table(head: Iterable[str], rows: Iterable[str], identity: str = "") -> str:
    name = f' id="{identity}"' if identity else ""
    return (
        f'<div class="scroll"><table{name}><thead><tr>{"".join(head)}</tr></thead>'
        f"<tbody>\n{chr(10).join(rows)}\n</tbody></table></div>"
    )


def _refusals(explained: Explanation) -> str:
    groups = table.refusal_groups(explained)
    if not groups:
        return ""
    refused = sum(len(names) for *_, names in groups)
    rows = [
        f'<tr><td class="number">{len(names)}</td>'
        f'<td><button class="pick" data-words="{escape(f"{plugin}: {reason}")}">{escape(plugin)}</button></td>'
        f'<td class="reason">{escape(reason)}</td></tr>'
        for plugin, reason, names in groups
    ]
    head = ['<th class="number">Nodes</th>', "<th>Refused by</th>", "<th>Reason</th>"]
    return f"<h2>{refused} of {len(explained.nodes)} nodes refuse it</h2>" + _table(head, rows)


def _preemption(explained: Explanation) -> str:
    candidates = explained.preemption.candidates
    if not candidates:
        return ""
    rows = []
    for candidate in candidates:
        victims = ", ".join(f"{each.namespace}/{each.name} ({each.priority})" for each in candidate.victims)
        kind = ' class="chosen"' if candidate.node_name == explained.preemption.node_name else ""
        rows.append(
            f'<tr{kind}><td>{escape(candidate.node_name)}</td><td class="reason">{escape(victims)}</td>'
            f'<td class="number">{candidate.violations}</td></tr>'
        )
    head = ["<th>Node</th>", "<th>Must go (priority)</th>", '<th class="number">Budgets broken</th>']
    return "<h2>Less important pods can make room</h2>" + _table(head, rows)


def _nodes(explained: Explanation) -> str:
    fitting = table.best_first(explained)
    refused = sorted((node for node in explained.nodes if node.HasField("refused_by")), key=lambda node: node.node_name)
    if not explained.nodes:
        return ""
    head = [_sortable("Node"), _sortable("Verdict"), _sortable("Points", number=True)]
    head += [_sortable(plugin.name, f"weight {plugin.weight}", number=True) for plugin in explained.scores]
    rows = [_row(explained, node) for node in (*fitting, *refused)]
    title = ("The node" if len(rows) == 1 else f"All {len(rows)} nodes") + (
        ", the best first" if len(fitting) > 1 else ""
    )
    told = (
        "Of each score: points, and below them raw score &gt; score from 0 to 100, which the weight multiplies."
        " Plugins without a preference are left out."
    )
    legend = f'<p class="dim">{told}</p>' if explained.scores else ""
    return (
        f"<h2>{title}</h2>{legend}"
        '<input id="filter" type="search" placeholder="Filter by node, plugin or reason" aria-label="Filter">'
        '<span id="shown" class="dim" role="status"></span>' + _table(head, rows, "nodes")
    )


def _sortable(title: str, small: str = "", *, number: bool = False) -> str:
    """A column's head; a plugin's name may break between its words."""
    kind = ' class="number"' if number else ""
    below = f"<small>{escape(small)}</small>" if small else ""
    words = "<wbr>".join(escape(word) for word in re.findall(r"[A-Z]?[^A-Z]+|[A-Z]+", title))
    return f'<th{kind}><button class="sort">{words}</button>{below}</th>'


def _row(explained: Explanation, node: NodeVerdict) -> str:
    name = f"<td>{escape(node.node_name)}</td>"
    if node.HasField("refused_by"):
        by, reasons = escape(explained.filters[node.refused_by]), escape(", ".join(node.reasons))
        empty = '<td class="number dim" data-value="-1">-</td>' * (1 + len(explained.scores))
        return f'<tr>{name}<td class="reason"><span class="bad">{by}</span>: {reasons}</td>{empty}</tr>'
    is_chosen = node.node_name == explained.node_name
    also = "fits, as good" if node.node_name in explained.tied else "fits"
    kind, verdict = (' class="chosen"', "chosen") if is_chosen else ("", also)
    total = f'<td class="number"><b>{node.total}</b></td>'
    return f'<tr{kind}>{name}<td class="good">{verdict}</td>{total}{"".join(_scores(explained, node))}</tr>'


def _scores(explained: Explanation, node: NodeVerdict) -> Sequence[str]:
    """The deeper the colour, the better the score."""
    return [
        f'<td class="number" data-value="{normalized * plugin.weight}"'
        f' style="background: rgb(var(--heat) / {normalized * 0.35 / 100:.2f})">'
        f"{normalized * plugin.weight}<small>{raw} &gt; {normalized}</small></td>"
        for plugin, raw, normalized in zip(explained.scores, node.raw, node.normalized, strict=True)
    ]
