"""Prometheus' text format, and what is counted."""

from __future__ import annotations

from node.kubelet.figures import Counter, Family, Histogram, KubeletFigures, Sample, render


def test_a_family_is_told_with_its_help_and_kind_and_quoted_labels() -> None:
    samples = [Sample(1.5, {"name": 'a "b"\\\n'}), Sample(2)]
    assert render([Family("x", "gauge", "What it is.", samples), Family("none", "gauge", "Nothing.", [])]).decode() == (
        '# HELP x What it is.\n# TYPE x gauge\nx{name="a \\"b\\"\\\\\\n"} 1.5\nx 2\n'
    )


def test_buckets_add_up() -> None:
    histogram = Histogram("d", "Durations.", ("kind",), buckets=(0.1, 1.0))
    for seconds in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(seconds, "a")
    lines = render([histogram.family()]).decode().splitlines()[2:]
    assert lines == [
        'd_bucket{kind="a",le="0.1"} 2', 'd_bucket{kind="a",le="1"} 3', 'd_bucket{kind="a",le="+Inf"} 4',
        'd_sum{kind="a"} 7.6500000000000004', 'd_count{kind="a"} 4',
    ]  # fmt: skip


def test_a_counter_without_labels_begins_with_nothing_and_one_with_labels_with_none() -> None:
    assert b"\nevents 0\n" in render([Counter("events", "Events.").family()])
    assert render([Counter("events", "Events.", ("kind",)).family()]) == b""


def test_what_was_counted_of_a_pod_goes_with_it() -> None:
    figures = KubeletFigures()
    figures.probes.add("Liveness", "failed", "web", "a", "default", "u1")
    figures.probes.add("Liveness", "failed", "web", "b", "default", "u2")
    figures.probes.forget("pod_uid", "u1")
    assert [sample.labels["pod"] for sample in figures.probes.family().samples] == ["b"]
