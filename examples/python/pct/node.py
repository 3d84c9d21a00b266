"""All containers of a host."""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_uint32, c_void_p
from os import PathLike
from types import TracebackType
from typing import Any, Self, cast

import json

from . import _c
from ._progress import Progress, listening
from .config import encoded
from .container import Container, milliseconds
from .library import call, call_for_json, path, plain, take
from .types import Ailment, Cpuset, Failed, Status


class Pct:
    """The containers of this host, or of one below `root`.

    Costs little: it holds no connection. Closed by `close`, or at the end of a `with`;
    containers go on as they are.
    """

    def __init__(
        self,
        root: str | PathLike[str] | None = None,
        helper: str | PathLike[str] | None = None,
    ) -> None:
        """`root` prefixes all paths, `helper` is the program pct-helper to use."""
        self.handle = c_void_p()
        options = _c.CtxOptions(root=path(root), helper=path(helper))
        call("pct_ctx_new", byref(options), byref(self.handle))

    def close(self) -> None:
        """Nothing can be called any more."""
        handle, self.handle = self.handle, c_void_p()
        plain("pct_ctx_free", handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def container(self, vmid: int) -> Container:
        """The container with this number, 100 to 999999999, whether it is there or not."""
        return Container(self, vmid)

    def containers(self) -> list[Container]:
        """All containers, ascending by number."""
        return [self.container(status["vmid"]) for status in self.statuses()]

    def statuses(self) -> list[Status]:
        """The state of all containers, ascending by number."""
        return cast(list[Status], call_for_json("pct_list_json", self.handle))

    def free_vmid(self) -> int | None:
        """The lowest number that no container has. Nothing reserves it."""
        out = c_uint32()
        call("pct_free_vmid", self.handle, byref(out))
        return out.value or None

    def cpusets(self) -> list[Cpuset]:
        """The processors that each running container may use."""
        return cast(list[Cpuset], call_for_json("pct_cpusets_json", self.handle))

    def doctor(self, vmids: Sequence[int] = ()) -> list[Ailment]:
        """What would make the next start of these containers, or of all, fail or surprise."""
        numbers = (c_uint32 * len(vmids))(*vmids)
        return cast(list[Ailment], call_for_json("pct_doctor_json", self.handle, numbers, len(vmids)))

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
        lxc, seccomp = c_void_p(), c_void_p()
        with listening(progress) as callbacks:
            call(
                "pct_config_to_lxc",
                self.handle, vmid, content, len(content), facts, callbacks, byref(lxc), byref(seccomp),
            )  # fmt: skip
            result = take(lxc) or "", take(seccomp)
        return result

    def _all(self, name: str, options: _c.Options, progress: Progress | None) -> list[Failed]:
        with listening(progress) as callbacks:
            failed = call_for_json(name, self.handle, byref(options), callbacks)
        return cast(list[Failed], failed)
