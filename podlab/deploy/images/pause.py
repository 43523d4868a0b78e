"""Process 1 of every pod: it holds the pod's namespaces, reaps orphans and ends on SIGTERM.

There is one per pod, so its memory counts: on amd64 it is 100 bytes of machine code (one page and a stack), elsewhere
a loop of busybox' shell (about half a megabyte).
"""

from typing import Final

from podlab.deploy.images.elf import executable

_AMD64: Final = bytes.fromhex(
    # Block the signals in the set below. Blocked signals reach even process 1 of a namespace, which otherwise
    # never sees one that it has no handler for.
    "b8 0e 00 00 00"  #        mov  eax, 14 (rt_sigprocmask)
    "31 ff"  #                 xor  edi, edi (SIG_BLOCK)
    "48 8d 35 4e 00 00 00"  #  lea  rsi, [set]
    "31 d2"  #                 xor  edx, edx
    "41 ba 08 00 00 00"  #     mov  r10d, 8
    "0f 05"  #                 syscall
    # wait: sleep until one of them arrives.
    "b8 80 00 00 00"  #        mov  eax, 128 (rt_sigtimedwait)
    "48 8d 3d 38 00 00 00"  #  lea  rdi, [set]
    "31 f6"  #                 xor  esi, esi (no siginfo)
    "31 d2"  #                 xor  edx, edx (no time limit)
    "41 ba 08 00 00 00"  #     mov  r10d, 8
    "0f 05"  #                 syscall
    "83 f8 11"  #              cmp  eax, 17 (SIGCHLD)
    "74 0d"  #                 je   reap
    "85 c0"  #                 test eax, eax
    "78 df"  #                 js   wait (interrupted)
    "b8 e7 00 00 00"  #        mov  eax, 231 (exit_group)
    "31 ff"  #                 xor  edi, edi
    "0f 05"  #                 syscall
    # reap: one SIGCHLD may stand for many children.
    "b8 3d 00 00 00"  #        mov  eax, 61 (wait4)
    "6a ff"  #                 push -1 (any child)
    "5f"  #                    pop  rdi
    "31 f6"  #                 xor  esi, esi
    "ba 01 00 00 00"  #        mov  edx, 1 (WNOHANG)
    "45 31 d2"  #              xor  r10d, r10d
    "0f 05"  #                 syscall
    "85 c0"  #                 test eax, eax
    "7f e8"  #                 jg   reap
    "eb bc"  #                 jmp  wait
    # set: SIGINT, SIGTERM, SIGCHLD.
    "02 40 01 00 00 00 00 00"
)

# The shell's wait reaps whatever child has ended, its own or inherited; a trap runs when a wait is interrupted.
_SHELL: Final = b"""#!/bin/sh
trap 'exit 0' TERM INT
while :; do
\tsleep 86400 &
\twait $!
done
"""


def pause_program(architecture: str) -> bytes:
    """The program for one architecture; `needs_shell` says whether busybox must be beside it."""
    return executable(_AMD64) if architecture == "amd64" else _SHELL


def needs_shell(architecture: str) -> bool:
    return architecture != "amd64"
