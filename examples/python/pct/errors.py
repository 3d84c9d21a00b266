"""Why a call failed: a class for each status, in groups as the numbers are."""

from __future__ import annotations


class PctError(Exception):
    """A call of the library failed; `str()` says what was attempted, on what, and why."""

    def __init__(
        self, message: str, status: int, kind: str, vmid: int | None = None, errno: int | None = None
    ) -> None:
        super().__init__(message, status, kind, vmid, errno)
        self.message = message
        self.status = status
        """One of the numbers PCT_E_*; they never change."""
        self.kind = kind
        """The short name of the status, such as "not-found"."""
        self.vmid = vmid
        """The container that it was about."""
        self.errno = errno
        """That of the system call at the bottom of it."""

    def __str__(self) -> str:
        return self.message


class UsageError(PctError):
    """1xx: the call itself is wrong, or the library is."""


class InputError(PctError):
    """2xx: what a call names or gives."""


class ParameterError(InputError):
    """A value that was given does not fit."""


class NotFoundError(InputError):
    """There is no such container, volume, storage or snapshot."""


class ExistsError(InputError):
    """What is to be made is there already."""


class StateError(PctError):
    """3xx: the state of the container."""


class LockedError(StateError):
    """Another operation has the container."""


class NotRunningError(StateError):
    """The operation needs a running container."""


class RunningError(StateError):
    """The operation needs a stopped container."""


class RefusedError(StateError):
    """The configuration forbids it."""


class OperationError(PctError):
    """4xx: the operation failed."""


class StartError(OperationError):
    """The container did not start."""


class StopError(OperationError):
    """The container did not stop."""


class WaitTimeoutError(OperationError):
    """What was waited for has not come about in time."""


class CancelledError(OperationError):
    """A callback has asked to stop; what it has raised comes out of the call instead."""


class TooMuchError(OperationError):
    """A command has said more than its caller wants to hold."""


class HostError(PctError):
    """5xx: the host."""


class HelperError(HostError):
    """The program pct-helper is missing or does not fit."""


class UnsupportedError(HostError):
    """This release, storage or host cannot do it."""


class SystemCallError(HostError):
    """The system refused; `errno` may tell more."""


_BY_STATUS: dict[int, type[PctError]] = {
    201: ParameterError,
    202: NotFoundError,
    203: ExistsError,
    301: LockedError,
    302: NotRunningError,
    303: RunningError,
    304: RefusedError,
    401: StartError,
    402: StopError,
    403: WaitTimeoutError,
    404: CancelledError,
    405: TooMuchError,
    501: HelperError,
    502: UnsupportedError,
    503: SystemCallError,
}
_BY_GROUP: dict[int, type[PctError]] = {
    1: UsageError,
    2: InputError,
    3: StateError,
    4: OperationError,
    5: HostError,
}


def class_of(status: int) -> type[PctError]:
    """The class for a status; a number of a newer library is taken as its group."""
    return _BY_STATUS.get(status, _BY_GROUP.get(status // 100, PctError))
