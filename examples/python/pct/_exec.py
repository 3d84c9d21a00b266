"""A command inside a container, as `subprocess.run` runs one outside."""

from __future__ import annotations

import os
import select
import selectors
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from subprocess import DEVNULL, PIPE, STDOUT, TimeoutExpired
from typing import IO, Any, TypeAlias

from . import _c
from .library import AnyPath

File: TypeAlias = int | IO[Any] | None
"""A file descriptor, something that has one, PIPE, DEVNULL, or None for that of this process."""

GRACE_S = 5.0
"""How long a command may take to end when it has been asked to."""


@dataclass
class Ended:
    """How a command ended, and what of its output was captured."""

    returncode: int
    stdout: bytes | None
    stderr: bytes | None


@dataclass
class Process:
    """The child of this process that stands for the command, and passes signals on to it."""

    pid: int
    pidfd: int

    def end(self) -> int:
        """Ends it if it still runs; its exit status, below 0 when a signal has ended it."""
        if not self._has_ended(0):
            signal.pidfd_send_signal(self.pidfd, signal.SIGTERM)
            if not self._has_ended(GRACE_S):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def _has_ended(self, timeout: float) -> bool:
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(timeout * 1000))


@dataclass
class Capture:
    """The end of a pipe to read from, and what has come out of it."""

    fd: int
    data: bytearray = field(default_factory=bytearray)

    def read(self) -> bool:
        """Takes what is there; whether more may come."""
        try:
            # More than a pipe holds: one read empties it.
            chunk = os.read(self.fd, 1 << 20)
        except BlockingIOError:
            return True
        self.data += chunk
        return bool(chunk)


def run(
    spawn: Callable[[_c.ExecOptions], Process],
    command: Sequence[AnyPath],
    *,
    input: bytes | None,
    stdin: File,
    stdout: File,
    stderr: File,
    keep_env: bool,
    timeout: float | None,
) -> Ended:
    """Runs a command to its end, and takes its output meanwhile."""
    with ExitStack() as ours:
        with ExitStack() as theirs:
            in_fd = _source(theirs, input, stdin)
            out_fd, out = _sink(ours, theirs, stdout)
            if stderr == STDOUT:
                err_fd, err = (1 if out_fd < 0 else out_fd), None
            else:
                err_fd, err = _sink(ours, theirs, stderr)
            process = spawn(
                _c.ExecOptions(keep_env=keep_env, stdin_fd=in_fd, stdout_fd=out_fd, stderr_fd=err_fd)
            )
            ours.callback(os.close, process.pidfd)
        try:
            _collect(process.pidfd, [capture for capture in (out, err) if capture], timeout)
        except TimeoutError:
            raise TimeoutExpired(command, timeout or 0, _data(out), _data(err)) from None
        finally:
            returncode = process.end()
    return Ended(returncode, _data(out), _data(err))


def _collect(pidfd: int, captures: list[Capture], timeout: float | None) -> None:
    """Reads until the process has ended; not longer, because something that it has left behind
    may hold its output open."""
    end = None if timeout is None else time.monotonic() + timeout
    with selectors.DefaultSelector() as selector:
        selector.register(pidfd, selectors.EVENT_READ)
        for capture in captures:
            os.set_blocking(capture.fd, False)
            selector.register(capture.fd, selectors.EVENT_READ, capture)
        ended = False
        while not ended:
            ready = selector.select(None if end is None else max(0, end - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                if key.fd == pidfd:
                    ended = True
                elif not key.data.read():
                    selector.unregister(key.fd)
    for capture in captures:
        capture.read()


def _data(capture: Capture | None) -> bytes | None:
    return None if capture is None else bytes(capture.data)


def _source(theirs: ExitStack, input: bytes | None, stdin: File) -> int:
    """The standard input of a command; a file in memory needs nobody to fill it."""
    if input is None:
        if stdin == PIPE:
            raise ValueError("give the input of the command as input")
        return _opened(theirs, stdin)
    if stdin is not None:
        raise ValueError("stdin and input may not both be given")
    file = theirs.enter_context(open(os.memfd_create("input"), "wb"))
    file.write(input)
    file.seek(0)
    return file.fileno()


def _sink(ours: ExitStack, theirs: ExitStack, file: File) -> tuple[int, Capture | None]:
    """An output of a command, and the end to read it from if it is captured."""
    if file != PIPE:
        return _opened(theirs, file), None
    reader, writer = os.pipe()
    # A command may open /dev/stderr: that asks for the permissions of the pipe, and root of the
    # container is not root here. Nobody else gets at it.
    os.fchmod(writer, 0o622)
    ours.callback(os.close, reader)
    theirs.callback(os.close, writer)
    return writer, Capture(reader)


def _opened(theirs: ExitStack, file: File) -> int:
    if file is None:
        return -1
    if file == DEVNULL:
        fd = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        theirs.callback(os.close, fd)
        return fd
    return file if isinstance(file, int) else file.fileno()
