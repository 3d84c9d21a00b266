"""Real containers are made and removed."""

from __future__ import annotations

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


def test_an_exception_of_a_callback_comes_out_of_a_create(
    node: pct.Pct, absent: pct.Container, template: str
) -> None:
    def progress(event: pct.Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        absent.create(template, {"rootfs": "local:0"}, progress=progress)
    # A library that cannot cancel has made it.
    for container in node.containers():
        container.destroy()
