"""What the tests work on: variables say it, so that nothing of this host is touched by chance.

PCT_TEST_ROOT      an absolute path that prefixes those of the library
PCT_TEST_HELPER    the program pct-helper, if it is not the installed one
PCT_TEST_VMID      the number of a container that is not there
PCT_TEST_CLONE     another such number
PCT_TEST_BTRFS     a folder on a btrfs; without it nothing is tried that needs one
PCT_TEST_TEMPLATE  a template to make it from; without it no container is made
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pct
import pytest


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(os.environ.get("PCT_TEST_ROOT") or tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="session")
def node(root: Path) -> Iterator[pct.Pct]:
    with pct.Pct(root=root, helper=os.environ.get("PCT_TEST_HELPER")) as node:
        yield node


@pytest.fixture(scope="session")
def template() -> str:
    template = os.environ.get("PCT_TEST_TEMPLATE")
    if template is None:
        pytest.skip("PCT_TEST_TEMPLATE names no template")
    return template


@pytest.fixture(scope="session")
def absent(node: pct.Pct) -> pct.Container:
    """A container that is not there before the first test that uses `made`."""
    return node.container(int(os.environ.get("PCT_TEST_VMID", "9001")))


@pytest.fixture(scope="module")
def made(absent: pct.Container, template: str) -> Iterator[pct.Container]:
    """The container of most tests: to make one takes longer than to start one."""
    absent.create(template, {"hostname": "python", "rootfs": "local:0"})
    yield absent
    absent.destroy(force=True)


@pytest.fixture
def stopped(made: pct.Container) -> pct.Container:
    if made.is_running():
        made.stop()
    return made


@pytest.fixture
def running(made: pct.Container) -> pct.Container:
    if not made.is_running():
        made.start()
    return made


@pytest.fixture(autouse=True)
def no_descriptor_is_left(node: pct.Pct) -> Iterator[None]:
    before = descriptors()
    yield
    assert descriptors() == before


def descriptors() -> list[str]:
    """The open files of this process, but for the one that looks."""
    return sorted(os.listdir("/proc/self/fd"))
