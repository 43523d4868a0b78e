import io

from rich.console import Console

from podlab.lab.bringup.summary import Summary, next_steps
from podlab.lab.spec import LabSpec


def test_the_end_of_a_run_tells_hosts_seconds_answers_and_next_steps() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    Summary(
        spec=LabSpec(subnet="10.99.1.0/24"),
        pod="hello-1",
        ready={"n1": True, "n2": False},
        answers={"http://10.99.1.21:30080/": "hello from n1"},
        seconds={"boot": 1.5, "playbook": 30.04},
    ).show(console)
    text = console.export_text()
    for expected in ("m1    10.99.1.11  master  -", "Ready", "NotReady", "30.0", "in all", "31.5", "hello from n1"):
        assert expected in text
    for command in ("podlab why pod hello-1", "make down"):
        assert command in text
    assert "LAB=" not in text


def test_the_next_steps_name_the_lab_when_it_is_not_the_usual_one() -> None:
    steps = next_steps("two", "hello-1")
    assert "export PODLAB_CLUSTER=two" in steps
    assert "make down LAB=two" in steps
