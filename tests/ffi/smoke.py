"""The library from Python, with nothing but the standard library.

Arguments: the path of libpct.so, a root directory without containers.
"""

import json
import sys
from ctypes import CDLL, POINTER, Structure, byref, c_bool, c_char_p, c_size_t, c_uint32, c_void_p
from ctypes import cast, sizeof


class CtxOptions(Structure):
    _fields_ = [("struct_size", c_size_t), ("root", c_char_p), ("helper", c_char_p)]


pct = CDLL(sys.argv[1])
# Pointers are c_void_p throughout: c_char_p would lose those that have to be freed.
pct.pct_version.restype = c_char_p
pct.pct_has_feature.restype = c_bool
pct.pct_has_feature.argtypes = [c_char_p]
pct.pct_error_message.restype = c_char_p
pct.pct_error_kind.restype = c_char_p
pct.pct_error_vmid.restype = c_uint32
for name in ["status", "kind", "errno", "vmid", "message", "free"]:
    getattr(pct, "pct_error_" + name).argtypes = [c_void_p]
pct.pct_string_free.argtypes = [c_void_p]
pct.pct_ctx_free.argtypes = [c_void_p]
pct.pct_ctx_new.argtypes = [POINTER(CtxOptions), POINTER(c_void_p), POINTER(c_void_p)]
pct.pct_list_json.argtypes = [c_void_p, POINTER(c_void_p), POINTER(c_void_p)]
pct.pct_container_status_json.argtypes = [c_void_p, c_uint32, POINTER(c_void_p), POINTER(c_void_p)]


class PctError(Exception):
    """What a call has to say when it fails."""


def call(function, *args):
    """Calls, and raises what the error object says."""
    error = c_void_p()
    status = function(*args, byref(error))
    if status != 0:
        raised = PctError(
            status,
            pct.pct_error_kind(error).decode(),
            pct.pct_error_vmid(error),
            pct.pct_error_message(error).decode(),
        )
        pct.pct_error_free(error)
        raise raised


def json_of(function, *args):
    """The value of a call that gives JSON."""
    text = c_void_p()
    call(function, *args, byref(text))
    try:
        return json.loads(cast(text, c_char_p).value)
    finally:
        pct.pct_string_free(text)


assert pct.pct_version().count(b".") == 2
assert pct.pct_has_feature(b"json")
ctx = c_void_p()
call(pct.pct_ctx_new, byref(CtxOptions(sizeof(CtxOptions), sys.argv[2].encode(), None)), byref(ctx))
assert json_of(pct.pct_list_json, ctx) == []
try:
    json_of(pct.pct_container_status_json, ctx, 9001)
    raise SystemExit("found a container that is not there")
except PctError as error:
    status, kind, vmid, message = error.args
    assert (status, kind, vmid) == (202, "not-found", 9001), error
    assert message.endswith("lxc/9001.conf' does not exist"), error
pct.pct_ctx_free(ctx)
print("ok")
