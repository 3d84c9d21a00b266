"""One container, by its number."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from ctypes import byref, c_bool, c_int, c_size_t, string_at
from os import PathLike
from typing import IO, TYPE_CHECKING, Any, Literal, TypeAlias, cast

from . import _c
from ._progress import Progress, callbacks
from .library import AnyPath, Owned, call, call_for_json, path, plain, strings, text
from .types import Ailment, Config, Interface, Pending, Snapshot, Status

if TYPE_CHECKING:
    from .node import Pct

Value: TypeAlias = str | int | bool
"""The value of a key of the configuration."""

Condition: TypeAlias = Literal["running", "stopped", "ipv4", "ipv6", "systemd"]
"""What `Container.wait` can wait for."""

File: TypeAlias = int | IO[Any] | None
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
            config=strings(_assignments(config or {})),
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
            set=strings(_assignments(changes or {})),
            unset=strings(map(text, delete)),
            revert=strings(map(text, revert)),
            digest=text(digest),
        )
        self._operate("pct_container_set", byref(options), progress=progress)

    def rescan(self, *, dry_run: bool = False, progress: Progress | None = None) -> None:
        """Looks for its volumes; `progress` hears of each change."""
        options = _c.RescanOptions(dry_run=dry_run)
        self._operate("pct_container_rescan", byref(options), progress=progress)

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

    def _operate(self, name: str, *args: object, progress: Progress | None) -> None:
        self._call(name, *args, callbacks(progress))


def milliseconds(seconds: float | None) -> int:
    """A time for C, where 0 is none: no time at all is its shortest one."""
    return 0 if seconds is None else max(1, round(seconds * 1000))


def _assignments(config: Mapping[str, Value]) -> list[bytes | None]:
    """Words such as "memory=512"; switches are 0 or 1."""
    plain = {key: int(value) if isinstance(value, bool) else value for key, value in config.items()}
    return [text(f"{key}={value}") for key, value in plain.items()]


def _descriptor(file: File) -> int:
    fd = -1 if file is None else file if isinstance(file, int) else file.fileno()
    if fd < 0 and file is not None:
        raise ValueError(f"{fd} is no open file: the constants of subprocess mean nothing here")
    return fd


def _said(name: str, output: Owned) -> bytes:
    size = c_size_t()
    return string_at(plain(name, output.handle, byref(size)), size.value)
