"""All containers of a host."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from ctypes import byref, c_uint32
from os import PathLike
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from . import _c
from ._progress import Progress, callbacks
from .config import encoded
from .container import Container, milliseconds
from .events import Events
from .library import HasFileno, Owned, assignments, call, call_for_json, call_for_text, descriptor
from .library import hear, numbers, path, strings, taken, text
from .types import Ailment, Cpuset, Failed, Status, StorageContent, StorageStatus, Value

Log: TypeAlias = Callable[[int, str], object]
"""Is given a priority, `syslog.LOG_WARNING` or `syslog.LOG_INFO`, and a text."""


Content: TypeAlias = Literal["rootdir", "vztmpl"]
"""Volumes of containers, or templates."""

StreamFormat: TypeAlias = Literal["raw+size", "tar+size", "btrfs", "zfs"]
"""An image, a tree, or snapshots of such a storage."""


class Pct(Owned):
    """The containers of this host, or of one below `root`.

    Costs little: it holds no connection. Closed by `close`, or at the end of a `with`;
    containers go on as they are.

    `log` hears what no `progress` does: what a configuration file says that the library does
    not understand, and all messages of calls without one. It is called on the thread of the
    call, and what it raises comes out of the call when that has done its work.
    """

    def __init__(
        self,
        root: str | PathLike[str] | None = None,
        helper: str | PathLike[str] | None = None,
        *,
        log: Log | None = None,
    ) -> None:
        """`root` prefixes all paths, `helper` is the program pct-helper to use."""
        super().__init__("pct_ctx_free")
        # Lives as long as the library may call it.
        self._log = _c.LogCallback(_logging(log)) if log else _c.LogCallback(0)
        options = _c.CtxOptions(root=path(root), helper=path(helper), log=self._log)
        call("pct_ctx_new", byref(options), byref(self.handle))

    def container(self, vmid: int) -> Container:
        """The container with this number, 100 to 999999999, whether it is there or not."""
        return Container(self, vmid)

    def containers(self) -> list[Container]:
        """All containers, ascending by number."""
        return [self.container(status["vmid"]) for status in self.statuses()]

    def statuses(self, vmids: Sequence[int] | None = None) -> list[Status]:
        """The state of these containers, or of all, ascending by number."""
        if vmids is None:
            return cast(list[Status], call_for_json("pct_list_json", self.handle))
        return cast(list[Status], call_for_json("pct_list_of_json", self.handle, *numbers(vmids)))

    def events(self) -> Events:
        """Their changes of state from now on."""
        return Events(self.handle)

    def free_vmid(self) -> int | None:
        """The lowest number that no container has. Nothing reserves it."""
        out = c_uint32()
        call("pct_free_vmid", self.handle, byref(out))
        return out.value or None

    def storages(self, content: Content) -> list[str]:
        """The storages that hold volumes of containers, or templates."""
        return cast(list[str], call_for_json("pct_storages_json", self.handle, text(content)))

    def storage_status(self) -> list[StorageStatus]:
        """The storages with their room. Each is made ready, so mounted where its type needs that."""
        return cast(list[StorageStatus], call_for_json("pct_storage_status_json", self.handle))

    def add_storage(self, kind: str, storage: str, config: Mapping[str, Value]) -> None:
        """Writes a storage down, of a kind such as "dir"; `config` has the options of storage.cfg."""
        call("pct_storage_add", self.handle, text(kind), text(storage), assignments(config))

    def set_storage(
        self,
        storage: str,
        changes: Mapping[str, Value] | None = None,
        *,
        delete: Iterable[str] = (),
    ) -> None:
        """Sets and deletes options of a storage."""
        options = _c.StorageSetOptions(
            set=assignments(changes or {}), unset=strings(map(text, delete))
        )
        call("pct_storage_set", self.handle, text(storage), byref(options))

    def remove_storage(self, storage: str) -> None:
        """Takes a storage out of storage.cfg. What is on it stays there."""
        call("pct_storage_remove", self.handle, text(storage))

    def storage_contents(
        self, storage: str, *, content: Content | None = None, vmid: int | None = None
    ) -> list[StorageContent]:
        """What is on a storage: all, only volumes or only templates, or those of a container."""
        options = _c.ContentsOptions(content=text(content), vmid=vmid or 0)
        found = call_for_json("pct_storage_contents_json", self.handle, text(storage), byref(options))
        return cast(list[StorageContent], found)

    def allocate_volume(
        self, storage: str, vmid: int, size: int, *, format: Literal["raw", "subvol"] | None = None
    ) -> str:
        """Makes a new, empty volume of so many bytes, 0 without a limit; which one.

        No file system is made on it, and no configuration names it.
        """
        options = _c.AllocateOptions(format=text(format))
        return call_for_text(
            "pct_volume_allocate", self.handle, text(storage), vmid, size, byref(options)
        )

    def remove_volume(self, volume: str) -> None:
        """Removes a volume, whether or not a configuration names it."""
        call("pct_volume_remove", self.handle, text(volume))

    def volume_path(self, volume: str) -> Path:
        """Where the data of a volume, or the file of a template, is."""
        return Path(call_for_text("pct_volume_path", self.handle, text(volume)))

    def export_volume(
        self,
        volume: str,
        format: StreamFormat,
        file: int | HasFileno,
        *,
        snapshot: str | None = None,
        base: str | None = None,
        with_snapshots: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Writes a volume to a file descriptor, as a stream for `import_volume`.

        `snapshot` is the one to write instead of the present content, of which is missing what
        a running container has not written out yet. Of snapshots, `base` is one that the
        receiver has already, since which only the changes are written; `with_snapshots` writes
        the older ones, too. What is in the buffer of a file object has to be flushed before.
        """
        options = _c.VolumeExportOptions(
            snapshot=text(snapshot), base=text(base), with_snapshots=with_snapshots
        )
        call(
            "pct_volume_export",
            self.handle,
            text(volume),
            text(format),
            descriptor(file),
            byref(options),
            callbacks(progress),
        )

    def import_volume(
        self,
        volume: str,
        format: StreamFormat,
        file: int | HasFileno,
        *,
        snapshot: str | None = None,
        base: str | None = None,
        delete_snapshot: str | None = None,
        allow_rename: bool = False,
        progress: Progress | None = None,
    ) -> str:
        """Makes a volume of a stream, or nothing; which one.

        With `allow_rename` it takes a free name where a volume has that one. Of snapshots,
        `snapshot` is the one that becomes the content, `base` the one that the stream
        continues, and `delete_snapshot` one to remove at the end; they come from who may
        become root here. A file object with a buffer must not have been read from before.
        """
        options = _c.VolumeImportOptions(
            snapshot=text(snapshot),
            base=text(base),
            delete_snapshot=text(delete_snapshot),
            allow_rename=allow_rename,
        )
        return call_for_text(
            "pct_volume_import",
            self.handle,
            text(volume),
            text(format),
            descriptor(file),
            byref(options),
            callbacks(progress),
        )

    def templates(self, storage: str) -> list[str]:
        """The templates of a storage, for `Container.create`."""
        return cast(list[str], call_for_json("pct_templates_json", self.handle, text(storage)))

    def cpusets(self) -> list[Cpuset]:
        """The processors that each running container may use."""
        return cast(list[Cpuset], call_for_json("pct_cpusets_json", self.handle))

    def doctor(self, vmids: Sequence[int] = ()) -> list[Ailment]:
        """What would make the next start of these containers, or of all, fail or surprise."""
        return cast(list[Ailment], call_for_json("pct_doctor_json", self.handle, *numbers(vmids)))

    def start_all(self, *, force: bool = False, progress: Progress | None = None) -> list[Failed]:
        """Starts the containers with `onboot`, or all by force; those that failed."""
        return self._all("pct_start_all", _c.StartAllOptions(force=force), progress)

    def stop_all(self, *, timeout: float | None = None, progress: Progress | None = None) -> list[Failed]:
        """Shuts all down. A guest that takes longer than 60 seconds, or this, is killed."""
        return self._all("pct_stop_all", _c.StopAllOptions(timeout_ms=milliseconds(timeout)), progress)

    def rescan(self, *, dry_run: bool = False, progress: Progress | None = None) -> list[Failed]:
        """Looks for the volumes of all containers; `progress` hears of each change."""
        return self._all("pct_rescan", _c.RescanOptions(dry_run=dry_run), progress)

    def translate(
        self,
        config: bytes | str,
        vmid: int,
        *,
        host: dict[str, Any] | None = None,
        progress: Progress | None = None,
    ) -> tuple[str, str | None]:
        """The configuration of liblxc that a start with this file would make, and the seccomp
        profile if the container has one of its own. `host` describes another host."""
        content = encoded(config)
        facts = None if host is None else json.dumps(host).encode()
        with Owned("pct_string_free") as lxc, Owned("pct_string_free") as seccomp:
            call(
                "pct_config_to_lxc",
                self.handle,
                vmid,
                content,
                len(content),
                facts,
                callbacks(progress),
                byref(lxc.handle),
                byref(seccomp.handle),
            )
            return taken(lxc) or "", taken(seccomp)

    def _all(self, name: str, options: _c.Options, progress: Progress | None) -> list[Failed]:
        return cast(list[Failed], call_for_json(name, self.handle, byref(options), callbacks(progress)))


def _logging(log: Log) -> Callable[[object, int, bytes], None]:
    def tell(_: object, priority: int, text: bytes) -> None:
        hear(log, priority, text.decode())

    return tell
