"""What `pct._c` declares is what the header does: a mistake there is a crash, not an exception."""

from __future__ import annotations

import re
from ctypes import CFUNCTYPE, POINTER, c_bool, c_char_p, c_int, c_size_t, c_uint32, c_uint64
from ctypes import c_void_p
from pathlib import Path
from typing import Any

import pytest
from pct import _c

HEADER = Path(__file__).parents[3] / "include/pct.h"

STRUCTS: dict[str, type[_c.Options]] = {
    "pct" + re.sub(r"([A-Z])", r"_\1", struct.__name__).lower(): struct
    for struct in _c.Options.__subclasses__()
}

TYPES: dict[str, Any] = {
    "size_t": c_size_t,
    "int": c_int,
    "uint32_t": c_uint32,
    "uint64_t": c_uint64,
    "void *": c_void_p,
    # Bytes.
    "const void *": c_char_p,
    "const pct_ctx *": c_void_p,
    "const pct_events *": c_void_p,
    "const char *": c_char_p,
    "const char *const *": POINTER(c_char_p),
    "const uint32_t *": POINTER(c_uint32),
    "uint32_t *": POINTER(c_uint32),
    "uint64_t *": POINTER(c_uint64),
    "int *": POINTER(c_int),
    "bool *": POINTER(c_bool),
    "const char **": POINTER(c_char_p),
    # What is to be freed.
    "char **": POINTER(c_void_p),
    "pct_ctx **": POINTER(c_void_p),
    "pct_error **": POINTER(c_void_p),
    "pct_output **": POINTER(c_void_p),
    "pct_events **": POINTER(c_void_p),
    **{f"const {name} *": POINTER(struct) for name, struct in STRUCTS.items()},
}


@pytest.fixture(scope="module")
def header() -> str:
    if not HEADER.exists():
        pytest.skip(f"{HEADER} is not there")
    return re.sub(r"/\*.*?\*/|\s+", " ", HEADER.read_text(), flags=re.DOTALL)


def declared(text: str) -> tuple[str, Any]:
    """The name and type of "const char *root"."""
    callback = re.fullmatch(r"(int|void) \(\*(\w+)\)\((.*)\)", text.strip())
    if callback:
        result = c_int if callback[1] == "int" else None
        return callback[2], CFUNCTYPE(result, *parameters(callback[3]))
    match = re.fullmatch(r"(.*?) ?(\w+)", text.strip())
    assert match, text
    return match[2], TYPES[match[1]]


def parameters(text: str) -> list[Any]:
    return [declared(parameter)[1] for parameter in text.split(",")]


@pytest.mark.parametrize("name", STRUCTS)
def test_a_struct_is_that_of_the_header(header: str, name: str) -> None:
    match = re.search(rf"typedef struct {name} {{(.*?)}} {name};", header)
    assert match, name
    members = [declared(member) for member in match[1].split(";") if member.strip()]
    assert [*_c.Options._fields_, *STRUCTS[name]._fields_] == members


@pytest.mark.parametrize("name", _c.PARAMETERS)
def test_a_function_is_that_of_the_header(header: str, name: str) -> None:
    match = re.search(rf"pct_status {name}\((.*?)\);", header)
    assert match, name
    assert [*_c.PARAMETERS[name], POINTER(c_void_p)] == parameters(match[1])
