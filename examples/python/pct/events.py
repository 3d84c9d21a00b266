"""Containers that start and stop, as it happens."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from ctypes import byref, c_char_p, c_uint32, c_void_p
from typing import Literal, TypeAlias, cast

from .library import Owned, call, plain

State: TypeAlias = Literal["running", "stopped", "gone"]
"""What a container is in now: told again for one that has rebooted, gone when it was destroyed."""


class Events(Owned):
    """The changes of state of all containers of a host since this was made, by `Pct.events`.

        with node.events() as events:
            for vmid, state in events:
                print(vmid, state)

    It has a `fileno`, for a program that waits for other things, too:

        def changed() -> None:
            while change := events.next(0):
                print(*change)

        asyncio.get_running_loop().add_reader(events, changed)
    """

    def __init__(self, ctx: c_void_p) -> None:
        super().__init__("pct_events_free")
        call("pct_events_new", ctx, byref(self.handle))

    def fileno(self) -> int:
        """Readable when there may be a change; then `next(0)` has to be called until it gives None."""
        return cast(int, plain("pct_events_fd", self.handle))

    def next(self, timeout: float | None = None) -> tuple[int, State] | None:
        """The next change: the number of the container, and the state that it is in now.

        None when none has come in so many seconds.
        """
        end = None if timeout is None else time.monotonic() + timeout
        vmid, state = c_uint32(), c_char_p()
        while True:
            call("pct_events_next", self.handle, byref(vmid), byref(state))
            if state.value is not None:
                return vmid.value, cast(State, state.value.decode())
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return None
            poll = select.poll()
            poll.register(self, select.POLLIN)
            poll.poll(None if left is None else left * 1000)

    def __iter__(self) -> Iterator[tuple[int, State]]:
        """All changes that come, without end."""
        while change := self.next():
            yield change
