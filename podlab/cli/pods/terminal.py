"""The user's terminal while a command runs in a container: raw keys out, window size along, everything put back."""

import asyncio
import os
import signal
import sys
import termios
import threading
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager

_CHUNK = 32 * 1024
_QUEUED = 16  # chunks read ahead of a slow receiver


@contextmanager
def raw() -> Iterator[None]:
    """Keys go through as they are pressed, Ctrl-C included; the terminal's mode is put back at the end."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor, termios.TCSADRAIN)  # what was typed ahead stays
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def on_resize(changed: Callable[[os.terminal_size], None]) -> Iterator[None]:
    """Calls `changed` with the window's size now and whenever it changes."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGWINCH, lambda: changed(os.get_terminal_size(sys.stdin.fileno())))
    changed(os.get_terminal_size(sys.stdin.fileno()))
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGWINCH)


async def chunks_of_stdin() -> AsyncIterator[bytes]:
    """Standard input until its end, whatever it is: files cannot be polled, so a thread reads.

    The thread is a daemon: one that waits for a key must not keep the process.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    room = threading.Semaphore(_QUEUED)
    descriptor = sys.stdin.fileno()

    def read() -> None:
        data = b"-"
        while data:
            room.acquire()
            try:
                data = os.read(descriptor, _CHUNK)
            except OSError:
                data = b""  # the terminal has gone: the same as its end
            try:
                # No coroutine: one that the loop had no time to begin would be complained of on the user's terminal.
                loop.call_soon_threadsafe(queue.put_nowait, data)
            except RuntimeError:
                return  # the command has ended

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while chunk := await queue.get():
        room.release()
        yield chunk
