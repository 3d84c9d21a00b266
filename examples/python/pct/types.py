"""What comes back as dictionaries: the names are those of the REST interface of Proxmox VE."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

Config: TypeAlias = dict[str, Any]
"""Numbers and switches (0 or 1) as int, all else as str, raw lines as pairs in `lxc`."""


Value: TypeAlias = str | int | bool
"""The value of a key of the configuration, or of a storage."""


class Status(TypedDict):
    """The state of a container, sizes in bytes; of one that cannot be read only `error`."""

    vmid: int
    type: str
    error: NotRequired[str]
    name: NotRequired[str]
    status: NotRequired[Literal["running", "stopped"]]
    cpus: NotRequired[float]
    mem: NotRequired[int]
    maxmem: NotRequired[int]
    swap: NotRequired[int]
    maxswap: NotRequired[int]
    disk: NotRequired[int]
    maxdisk: NotRequired[int]
    diskread: NotRequired[int]
    diskwrite: NotRequired[int]
    netin: NotRequired[int]
    netout: NotRequired[int]
    uptime: NotRequired[int]
    pid: NotRequired[int]
    lock: NotRequired[str]
    tags: NotRequired[str]
    template: NotRequired[int]


class Failed(TypedDict):
    """A container that kept none of the others from being looked at."""

    vmid: int
    type: str
    error: str


class Pending(TypedDict):
    """A key: its value in force, the one after the next start, whether it goes then."""

    key: str
    value: NotRequired[Any]
    pending: NotRequired[Any]
    delete: NotRequired[int]


class Snapshot(TypedDict):
    """A snapshot, or behind them all the state "current"."""

    name: str
    description: str
    parent: NotRequired[str]
    snaptime: NotRequired[int]
    snapstate: NotRequired[str]
    digest: NotRequired[str]
    running: NotRequired[int]


class Usage(TypedDict):
    """How full a volume is, in bytes; `mp` is its key, `path` where it is inside."""

    mp: str
    volume: str
    path: str
    size: int
    used: int
    avail: int


class StorageStatus(TypedDict):
    """A storage and its room in bytes; flags are 0 or 1. `error` says why it cannot be used."""

    storage: str
    type: str
    content: str
    active: int
    enabled: int
    shared: int
    total: int
    used: int
    avail: int
    error: NotRequired[str]


class StorageContent(TypedDict):
    """Something on a storage: `size` is 0 where a volume has no limit, `vmid` is whose it is,
    `parent` the volume whose content it shares."""

    volid: str
    format: str
    content: Literal["rootdir", "images", "vztmpl"]
    size: int
    vmid: NotRequired[int]
    parent: NotRequired[str]


Address = TypedDict(
    "Address", {"ip-address": str, "ip-address-type": Literal["inet", "inet6"], "prefix": int}
)
Interface = TypedDict(
    "Interface",
    {
        "name": str,
        "hwaddr": str,
        "hardware-address": str,
        "inet": NotRequired[str],
        "inet6": NotRequired[str],
        "ip-addresses": list[Address],
    },
)


class Ailment(TypedDict):
    """What would make the next start fail or surprise; of an unreadable container `error`."""

    vmid: int
    type: NotRequired[str]
    error: NotRequired[str]
    severity: NotRequired[Literal["error", "warning", "info"]]
    code: NotRequired[str]
    key: NotRequired[str | None]
    message: NotRequired[str]
    help: NotRequired[str | None]


class Cpuset(TypedDict):
    """The processors that a running container may use."""

    vmid: int
    cpus: list[int]


class Finding(TypedDict):
    """What is wrong with a configuration file, and where; lines and columns count from 1."""

    line: int
    column: int
    severity: Literal["error", "warning"]
    key: str | None
    part: str
    message: str
    help: str | None


class ParsedConfig(TypedDict):
    """What a configuration file says."""

    config: Config
    pending: list[Pending]
    snapshots: dict[str, Config]
    findings: list[Finding]
