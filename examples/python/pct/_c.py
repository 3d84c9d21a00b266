"""What include/pct.h declares, in the terms of ctypes."""

from __future__ import annotations

from ctypes import CFUNCTYPE, POINTER, Structure, c_bool, c_char_p, c_int, c_size_t, c_uint32, c_uint64
from ctypes import c_void_p, sizeof
from typing import Any, ClassVar


class Options(Structure):
    """A struct that begins with its size. What is not given is zero, its default."""

    _fields_: ClassVar[list[Any]] = [("struct_size", c_size_t)]

    def __init__(self, **members: Any) -> None:
        super().__init__(struct_size=sizeof(self), **members)


TextCallback = CFUNCTYPE(c_int, c_void_p, c_char_p)
BytesCallback = CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint64)
LockCallback = CFUNCTYPE(c_int, c_void_p, c_int)
LogCallback = CFUNCTYPE(None, c_void_p, c_int, c_char_p)
TOTAL_UNKNOWN = 2**64 - 1
Strings = POINTER(c_char_p)


class CtxOptions(Options):
    _fields_ = [("root", c_char_p), ("helper", c_char_p), ("log", LogCallback), ("log_user", c_void_p)]


class Progress(Options):
    _fields_ = [
        ("user", c_void_p),
        ("message", TextCallback),
        ("warning", TextCallback),
        ("bytes", BytesCallback),
        ("waiting_for_lock", LockCallback),
    ]


class CreateOptions(Options):
    _fields_ = [
        ("ostemplate", c_char_p),
        ("config", Strings),
        ("storage", c_char_p),
        ("password", c_char_p),
        ("ssh_public_keys", c_char_p),
        ("ignore_unpack_errors", c_int),
        ("start", c_int),
    ]


class DestroyOptions(Options):
    _fields_ = [
        ("force", c_int),
        ("purge", c_int),
        ("destroy_unreferenced_disks", c_int),
        ("reserved", c_int),
    ]


class StartOptions(Options):
    _fields_ = [("debug", c_int), ("skiplock", c_int)]


class StopOptions(Options):
    _fields_ = [("skiplock", c_int), ("reserved", c_int)]


class ShutdownOptions(Options):
    _fields_ = [("timeout_ms", c_uint32), ("force_stop", c_int)]


class RebootOptions(Options):
    _fields_ = [("timeout_ms", c_uint32), ("reserved", c_int)]


class WaitOptions(Options):
    _fields_ = [("timeout_ms", c_uint32), ("reserved", c_int)]


class StartAllOptions(Options):
    _fields_ = [("force", c_int), ("reserved", c_int)]


class StopAllOptions(Options):
    _fields_ = [("timeout_ms", c_uint32), ("reserved", c_int)]


class ConfigOptions(Options):
    _fields_ = [("snapshot", c_char_p), ("current", c_int), ("reserved", c_int)]


class SetOptions(Options):
    _fields_ = [
        ("set", Strings),
        ("unset", Strings),
        ("revert", Strings),
        ("digest", c_char_p),
    ]


class RescanOptions(Options):
    _fields_ = [("dry_run", c_int), ("reserved", c_int)]


class RepairOptions(Options):
    _fields_ = [("dry_run", c_int), ("reserved", c_int)]


class FsckOptions(Options):
    _fields_ = [("device", c_char_p), ("force", c_int), ("reserved", c_int)]


class FstrimOptions(Options):
    _fields_ = [("ignore_mountpoints", c_int), ("reserved", c_int)]


class ResizeOptions(Options):
    _fields_ = [("digest", c_char_p)]


class SnapshotOptions(Options):
    _fields_ = [("description", c_char_p)]


class DeleteSnapshotOptions(Options):
    _fields_ = [("force", c_int), ("reserved", c_int)]


class RollbackOptions(Options):
    _fields_ = [("start", c_int), ("reserved", c_int)]


class CloneOptions(Options):
    _fields_ = [
        ("snapshot", c_char_p),
        ("storage", c_char_p),
        ("hostname", c_char_p),
        ("description", c_char_p),
        ("bwlimit", c_uint64),
        ("full", c_int),
        ("linked", c_int),
    ]


class MoveVolumeOptions(Options):
    _fields_ = [
        ("digest", c_char_p),
        ("bwlimit", c_uint64),
        ("delete_source", c_int),
        ("reserved", c_int),
    ]


class ReassignVolumeOptions(Options):
    _fields_ = [("target_key", c_char_p), ("digest", c_char_p), ("target_digest", c_char_p)]


class StorageSetOptions(Options):
    _fields_ = [("set", Strings), ("unset", Strings)]


class ContentsOptions(Options):
    _fields_ = [("content", c_char_p), ("vmid", c_uint32), ("reserved", c_int)]


class AllocateOptions(Options):
    _fields_ = [("format", c_char_p)]


class VolumeExportOptions(Options):
    _fields_ = [
        ("snapshot", c_char_p),
        ("base", c_char_p),
        ("with_snapshots", c_int),
        ("reserved", c_int),
    ]


class VolumeImportOptions(Options):
    _fields_ = [
        ("snapshot", c_char_p),
        ("base", c_char_p),
        ("delete_snapshot", c_char_p),
        ("allow_rename", c_int),
        ("reserved", c_int),
    ]


class ExecOptions(Options):
    _fields_ = [
        ("keep_env", c_int),
        ("stdin_fd", c_int),
        ("stdout_fd", c_int),
        ("stderr_fd", c_int),
    ]


class OutputOptions(Options):
    _fields_ = [
        ("input", c_char_p),
        ("input_size", c_size_t),
        ("limit", c_size_t),
        ("timeout_ms", c_uint32),
        ("keep_env", c_int),
    ]


class CopyOptions(Options):
    _fields_ = [
        ("user", c_char_p),
        ("group", c_char_p),
        ("mode", c_uint32),
        ("set_mode", c_int),
        ("recursive", c_int),
        ("host_fd", c_int),
    ]


# Pointers to what has to be freed are c_void_p: as c_char_p they would be lost.
_Text = POINTER(c_void_p)
_Ctx = c_void_p
_Progress = POINTER(Progress)

# The parameters of the functions that can fail, without the last one, the error.
PARAMETERS: dict[str, list[Any]] = {
    "pct_ctx_new": [POINTER(CtxOptions), POINTER(c_void_p)],
    "pct_list_json": [_Ctx, _Text],
    "pct_list_of_json": [_Ctx, POINTER(c_uint32), c_size_t, _Text],
    "pct_free_vmid": [_Ctx, POINTER(c_uint32)],
    "pct_storages_json": [_Ctx, c_char_p, _Text],
    "pct_storage_status_json": [_Ctx, _Text],
    "pct_storage_add": [_Ctx, c_char_p, c_char_p, Strings],
    "pct_storage_set": [_Ctx, c_char_p, POINTER(StorageSetOptions)],
    "pct_storage_remove": [_Ctx, c_char_p],
    "pct_storage_contents_json": [_Ctx, c_char_p, POINTER(ContentsOptions), _Text],
    "pct_templates_json": [_Ctx, c_char_p, _Text],
    "pct_volume_allocate": [_Ctx, c_char_p, c_uint32, c_uint64, POINTER(AllocateOptions), _Text],
    "pct_volume_remove": [_Ctx, c_char_p],
    "pct_volume_path": [_Ctx, c_char_p, _Text],
    "pct_volume_export": [
        _Ctx, c_char_p, c_char_p, c_int, POINTER(VolumeExportOptions), _Progress
    ],
    "pct_volume_import": [
        _Ctx, c_char_p, c_char_p, c_int, POINTER(VolumeImportOptions), _Progress, _Text
    ],
    "pct_cpusets_json": [_Ctx, _Text],
    "pct_doctor_json": [_Ctx, POINTER(c_uint32), c_size_t, _Text],
    "pct_start_all": [_Ctx, POINTER(StartAllOptions), _Progress, _Text],
    "pct_stop_all": [_Ctx, POINTER(StopAllOptions), _Progress, _Text],
    "pct_rescan": [_Ctx, POINTER(RescanOptions), _Progress, _Text],
    "pct_config_parse": [c_char_p, c_size_t, c_uint32, _Text],
    "pct_config_schema_json": [_Text],
    "pct_config_to_lxc": [_Ctx, c_uint32, c_char_p, c_size_t, c_char_p, _Progress, _Text, _Text],
    "pct_container_create": [_Ctx, c_uint32, POINTER(CreateOptions), _Progress],
    "pct_container_destroy": [_Ctx, c_uint32, POINTER(DestroyOptions), _Progress],
    "pct_container_start": [_Ctx, c_uint32, POINTER(StartOptions), _Progress],
    "pct_container_stop": [_Ctx, c_uint32, POINTER(StopOptions), _Progress],
    "pct_container_shutdown": [_Ctx, c_uint32, POINTER(ShutdownOptions), _Progress],
    "pct_container_reboot": [_Ctx, c_uint32, POINTER(RebootOptions), _Progress],
    "pct_container_suspend": [_Ctx, c_uint32, _Progress],
    "pct_container_resume": [_Ctx, c_uint32, _Progress],
    "pct_container_unlock": [_Ctx, c_uint32, _Progress],
    "pct_container_wait": [_Ctx, c_uint32, c_char_p, POINTER(WaitOptions), _Progress],
    "pct_container_is_running": [_Ctx, c_uint32, POINTER(c_bool)],
    "pct_container_status_json": [_Ctx, c_uint32, _Text],
    "pct_container_config_json": [_Ctx, c_uint32, POINTER(ConfigOptions), _Text],
    "pct_container_pending_json": [_Ctx, c_uint32, _Text],
    "pct_container_snapshots_json": [_Ctx, c_uint32, _Text],
    "pct_container_interfaces_json": [_Ctx, c_uint32, _Text],
    "pct_container_doctor_json": [_Ctx, c_uint32, _Text],
    "pct_container_init_pidfd": [_Ctx, c_uint32, POINTER(c_int)],
    "pct_container_set": [_Ctx, c_uint32, POINTER(SetOptions), _Progress],
    "pct_container_rescan": [_Ctx, c_uint32, POINTER(RescanOptions), _Progress],
    "pct_container_repair": [_Ctx, c_uint32, POINTER(RepairOptions), _Progress, _Text],
    "pct_container_mount": [_Ctx, c_uint32, _Progress, _Text],
    "pct_container_unmount": [_Ctx, c_uint32, _Progress],
    "pct_container_df_json": [_Ctx, c_uint32, _Progress, _Text],
    "pct_container_fsck": [_Ctx, c_uint32, POINTER(FsckOptions), _Progress],
    "pct_container_fstrim": [
        _Ctx, c_uint32, POINTER(FstrimOptions), _Progress, POINTER(c_uint64)
    ],
    "pct_container_resize": [
        _Ctx, c_uint32, c_char_p, c_char_p, POINTER(ResizeOptions), _Progress
    ],
    "pct_container_move_volume": [
        _Ctx, c_uint32, c_char_p, c_char_p, POINTER(MoveVolumeOptions), _Progress
    ],
    "pct_container_reassign_volume": [
        _Ctx, c_uint32, c_char_p, c_uint32, POINTER(ReassignVolumeOptions), _Progress
    ],
    "pct_container_snapshot": [_Ctx, c_uint32, c_char_p, POINTER(SnapshotOptions), _Progress],
    "pct_container_delete_snapshot": [
        _Ctx, c_uint32, c_char_p, POINTER(DeleteSnapshotOptions), _Progress
    ],
    "pct_container_rollback": [_Ctx, c_uint32, c_char_p, POINTER(RollbackOptions), _Progress],
    "pct_container_clone": [_Ctx, c_uint32, c_uint32, POINTER(CloneOptions), _Progress],
    "pct_container_template": [_Ctx, c_uint32, _Progress],
    "pct_container_exec_wait": [_Ctx, c_uint32, Strings, POINTER(ExecOptions), POINTER(c_int)],
    "pct_container_exec_output": [
        _Ctx, c_uint32, Strings, POINTER(OutputOptions), POINTER(c_void_p)
    ],
    "pct_container_push": [_Ctx, c_uint32, c_char_p, c_char_p, POINTER(CopyOptions), _Progress],
    "pct_container_pull": [_Ctx, c_uint32, c_char_p, c_char_p, POINTER(CopyOptions), _Progress],
    "pct_events_new": [_Ctx, POINTER(c_void_p)],
    "pct_events_next": [c_void_p, POINTER(c_uint32), POINTER(c_char_p)],
}  # fmt: skip

# The functions that cannot.
OTHERS: dict[str, tuple[list[Any], Any]] = {
    "pct_version": ([], c_char_p),
    "pct_has_feature": ([c_char_p], c_bool),
    "pct_error_kind": ([c_void_p], c_char_p),
    "pct_error_errno": ([c_void_p], c_int),
    "pct_error_vmid": ([c_void_p], c_uint32),
    "pct_error_message": ([c_void_p], c_char_p),
    "pct_error_free": ([c_void_p], None),
    "pct_string_free": ([c_void_p], None),
    "pct_ctx_free": ([c_void_p], None),
    "pct_output_exit_status": ([c_void_p], c_int),
    "pct_output_stdout": ([c_void_p, POINTER(c_size_t)], c_void_p),
    "pct_output_stderr": ([c_void_p, POINTER(c_size_t)], c_void_p),
    "pct_output_free": ([c_void_p], None),
    "pct_events_fd": ([c_void_p], c_int),
    "pct_events_free": ([c_void_p], None),
}
