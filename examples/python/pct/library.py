"""Calls into libpct: errors become exceptions, texts become strings, and nothing is left."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import CDLL, POINTER, byref, c_char_p, c_int32, c_uint32, c_void_p, cast
from functools import cache
from typing import Any, Protocol, Self, TypeAlias

from . import _c
from .errors import class_of
from .types import Value

AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]


class HasFileno(Protocol):
    """Something with a file descriptor: a file, a socket, the end of a pipe."""

    def fileno(self) -> int: ...


_library = CDLL("libpct.so.0")


@cache
def _function(name: str) -> Callable[..., Any]:
    """A function with its types. Looked up when it is used: an older library lacks some."""
    function = getattr(_library, name)
    if name in _c.PARAMETERS:
        function.argtypes, function.restype = [*_c.PARAMETERS[name], POINTER(c_void_p)], c_int32
    else:
        function.argtypes, function.restype = _c.OTHERS[name]
    return function  # type: ignore[no-any-return]


def plain(name: str, *args: object) -> Any:
    """Calls a function that cannot fail."""
    return _function(name)(*args)


class Owned:
    """What the library gives and takes back, when this is closed or its `with` ends."""

    def __init__(self, free: str) -> None:
        self.handle = c_void_p()
        self._free = free

    def close(self) -> None:
        """It cannot be used any more."""
        handle, self.handle = self.handle, c_void_p()
        plain(self._free, handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Kept(threading.local):
    """What a callback of the call that this thread is in has raised."""

    raised: BaseException | None = None


_kept = _Kept()


def hear(listener: Callable[..., object], *values: object) -> bool:
    """Calls what the program has given to hear something; whether the library should stop.

    No exception may pass through the library. The first one is kept, and raised by `call`;
    then nothing more is heard.
    """
    if _kept.raised is None:
        try:
            listener(*values)
        except BaseException as error:
            _kept.raised = error
    return _kept.raised is not None


def call(name: str, *args: object) -> None:
    """Calls a function that can fail, and raises when it or a callback does."""
    with Owned("pct_error_free") as owned:
        try:
            status = _function(name)(*args, byref(owned.handle))
            error = owned.handle
            if status != 0:
                raise class_of(status)(
                    plain("pct_error_message", error).decode(),
                    status,
                    plain("pct_error_kind", error).decode(),
                    plain("pct_error_vmid", error) or None,
                    plain("pct_error_errno", error) or None,
                )
        finally:
            raised, _kept.raised = _kept.raised, None
            if raised is not None:
                raise raised


def taken(owned: Owned) -> str | None:
    """What a char * says."""
    value = cast(owned.handle, c_char_p).value
    return None if value is None else value.decode()


def call_for_text(name: str, *args: object) -> str:
    """Calls a function whose last parameter before the error takes a text."""
    with Owned("pct_string_free") as out:
        call(name, *args, byref(out.handle))
        return taken(out) or ""


def call_for_json(name: str, *args: object) -> Any:
    """The same where the text is JSON."""
    return json.loads(call_for_text(name, *args))


def text(value: str | None) -> bytes | None:
    """A string for C, which would take it to end at a NUL."""
    if value is None:
        return None
    if "\0" in value:
        raise ValueError("a string for libpct must not contain NUL")
    return value.encode()


def path(value: AnyPath | None) -> bytes | None:
    """A path of the host, or a word of a command, for C: any bytes but NUL."""
    if value is None:
        return None
    encoded = os.fsencode(value)
    if b"\0" in encoded:
        raise ValueError("a path or a command for libpct must not contain NUL")
    return encoded


def descriptor(file: int | HasFileno) -> int:
    """A file descriptor for C."""
    fd = file if isinstance(file, int) else file.fileno()
    if fd < 0:
        raise ValueError(f"{fd} is no open file: the constants of subprocess mean nothing here")
    return fd


def strings(values: Iterable[bytes | None]) -> Any:
    """An array of strings that ends in NULL."""
    listed = [*values, None]
    return (c_char_p * len(listed))(*listed)


def assignments(config: Mapping[str, Value]) -> Any:
    """An array of words such as "memory=512"; switches are 0 or 1."""
    plain = {key: int(value) if isinstance(value, bool) else value for key, value in config.items()}
    return strings(text(f"{key}={value}") for key, value in plain.items())


def numbers(values: Sequence[int]) -> tuple[Any, int]:
    """An array of numbers of containers, and how many."""
    return (c_uint32 * len(values))(*values), len(values)


def version() -> str:
    """The version of the library in use."""
    return str(plain("pct_version").decode())


def has_feature(name: str) -> bool:
    """Whether the library in use has a feature; pct.h lists them."""
    return bool(plain("pct_has_feature", text(name)))
