from node.kubelet.cri.conversion import unwritable
from node.kubelet.cri.runtime import ShownImage


def test_an_overlay_s_upper_directory_becomes_its_topmost_lower_one() -> None:
    mounted = ShownImage(
        "overlay", "overlay", ("index=off", "workdir=/s/3/work", "upperdir=/s/3/fs", "lowerdir=/s/2/fs:/s/1/fs")
    )
    assert unwritable(mounted).options == ("index=off", "lowerdir=/s/3/fs:/s/2/fs:/s/1/fs")


def test_what_is_one_directory_stays_it() -> None:
    bound = ShownImage("bind", "/s/1/fs", ("rw", "rbind"))
    assert unwritable(bound) == bound
