"""A report as one page of HTML that needs nothing else, and prints well."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from html import escape
from itertools import groupby
from typing import Final

from podlab.deploy.verify.report.benchmark import Answer, ControlVerdict, State
from podlab.deploy.verify.report.checks import CheckOutcome, MadeCheck
from podlab.deploy.verify.report.document import Report, count

ANSWERS: Final = {
    Answer.CHECKED: "applies, and is checked on the hosts",
    Answer.INHERENT: "applies, and cannot be otherwise",
    Answer.DEFAULT: "applies, and is so unless a variable says otherwise",
    Answer.OTHERWISE: "applies, and is done in another way",
    Answer.YOURS: "is decided by whoever uses the cluster",
    Answer.ABSENT: "does not apply",
}
_MARKS: Final = {
    CheckOutcome.PASSED: ("good", "✓"),
    CheckOutcome.FAILED: ("bad", "✗"),
    CheckOutcome.SKIPPED: ("open", "–"),
}
_STATES: Final = {State.HOLDS: "good", State.FAILS: "bad", State.UNKNOWN: "open", State.DECIDED: ""}
_STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem; color: #1d2430 }
h1 { font-size: 1.6rem } h2 { margin-top: 2.2rem } h3 { margin-bottom: .3rem }
table { border-collapse: collapse; width: 100% } th { text-align: left }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #dde2ea; vertical-align: top }
.good { color: #17713a } .bad { color: #b3261e; font-weight: 600 } .open { color: #8a6100 }
.quiet { color: #5b6574 } td:first-child { white-space: nowrap }
@media (prefers-color-scheme: dark) { body { background: #14181f; color: #e3e8ef } th, td { border-color: #303846 }
  .good { color: #6fd08c } .bad { color: #ff8a80 } .open { color: #e6b94d } .quiet { color: #9aa5b5 } }
"""


def render(report: Report) -> str:
    title = f"Verification of the cluster {report.cluster}"
    counts = count(report.checks)
    summary = f"{counts['passed']} checks passed, {counts['failed']} failed, {counts['skipped']} skipped"
    made = f"{report.made:%Y-%m-%d %H:%M:%S %Z}, Podlab {escape(report.version)}"
    parts = (
        f"<h1>{escape(title)}</h1>",
        f"<p>{summary}. <span class=quiet>{made}</span></p>",
        *_checks(report.checks),
        *_benchmark(report),
    )
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
    return f'<!doctype html>\n<html lang="en">{head}<style>{_STYLE}</style>\n' + "\n".join(parts) + "\n</html>\n"


def _checks(checks: Iterable[MadeCheck]) -> Iterable[str]:
    yield "<h2>Checks</h2>"
    for host, own in groupby(checks, key=lambda check: check.host):
        yield f"<h3>{escape(host)}</h3><table>"
        for check in own:
            kind, mark = _MARKS[check.outcome]
            reason = f"<div class={kind}>{escape(check.reason)}</div>" if check.reason else ""
            yield f"<tr><td class={kind}>{mark}<td>{escape(check.sentence)}{reason}"
        yield "</table>"


def _benchmark(report: Report) -> Iterable[str]:
    benchmark, verdicts = report.benchmark, report.verdicts
    found = Counter(verdict.control.answer for verdict in verdicts)
    yield f"<h2>{escape(benchmark.name)} {escape(benchmark.version)}</h2>"
    yield f"<p>Of {len(verdicts)} controls:</p><ul>"
    yield from (f"<li>{found[answer]} {text}</li>" for answer, text in ANSWERS.items() if found[answer])
    yield "</ul><table><tr><th>Control<th>What<th>Answer<th>This run"
    yield from map(_control, verdicts)
    yield "</table>"


def _control(verdict: ControlVerdict) -> str:
    control = verdict.control
    more = [f"<div class=quiet>{escape(text)}</div>" for text in (control.why, ", ".join(control.tests)) if text]
    more += [
        f"<div class=bad>{escape(f'{check.host}: {check.sentence}: {check.reason}')}</div>" for check in verdict.failed
    ]
    state = f"<td class={_STATES[verdict.state]}>{verdict.state}" if verdict.state else "<td>"
    return f"<tr><td>{escape(control.id)}<td>{escape(control.what)}{''.join(more)}<td>{control.answer}{state}"
