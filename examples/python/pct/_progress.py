"""What a running operation has to say."""

from __future__ import annotations

from collections.abc import Callable
from ctypes import byref
from dataclasses import dataclass
from typing import Any, TypeAlias

from . import _c
from .library import hear


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


def callbacks(progress: Progress | None) -> Any:
    """The argument of a call that says who hears it."""
    if progress is None:
        return None
    listener = progress

    def tell(event: Event) -> bool:
        return hear(listener, event)

    def tell_bytes(_: object, done: int, total: int) -> bool:
        return tell(Bytes(done, None if total == _c.TOTAL_UNKNOWN else total))

    return byref(
        _c.Progress(
            message=_c.TextCallback(lambda _, text: tell(Message(text.decode()))),
            warning=_c.TextCallback(lambda _, text: tell(Warning(text.decode()))),
            bytes=_c.BytesCallback(tell_bytes),
            waiting_for_lock=_c.LockCallback(lambda _, acquired: tell(WaitingForLock(acquired != 0))),
        )
    )
