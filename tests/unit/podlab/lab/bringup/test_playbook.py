from podlab.lab.bringup.playbook import Compact

GOOD = """\

PLAY [Prepare every host] ******************************************************

TASK [host : Install packages] *************************************************
changed: [m1]
ok: [n1]

PLAY RECAP *********************************************************************
m1                         : ok=2    changed=1    unreachable=0    failed=0
"""
BAD = """\
TASK [runtime : Start containerd] **********************************************
ok: [n1]
fatal: [n2]: FAILED! => {
    "msg": "no such unit"
}
ok: [n3]
some warning
TASK [runtime : Next] **********************************************************
ok: [n1]
"""


def shown(output: str) -> list[str]:
    compact = Compact()
    return [line for written in output.splitlines() for line in compact.feed(written)]


def test_a_good_run_shows_its_plays_and_its_recap() -> None:
    assert shown(GOOD) == [
        "  Prepare every host",
        "  m1                         : ok=2    changed=1    unreachable=0    failed=0",
    ]


def test_a_failing_task_is_named_and_its_output_shown_in_full() -> None:
    assert shown(BAD) == [
        "  failed: runtime : Start containerd",
        "fatal: [n2]: FAILED! => {",
        '    "msg": "no such unit"',
        "}",
    ]


def test_the_task_that_runs_is_known_while_it_runs() -> None:
    compact = Compact()
    compact.feed("TASK [node : Start the kubelet] ****")
    assert compact.task == "node : Start the kubelet"
