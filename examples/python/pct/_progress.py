"""What a running operation has to say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import byref
from dataclasses import dataclass
from typing import TypeAlias

from . import _c


@dataclass(frozen=True)
class Message:
    """A line of output."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Warning:
    """Something that did not stop the operation but should be known."""

    text: str

    def __str__(self) -> str:
        return f"WARNING: {self.text}"


@dataclass(frozen=True)
class Bytes:
    """How far a long step is; `total` is None when the end is not known."""

    done: int
    total: int | None

    def __str__(self) -> str:
        return f"{self.done} of {'?' if self.total is None else self.total} bytes"


@dataclass(frozen=True)
class WaitingForLock:
    """Another operation holds the lock of the container, or has just given it free."""

    acquired: bool

    def __str__(self) -> str:
        return "got the lock" if self.acquired else "waiting for the lock"


Event: TypeAlias = Message | Warning | Bytes | WaitingForLock
Progress: TypeAlias = Callable[[Event], object]


@contextmanager
def listening(progress: Progress | None) -> Iterator[object]:
    """The argument of a call for its callbacks.

    No exception may pass through the library. The first one is kept, it asks the library to
    cancel, and is raised when the call has returned.
    """
    if progress is None:
        yield None
        return
    hear = progress
    raised: list[BaseException] = []

    def tell(event: Event) -> int:
        if not raised:
            try:
                hear(event)
            except BaseException as error:
                raised.append(error)
        return len(raised)

    def tell_bytes(_: object, done: int, total: int) -> int:
        return tell(Bytes(done, None if total == _c.TOTAL_UNKNOWN else total))

    callbacks = _c.Progress(
        message=_c.TextCallback(lambda _, text: tell(Message(text.decode()))),
        warning=_c.TextCallback(lambda _, text: tell(Warning(text.decode()))),
        bytes=_c.BytesCallback(tell_bytes),
        waiting_for_lock=_c.LockCallback(lambda _, acquired: tell(WaitingForLock(acquired != 0))),
    )
    try:
        yield byref(callbacks)
    finally:
        if raised:
            raise raised[0]
