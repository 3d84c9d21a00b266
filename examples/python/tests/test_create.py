"""Real containers are made and removed."""

from __future__ import annotations

from pathlib import Path

import pct
import pytest


def test_a_container_is_made_and_removed(node: pct.Pct, absent: pct.Container, template: str) -> None:
    heard: list[pct.Event] = []
    absent.create(template, {"hostname": "python", "rootfs": "local:0"}, progress=heard.append)
    assert any(isinstance(event, pct.Message) for event in heard), heard
    assert [container.vmid for container in node.containers()] == [absent.vmid]
    with pytest.raises(pct.ExistsError):
        absent.create(template)
    absent.destroy()
    assert node.statuses() == []


def test_a_failed_create_leaves_nothing(node: pct.Pct, absent: pct.Container) -> None:
    with pytest.raises(pct.PctError, match="/nonexistent.tar"):
        absent.create("/nonexistent.tar", {"rootfs": "local:0"})
    assert node.statuses() == []


@pytest.mark.parametrize("kind", [pct.Message, pct.Bytes])
def test_a_cancelled_create_leaves_nothing(
    root: Path, absent: pct.Container, template: str, kind: type[pct.Event]
) -> None:
    before = files(root)

    def progress(event: pct.Event) -> None:
        if isinstance(event, kind):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        absent.create(template, {"rootfs": "local:0"}, progress=progress)
    assert isinstance(raised.value.__context__, pct.CancelledError)
    assert files(root) == before


def files(root: Path) -> list[Path]:
    """All but the locks, which stay."""
    return sorted(path for path in root.rglob("*") if "lock" not in path.parts)
