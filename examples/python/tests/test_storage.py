"""Storages, and what is made of a real container on them."""

from __future__ import annotations

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
