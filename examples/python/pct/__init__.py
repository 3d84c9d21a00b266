"""System containers by libpct, without a shell and without text to parse.

    import pct

    with pct.Pct() as node:
        web = node.container(101)
        web.create("local:vztmpl/debian.tar.zst", {"hostname": "web"}, progress=print)
        web.start()
        print(web.output(["hostname"], check=True).stdout.decode())

Calls that fail raise a subclass of `PctError`. A `progress` is any callable: it is
given an `Event`, whose `str()` is a line for people. When it raises, the operation
is cancelled where the library can do that, and the exception comes out of the call.
Only an interrupt (Ctrl-C) just as a callback begins is lost to the program: ctypes
reports it by `sys.unraisablehook`.

The package needs libpct.so.0 and nothing but the standard library. Calls release the
lock of the interpreter: other threads go on. One `Pct` may be used by several threads.
"""

from ._progress import Bytes, Event, Message, Progress, WaitingForLock, Warning
from .config import config_schema, parse_config
from .container import Condition, Container, File
from .errors import (
    CancelledError,
    ExistsError,
    HelperError,
    HostError,
    InputError,
    LockedError,
    NotFoundError,
    NotRunningError,
    OperationError,
    ParameterError,
    PctError,
    RefusedError,
    RunningError,
    StartError,
    StateError,
    StopError,
    SystemCallError,
    TooMuchError,
    UnsupportedError,
    UsageError,
    WaitTimeoutError,
)
from .events import Events, State
from .library import HasFileno, has_feature, version
from .node import Content, Log, Pct, StreamFormat
from .types import Value

__all__ = [
    "Bytes",
    "CancelledError",
    "Condition",
    "Container",
    "Content",
    "Event",
    "Events",
    "ExistsError",
    "File",
    "HasFileno",
    "HelperError",
    "HostError",
    "InputError",
    "LockedError",
    "Log",
    "Message",
    "NotFoundError",
    "NotRunningError",
    "OperationError",
    "ParameterError",
    "Pct",
    "PctError",
    "Progress",
    "RefusedError",
    "RunningError",
    "StartError",
    "State",
    "StateError",
    "StopError",
    "StreamFormat",
    "SystemCallError",
    "TooMuchError",
    "UnsupportedError",
    "UsageError",
    "Value",
    "WaitTimeoutError",
    "WaitingForLock",
    "Warning",
    "config_schema",
    "has_feature",
    "parse_config",
    "version",
]
