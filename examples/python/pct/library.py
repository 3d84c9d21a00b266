"""Calls into libpct: errors become exceptions, texts become strings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from ctypes import CDLL, POINTER, byref, c_char_p, c_int32, c_void_p, cast
from functools import cache
from typing import Any, TypeAlias

from . import _c
from .errors import class_of

AnyPath: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]

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


def call(name: str, *args: object) -> None:
    """Calls a function that can fail, and raises when it does."""
    error = c_void_p()
    status = _function(name)(*args, byref(error))
    if status == 0:
        return
    try:
        raise class_of(status)(
            plain("pct_error_message", error).decode(),
            status,
            plain("pct_error_kind", error).decode(),
            plain("pct_error_vmid", error) or None,
            plain("pct_error_errno", error) or None,
        )
    finally:
        plain("pct_error_free", error)


def take(text: c_void_p) -> str | None:
    """What a char * says that the library gave, and frees it."""
    try:
        value = cast(text, c_char_p).value
        return None if value is None else value.decode()
    finally:
        plain("pct_string_free", text)


def call_for_json(name: str, *args: object) -> Any:
    """Calls a function whose last parameter before the error takes a JSON text."""
    out = c_void_p()
    call(name, *args, byref(out))
    return json.loads(take(out) or "null")


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


def strings(values: Iterable[bytes | None]) -> Any:
    """An array of strings that ends in NULL."""
    listed = [*values, None]
    return (c_char_p * len(listed))(*listed)


def version() -> str:
    """The version of the library in use."""
    return str(plain("pct_version").decode())


def has_feature(name: str) -> bool:
    """Whether the library in use has a feature; pct.h lists them."""
    return bool(plain("pct_has_feature", text(name)))
