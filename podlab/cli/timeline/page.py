"""The ways of pods as one self-contained page of HTML: a bar for each step, on one scale for each pod. Pure."""

from __future__ import annotations

from html import escape

from podlab.cli.timeline import chart
from podlab.cli.timeline.chart import ms
from podlab.spans.way import Share, Way, shares, with_waits

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --dim: #6b7280; --bad: #b91c1c;
  --apiserver: #2563eb; --controllers: #7c3aed; --scheduler: #0d9488; --kubelet: #d97706; --proxy: #db2777;
  --dns: #65a30d; }
@media (prefers-color-scheme: dark) { :root { --dim: #9ca3af; --bad: #f87171; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; padding: 0 1.5rem; max-width: 90rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .25rem; }
p { margin: .25rem 0; } .dim { color: var(--dim); } .slowest { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
td.number, th.number { text-align: right; } td.bar { width: 55%; min-width: 20rem; padding: 0; }
.track { position: relative; height: 1rem; } .track i { position: absolute; top: 0; height: 100%; min-width: 2px;
  border-radius: 2px; background: var(--of, var(--dim)); }
tr.wait { color: var(--dim); } tr.wait .track i { background: none; border-bottom: 2px dotted var(--dim); height: 50%; }
tr:hover { background: var(--soft); } tr.worst td { font-weight: 600; }
"""
_MOST_OPEN = 5
"""So many pods show their steps at once; those of the others open by a click."""


def page(target: str, ways: dict[str, Way]) -> str:
    """The whole document. Nothing in it comes from elsewhere, so it can be kept and passed on."""
    title = f"Timeline of {target}"
    order = sorted(ways, key=lambda name: (-(ways[name].reached_ns or ways[name].ready_ns or 0), name))
    parts = [_pod(name, ways[name], is_open=at < _MOST_OPEN) for at, name in enumerate(order)]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    legend = "Dotted: a wait, in which nobody that was asked did anything for the pod. ~: as exact as a second."
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n'
        f'<body>\n<h1>{escape(title)}</h1><p class="dim">{legend}</p>\n{chr(10).join(parts)}\n</body></html>\n'
    )


def _pod(name: str, found: Way, *, is_open: bool) -> str:
    opened = " open" if is_open else ""
    notes = "".join(f'<p class="dim">{escape(each)}</p>' for each in chart.notes(found))
    return (
        f"<h2>{escape(chart.sentence(name, found))}</h2>"
        f'<p class="slowest">{escape(chart.slowest(found))}</p>'
        f"<details{opened}><summary>{len(found.steps)} steps</summary>{_table(found)}</details>{notes}"
    )


def _table(found: Way) -> str:
    whole_ns = max((each.ended_ns for each in found.steps), default=0) - found.began_ns
    worst = next(iter(shares(found)), None)
    listed = with_waits(found, max(1, int(whole_ns * chart.LEAST_SHARE)))
    rows = "\n".join(_row(found, each, whole_ns, is_worst=each == worst) for each in listed)
    head = '<th class="number">At</th><th class="number">Took</th><th>Step</th><th>By</th><th></th>'
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>'


def _row(found: Way, share: Share, whole_ns: int, *, is_worst: bool) -> str:
    step = share.step
    at_ns = share.began_ns - found.began_ns
    left, width = (100 * each / max(1, whole_ns) for each in (at_ns, share.took_ns))
    kinds = " ".join(kind for kind, is_one in (("wait", share.is_wait), ("worst", is_worst)) if is_one)
    mark = "" if step.exact else "~"
    return (
        f'<tr class="{kinds}"><td class="number">{mark}{ms(at_ns)}</td>'
        f'<td class="number">{ms(share.took_ns) if share.took_ns else ""}</td>'
        f"<td>{escape(share.title)}</td><td>{escape(step.where)}</td>"
        f'<td class="bar"><div class="track" style="--of: var(--{escape(step.component)})">'
        f'<i style="left: {left:.2f}%; width: {width:.2f}%"></i></div></td></tr>'
    )
