"""One container, by its number."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from ctypes import byref, c_bool, c_int, c_size_t, c_uint64, string_at
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from . import _c
from ._progress import Progress, callbacks
from .library import AnyPath, HasFileno, Owned, assignments, call, call_for_json, call_for_text
from .library import descriptor, path, plain, strings, text
from .types import Ailment, Config, Interface, Leftover, Pending, Snapshot, Status, Usage, Value

if TYPE_CHECKING:
    from .node import Pct

Condition: TypeAlias = Literal["running", "stopped", "ipv4", "ipv6", "systemd"]
"""What `Container.wait` can wait for."""

File: TypeAlias = int | HasFileno | None
"""A file descriptor, something that has one, or None for that of this process."""

StrPath: TypeAlias = str | PathLike[str]


class Container:
    """A container of a node, whether it is there or not."""

    def __init__(self, node: Pct, vmid: int) -> None:
        self.node = node
        self.vmid = vmid

    def __repr__(self) -> str:
        return f"Container({self.vmid})"

    # Its life. Calls return when the work is done; times are in seconds.

    def create(
        self,
        template: AnyPath,
        config: Mapping[str, Value] | None = None,
        *,
        storage: str | None = None,
        password: str | None = None,
        ssh_public_keys: str | None = None,
        ignore_unpack_errors: bool = False,
        start: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Makes it from a template, a path or a volume. A failure leaves nothing behind.

        `config` has the names and values of `pct create`.
        """
        options = _c.CreateOptions(
            ostemplate=path(template),
            config=assignments(config or {}),
            storage=text(storage),
            password=text(password),
            ssh_public_keys=text(ssh_public_keys),
            ignore_unpack_errors=ignore_unpack_errors,
            start=start,
        )
        self._operate("pct_container_create", byref(options), progress=progress)

    def destroy(
        self,
        *,
        force: bool = False,
        purge: bool = False,
        destroy_unreferenced_disks: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Removes it and its volumes; `force` kills it first if it runs."""
        options = _c.DestroyOptions(
            force=force, purge=purge, destroy_unreferenced_disks=destroy_unreferenced_disks
        )
        self._operate("pct_container_destroy", byref(options), progress=progress)

    def start(
        self, *, debug: bool = False, skiplock: bool = False, progress: Progress | None = None
    ) -> None:
        """Starts it. The error of a failure has the lines of liblxc's log that say why."""
        options = _c.StartOptions(debug=debug, skiplock=skiplock)
        self._operate("pct_container_start", byref(options), progress=progress)

    def stop(self, *, skiplock: bool = False, progress: Progress | None = None) -> None:
        """Kills it."""
        self._operate("pct_container_stop", byref(_c.StopOptions(skiplock=skiplock)), progress=progress)

    def shutdown(
        self,
        *,
        timeout: float | None = None,
        force_stop: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Asks the guest to halt, for 60 seconds if not said otherwise, then kills it or fails."""
        options = _c.ShutdownOptions(timeout_ms=milliseconds(timeout), force_stop=force_stop)
        self._operate("pct_container_shutdown", byref(options), progress=progress)

    def reboot(self, *, timeout: float | None = None, progress: Progress | None = None) -> None:
        """Halts the guest, kills it when the time is over (60 seconds), and starts it again."""
        options = _c.RebootOptions(timeout_ms=milliseconds(timeout))
        self._operate("pct_container_reboot", byref(options), progress=progress)

    def suspend(self, *, progress: Progress | None = None) -> None:
        """Writes the state of its processes to disk, and ends them. Experimental."""
        self._operate("pct_container_suspend", progress=progress)

    def resume(self, *, progress: Progress | None = None) -> None:
        """Goes on with it when it has been suspended. Experimental."""
        self._operate("pct_container_resume", progress=progress)

    def unlock(self, *, progress: Progress | None = None) -> None:
        """Takes away the lock that an operation has left in its configuration."""
        self._operate("pct_container_unlock", progress=progress)

    def wait(
        self,
        condition: Condition,
        *,
        timeout: float | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Waits until it is so, without end if no time is given (`WaitTimeoutError`)."""
        options = _c.WaitOptions(timeout_ms=milliseconds(timeout))
        self._operate("pct_container_wait", text(condition), byref(options), progress=progress)

    # What there is.

    def is_running(self) -> bool:
        """Whether it runs."""
        out = c_bool()
        self._call("pct_container_is_running", byref(out))
        return out.value

    def status(self) -> Status:
        """Its state, its limits, and when it runs what it uses."""
        return cast(Status, self._json("pct_container_status_json"))

    def config(self, *, current: bool = False, snapshot: str | None = None) -> Config:
        """Its configuration with the changes that wait for the next start; without them when
        `current`; or that of a snapshot."""
        options = _c.ConfigOptions(snapshot=text(snapshot), current=current)
        return cast(Config, self._json("pct_container_config_json", byref(options)))

    def pending(self) -> list[Pending]:
        """The changes that wait for the next start, with the values in force."""
        return cast(list[Pending], self._json("pct_container_pending_json"))

    def snapshots(self) -> list[Snapshot]:
        """The snapshots in the order of their tree, and behind them the current state."""
        return cast(list[Snapshot], self._json("pct_container_snapshots_json"))

    def interfaces(self) -> list[Interface] | None:
        """The network interfaces as they are inside; None when it is stopped."""
        return cast(list[Interface] | None, self._json("pct_container_interfaces_json"))

    def doctor(self) -> list[Ailment]:
        """What would make its next start fail or surprise, the gravest first."""
        return cast(list[Ailment], self._json("pct_container_doctor_json"))

    def init_pidfd(self) -> int:
        """A file descriptor of its init, which can be polled. The caller closes it."""
        out = c_int(-1)
        self._call("pct_container_init_pidfd", byref(out))
        return out.value

    # Changes.

    def set(
        self,
        changes: Mapping[str, Value] | None = None,
        *,
        delete: Iterable[str] = (),
        revert: Iterable[str] = (),
        digest: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Changes its configuration: all that is asked for, or nothing.

        `revert` drops pending changes. With `digest`, that of `config()`, nothing is changed
        when somebody else has changed the file since (`RefusedError`).
        """
        options = _c.SetOptions(
            set=assignments(changes or {}),
            unset=strings(map(text, delete)),
            revert=strings(map(text, revert)),
            digest=text(digest),
        )
        self._operate("pct_container_set", byref(options), progress=progress)

    def rescan(self, *, dry_run: bool = False, progress: Progress | None = None) -> None:
        """Looks for its volumes; `progress` hears of each change."""
        options = _c.RescanOptions(dry_run=dry_run)
        self._operate("pct_container_rescan", byref(options), progress=progress)

    def repair(
        self, *, dry_run: bool = False, progress: Progress | None = None
    ) -> list[Leftover]:
        """Removes what a killed operation has left, or brings it to its end; what it was.

        `LockedError` while an operation is at work.
        """
        options = _c.RepairOptions(dry_run=dry_run)
        found = self._json("pct_container_repair", byref(options), callbacks(progress))
        return cast(list[Leftover], found)

    # Volumes. A key is "rootfs", "mp0" and so on.

    def mount(self, *, progress: Progress | None = None) -> Path:
        """Mounts its volumes where the host sees them, until `unmount`; where that is.

        Meanwhile it can only be started and stopped.
        """
        return Path(self._given("pct_container_mount", callbacks(progress)))

    def unmount(self, *, progress: Progress | None = None) -> None:
        """Unmounts what `mount` has mounted."""
        self._operate("pct_container_unmount", progress=progress)

    def df(self, *, progress: Progress | None = None) -> list[Usage]:
        """How full its volumes are, whether it runs or not."""
        return cast(list[Usage], self._json("pct_container_df_json", callbacks(progress)))

    def fsck(
        self, key: str = "rootfs", *, force: bool = False, progress: Progress | None = None
    ) -> None:
        """Checks the file system of a volume that nothing uses, by `force` also one that seems
        clean; raises when it had errors, also when they are corrected."""
        options = _c.FsckOptions(device=text(key), force=force)
        self._operate("pct_container_fsck", byref(options), progress=progress)

    def fstrim(self, *, ignore_mountpoints: bool = False, progress: Progress | None = None) -> int:
        """Has its volumes give back to their storages what they do not use; how many bytes."""
        options, out = _c.FstrimOptions(ignore_mountpoints=ignore_mountpoints), c_uint64()
        self._call("pct_container_fstrim", byref(options), callbacks(progress), byref(out))
        return out.value

    def resize(
        self, key: str, size: str, *, digest: str | None = None, progress: Progress | None = None
    ) -> None:
        """Makes a volume larger: to a size such as "8G", or by one such as "+512M"."""
        options = _c.ResizeOptions(digest=text(digest))
        self._operate(
            "pct_container_resize", text(key), text(size), byref(options), progress=progress
        )

    def move_volume(
        self,
        key: str,
        storage: str,
        *,
        delete: bool = False,
        digest: str | None = None,
        bwlimit: int = 0,
        progress: Progress | None = None,
    ) -> None:
        """Moves a volume to another storage, at most `bwlimit` KiB a second. It must be stopped.

        Where it was the volume stays as an unused one, unless `delete`.
        """
        options = _c.MoveVolumeOptions(digest=text(digest), bwlimit=bwlimit, delete_source=delete)
        self._operate(
            "pct_container_move_volume", text(key), text(storage), byref(options), progress=progress
        )

    def reassign_volume(
        self,
        key: str,
        target: Container,
        *,
        target_key: str | None = None,
        digest: str | None = None,
        target_digest: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Gives a volume to another container, or to this one by another key."""
        options = _c.ReassignVolumeOptions(
            target_key=text(target_key), digest=text(digest), target_digest=text(target_digest)
        )
        self._operate(
            "pct_container_reassign_volume",
            text(key),
            target.vmid,
            byref(options),
            progress=progress,
        )

    # What is made of its state.

    def snapshot(
        self, name: str, *, description: str | None = None, progress: Progress | None = None
    ) -> None:
        """Freezes its configuration and the content of its volumes under a name."""
        options = _c.SnapshotOptions(description=text(description))
        self._operate("pct_container_snapshot", text(name), byref(options), progress=progress)

    def delete_snapshot(
        self, name: str, *, force: bool = False, progress: Progress | None = None
    ) -> None:
        """Removes a snapshot; by `force` also when a storage cannot remove its part."""
        options = _c.DeleteSnapshotOptions(force=force)
        self._operate(
            "pct_container_delete_snapshot", text(name), byref(options), progress=progress
        )

    def rollback(self, name: str, *, start: bool = False, progress: Progress | None = None) -> None:
        """Goes back to a snapshot; a running container is killed. `start` starts it then."""
        options = _c.RollbackOptions(start=start)
        self._operate("pct_container_rollback", text(name), byref(options), progress=progress)

    def clone(
        self,
        vmid: int,
        *,
        full: bool | None = None,
        snapshot: str | None = None,
        storage: str | None = None,
        hostname: str | None = None,
        description: str | None = None,
        bwlimit: int = 0,
        progress: Progress | None = None,
    ) -> Container:
        """Makes a container that is as this one, or as it was at a snapshot.

        A full clone has copies of the volumes, made on `storage` by at most `bwlimit` KiB a
        second; one that is not shares their content, as those of a template do if nothing is
        said. A failure leaves nothing behind.
        """
        options = _c.CloneOptions(
            snapshot=text(snapshot),
            storage=text(storage),
            hostname=text(hostname),
            description=text(description),
            bwlimit=bwlimit,
            full=full is True,
            linked=full is False,
        )
        self._operate("pct_container_clone", vmid, byref(options), progress=progress)
        return Container(self.node, vmid)

    def template(self, *, progress: Progress | None = None) -> None:
        """Makes it a template for linked clones. There is no way back."""
        self._operate("pct_container_template", progress=progress)

    # Inside.

    def exec(
        self,
        args: Sequence[AnyPath],
        *,
        stdin: File = None,
        stdout: File = None,
        stderr: File = None,
        keep_env: bool = False,
    ) -> int:
        """Runs a command as root of the container, on the standard streams of this process or
        on these; its exit status.

        That is as in a shell: 126 or 127 when the command could not be executed, 128 + n when
        signal n has ended it, 255 when there was no way into the container.
        """
        options = _c.ExecOptions(
            keep_env=keep_env,
            stdin_fd=_descriptor(stdin),
            stdout_fd=_descriptor(stdout),
            stderr_fd=_descriptor(stderr),
        )
        status = c_int()
        argv = strings(map(path, args))
        self._call("pct_container_exec_wait", argv, byref(options), byref(status))
        return status.value

    def output(
        self,
        args: Sequence[AnyPath],
        *,
        input: bytes = b"",
        limit: int = 0,
        timeout: float | None = None,
        keep_env: bool = False,
        check: bool = False,
    ) -> subprocess.CompletedProcess[bytes]:
        """Runs a command as root of the container, and gives what it has said.

        `check` raises `subprocess.CalledProcessError` when it fails. It may take `timeout`
        seconds, any time if not given (`WaitTimeoutError`), and write `limit` bytes to each of
        both outputs, 16 MiB if not given (`TooMuchError`); after that it has got SIGTERM. What it
        leaves in the background is not waited for.
        """
        options = _c.OutputOptions(
            input=input,
            input_size=len(input),
            limit=limit,
            timeout_ms=milliseconds(timeout),
            keep_env=keep_env,
        )
        argv = strings(map(path, args))
        with Owned("pct_output_free") as out:
            self._call("pct_container_exec_output", argv, byref(options), byref(out.handle))
            status = plain("pct_output_exit_status", out.handle)
            stdout, stderr = (_said(f"pct_output_{stream}", out) for stream in ("stdout", "stderr"))
        completed = subprocess.CompletedProcess(args, status, stdout, stderr)
        if check:
            completed.check_returncode()
        return completed

    def push(
        self,
        source: AnyPath | int,
        destination: StrPath,
        *,
        user: str | None = None,
        group: str | None = None,
        mode: int | None = None,
        recursive: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Copies a file of the host, or what a file descriptor gives, into the container."""
        self._copy("push", source, destination, user, group, mode, recursive, progress)

    def pull(
        self,
        source: StrPath,
        destination: AnyPath | int,
        *,
        user: str | None = None,
        group: str | None = None,
        mode: int | None = None,
        recursive: bool = False,
        progress: Progress | None = None,
    ) -> None:
        """Copies a file of the container to the host, or into a file descriptor."""
        self._copy("pull", destination, source, user, group, mode, recursive, progress)

    def _copy(
        self,
        verb: Literal["push", "pull"],
        host: AnyPath | int,
        inside: StrPath,
        user: str | None,
        group: str | None,
        mode: int | None,
        recursive: bool,
        progress: Progress | None,
    ) -> None:
        options = _c.CopyOptions(
            user=text(user),
            group=text(group),
            mode=mode or 0,
            set_mode=mode is not None,
            recursive=recursive,
            host_fd=host if isinstance(host, int) else -1,
        )
        paths = [None if isinstance(host, int) else path(host), text(str(inside))]
        if verb == "pull":
            paths.reverse()
        self._operate(f"pct_container_{verb}", *paths, byref(options), progress=progress)

    def _call(self, name: str, *args: object) -> None:
        call(name, self.node.handle, self.vmid, *args)

    def _json(self, name: str, *args: object) -> Any:
        return call_for_json(name, self.node.handle, self.vmid, *args)

    def _given(self, name: str, *args: object) -> str:
        return call_for_text(name, self.node.handle, self.vmid, *args)

    def _operate(self, name: str, *args: object, progress: Progress | None) -> None:
        self._call(name, *args, callbacks(progress))


def milliseconds(seconds: float | None) -> int:
    """A time for C, where 0 is none: no time at all is its shortest one."""
    return 0 if seconds is None else max(1, round(seconds * 1000))


def _descriptor(file: File) -> int:
    return -1 if file is None else descriptor(file)


def _said(name: str, output: Owned) -> bytes:
    size = c_size_t()
    return string_at(plain(name, output.handle, byref(size)), size.value)
