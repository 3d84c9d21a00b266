"""Storages, and what is made of a real container on them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pct
import pytest


@pytest.fixture(scope="module")
def fast(node: pct.Pct) -> Iterator[str]:
    """A storage with snapshots."""
    folder = os.environ.get("PCT_TEST_BTRFS")
    if folder is None:
        pytest.skip("PCT_TEST_BTRFS names no folder")
    node.add_storage("btrfs", "fast", {"path": folder, "content": "rootdir"})
    yield "fast"
    node.remove_storage("fast")


@pytest.fixture
def origin(absent: pct.Container, template: str, fast: str) -> Iterator[pct.Container]:
    """A container on it."""
    absent.create(template, {"hostname": "origin", "rootfs": f"{fast}:0"})
    yield absent
    absent.destroy(force=True)


@pytest.fixture
def other(node: pct.Pct) -> Iterator[pct.Container]:
    """One that the test may make."""
    other = node.container(int(os.environ.get("PCT_TEST_CLONE", "9002")))
    yield other
    if other.vmid in [status["vmid"] for status in node.statuses()]:
        other.destroy(force=True)


def test_a_storage_is_written_down_changed_and_removed(node: pct.Pct, tmp_path: Path) -> None:
    node.add_storage("dir", "extra", {"path": str(tmp_path), "content": "vztmpl"})
    with pytest.raises(pct.ExistsError, match="'extra'"):
        node.add_storage("dir", "extra", {"path": str(tmp_path)})
    extra = {status["storage"]: status for status in node.storage_status()}["extra"]
    assert (extra["type"], extra["content"], extra["active"]) == ("dir", "vztmpl", 1)
    assert 0 < extra["avail"] <= extra["total"] and "error" not in extra
    node.set_storage("extra", {"disable": True}, delete=["content"])
    extra = {status["storage"]: status for status in node.storage_status()}["extra"]
    assert extra["enabled"] == 0 and extra["content"] != "vztmpl"
    with pytest.raises(pct.ParameterError, match="'colour'"):
        node.set_storage("extra", {"colour": "red"})
    node.remove_storage("extra")
    with pytest.raises(pct.NotFoundError):
        node.remove_storage("extra")


def test_a_volume_is_made_found_and_removed(node: pct.Pct, absent: pct.Container) -> None:
    volume = node.allocate_volume("local", absent.vmid, 4096, format="raw")
    (found,) = node.storage_contents("local", vmid=absent.vmid)
    assert found == {
        "volid": volume, "format": "raw", "content": "images", "size": 4096, "vmid": absent.vmid
    }  # fmt: skip
    assert node.storage_contents("local", content="vztmpl") == []
    assert node.volume_path(volume).is_file()
    node.remove_volume(volume)
    with pytest.raises(pct.NotFoundError):
        node.volume_path(volume)


@pytest.fixture
def volume(node: pct.Pct, absent: pct.Container) -> Iterator[str]:
    """An image with something in it; at the end all go that the storage has of the container."""
    volume = node.allocate_volume("local", absent.vmid, 4096, format="raw")
    with node.volume_path(volume).open("r+b") as image:
        image.write(b"here")
    yield volume
    for found in node.storage_contents("local", vmid=absent.vmid):
        node.remove_volume(found["volid"])


def test_a_volume_goes_out_and_comes_in(node: pct.Pct, volume: str, tmp_path: Path) -> None:
    other = volume.replace("disk-0", "disk-7")
    events: list[pct.Event] = []
    with (tmp_path / "stream").open("wb") as file:
        node.export_volume(volume, "raw+size", file, progress=events.append)
    assert events[-1] == pct.Bytes(4104, 4104)
    content = node.volume_path(volume).read_bytes()
    assert (tmp_path / "stream").read_bytes() == (4096).to_bytes(8, "little") + content
    with (tmp_path / "stream").open("rb", buffering=0) as file:
        assert node.import_volume(other, "raw+size", file) == other
        assert node.volume_path(other).read_bytes() == content
        file.seek(0)
        with pytest.raises(pct.ExistsError):
            node.import_volume(other, "raw+size", file)
        file.seek(0)
        renamed = node.import_volume(other, "raw+size", file, allow_rename=True)
    assert renamed not in (volume, other) and node.volume_path(renamed).read_bytes() == content


def test_a_volume_goes_through_a_pipe(node: pct.Pct, volume: str) -> None:
    reader, writer = os.pipe()
    try:
        node.export_volume(volume, "raw+size", writer)
        os.close(writer)
        assert len(os.read(reader, 5000)) == 4104
    finally:
        os.close(reader)
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb", buffering=0) as file, pytest.raises(pct.SystemCallError) as raised:
        node.export_volume(volume, "raw+size", file)
    assert raised.value.errno == errno.EPIPE


def test_a_stream_that_is_not_whole_becomes_no_volume(
    node: pct.Pct, volume: str, tmp_path: Path
) -> None:
    other = volume.replace("disk-0", "disk-7")
    stream = tmp_path / "stream"
    stream.write_bytes((4096).to_bytes(8, "little") + b"too short")

    class Enough(Exception):
        pass

    def progress(event: pct.Event) -> None:
        raise Enough

    with stream.open("rb", buffering=0) as file:
        with pytest.raises(pct.SystemCallError, match="it ends after 9 of 4096 bytes"):
            node.import_volume(other, "raw+size", file)
        file.seek(0)
        with pytest.raises(Enough) as raised:
            node.import_volume(other, "raw+size", file, progress=progress)
        assert isinstance(raised.value.__context__, pct.CancelledError)
        with pytest.raises(pct.ParameterError, match="'qcow2' is not one of"):
            node.import_volume(other, "qcow2", file)  # type: ignore[arg-type]
        with pytest.raises(pct.ParameterError, match="base: only with"):
            node.import_volume(other, "raw+size", file, base="one")
    with pytest.raises(ValueError, match="no open file"):
        node.import_volume(other, "raw+size", -1)
    with pytest.raises(pct.NotFoundError):
        node.volume_path(other)


def test_snapshots_go_out_and_come_in(
    node: pct.Pct, origin: pct.Container, other: pct.Container, tmp_path: Path
) -> None:
    volume = f"fast:{origin.vmid}/subvol-{origin.vmid}-disk-0.subvol"
    arrived = volume.replace(str(origin.vmid), str(other.vmid))
    for name in ("one", "two"):
        origin.snapshot(name)
    files = [(tmp_path / name).open("w+b", buffering=0) for name in ("one", "two")]
    with files[0] as one, files[1] as two:
        with pytest.raises(pct.ParameterError, match="only a snapshot"):
            node.export_volume(volume, "btrfs", one)
        node.export_volume(volume, "btrfs", one, snapshot="one")
        node.export_volume(volume, "btrfs", two, snapshot="two", base="one", with_snapshots=True)
        assert two.tell() < one.tell()
        one.seek(0)
        two.seek(0)
        assert node.import_volume(arrived, "btrfs", one) == arrived
        node.import_volume(
            arrived, "btrfs", two, snapshot="two", base="one", delete_snapshot="one"
        )
    assert (node.volume_path(arrived) / "bin").is_dir()
    node.remove_volume(arrived)


def test_a_snapshot_is_taken_gone_back_to_and_removed(origin: pct.Container) -> None:
    origin.snapshot("before", description="naïve")
    with pytest.raises(pct.ExistsError):
        origin.snapshot("before")
    origin.set({"hostname": "changed"})
    origin.snapshot("after")
    before, after, current = origin.snapshots()
    assert (before["name"], before["description"]) == ("before", "naïve\n") and before["snaptime"]
    assert after["parent"] == "before" and current["parent"] == "after"
    origin.delete_snapshot("after")
    origin.rollback("before", start=True)
    assert origin.is_running() and origin.config()["hostname"] == "origin"
    with pytest.raises(pct.NotFoundError):
        origin.rollback("after")


def test_a_clone_is_made_or_nothing(
    node: pct.Pct, origin: pct.Container, other: pct.Container
) -> None:
    class Enough(Exception):
        pass

    def progress(event: pct.Event) -> None:
        if isinstance(event, pct.Bytes) and event.done > 0:
            raise Enough

    with pytest.raises(Enough) as raised:
        origin.clone(other.vmid, full=True, storage="local", bwlimit=256, progress=progress)
    assert isinstance(raised.value.__context__, pct.CancelledError)
    assert node.storage_contents("local", vmid=other.vmid) == []
    clone = origin.clone(other.vmid, full=True, storage="local", hostname="clone", description="a copy")
    config = clone.config()
    assert (config["hostname"], config["description"]) == ("clone", "a copy\n")
    assert config["rootfs"].startswith("local:")
    with pytest.raises(pct.ExistsError):
        origin.clone(other.vmid)


def test_a_template_has_linked_clones(origin: pct.Container, other: pct.Container) -> None:
    with pytest.raises(pct.UnsupportedError):
        origin.clone(other.vmid, full=False)
    origin.template()
    with pytest.raises(pct.RefusedError):
        origin.start()
    clone = origin.clone(other.vmid)
    assert clone.config()["rootfs"].startswith("fast:") and "template" not in clone.config()


def test_volumes_go_to_other_places(
    node: pct.Pct, origin: pct.Container, other: pct.Container
) -> None:
    origin.set({"mp0": "fast:0.02,mp=/data"})
    origin.move_volume("mp0", "local", delete=True)
    assert origin.config()["mp0"].startswith("local:")
    clone = origin.clone(other.vmid, full=True)
    with pytest.raises(pct.ExistsError):
        origin.reassign_volume("mp0", clone)
    origin.reassign_volume("mp0", clone, target_key="mp1")
    assert "mp0" not in origin.config() and clone.config()["mp1"].startswith("local:")
    origin.start()
    with pytest.raises(pct.RunningError):
        origin.move_volume("rootfs", "local")


def test_volumes_are_looked_after(origin: pct.Container) -> None:
    origin.set({"mp0": "local:0.02,mp=/data"})
    assert [usage["mp"] for usage in origin.df()] == ["rootfs", "mp0"]
    assert (origin.mount() / "bin").is_dir()
    with pytest.raises(pct.LockedError):
        origin.fstrim()
    origin.unmount()
    assert origin.fstrim() > 0
    origin.start()
    with pytest.raises(pct.RunningError):
        origin.fsck("mp0", force=True)
    with pytest.raises(pct.ParameterError, match="'much'"):
        origin.resize("mp0", "much")


def test_what_an_operation_has_left_is_told(origin: pct.Container) -> None:
    assert origin.repair() == []
    origin.set({"lock": "backup"})
    (left,) = origin.repair(dry_run=True)
    assert (left["kind"], left["outcome"], left["error"]) == ("lock", "yours", None)
    origin.unlock()
