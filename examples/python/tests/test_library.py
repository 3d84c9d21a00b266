"""What needs no container and no root."""

from __future__ import annotations

from pathlib import Path
from syslog import LOG_WARNING

import pct
import pytest
from pct.errors import class_of

CONFIG = """\
arch: amd64
hostname: old
memory: 256
ostype: alpine
rootfs: local:9001/vm-9001-disk-0.raw,size=1G

[pve:pending]
hostname: new

[one]
arch: amd64
hostname: snap
"""


def test_the_library_tells_its_version_and_features() -> None:
    assert pct.version().count(".") == 2
    assert pct.has_feature("json") and not pct.has_feature("no such feature")


def test_a_host_without_containers(node: pct.Pct) -> None:
    assert node.containers() == [] and node.statuses() == [] and node.doctor() == []
    assert node.free_vmid() == 100
    (status,) = node.statuses([9002])
    assert status["vmid"] == 9002 and "does not exist" in status["error"]
    assert node.storages("vztmpl") == ["local"] and node.templates("local") == []
    with node.events() as events:
        assert events.next(0.01) is None


def test_an_error_has_all_that_the_library_knows(absent: pct.Container) -> None:
    with pytest.raises(pct.NotFoundError) as raised:
        absent.status()
    error = raised.value
    assert isinstance(error, pct.InputError)
    assert (error.status, error.kind, error.vmid, error.errno) == (202, "not-found", absent.vmid, None)
    assert str(error) == error.message and error.message.endswith(f"{absent.vmid}.conf' does not exist")


def test_an_error_of_the_system_has_its_errno(tmp_path: Path, absent: pct.Container) -> None:
    with pct.Pct(root=tmp_path, helper="/nonexistent/pct-helper") as node:
        with pytest.raises(pct.HelperError, match="/nonexistent/pct-helper"):
            node.translate(CONFIG, absent.vmid)


def test_a_status_of_a_newer_library_is_taken_as_its_group() -> None:
    assert class_of(299) is pct.InputError
    assert class_of(999) is pct.PctError


def test_a_wrong_number_and_a_closed_node_are_answered(tmp_path: Path) -> None:
    with pct.Pct(root=tmp_path) as node:
        with pytest.raises(pct.InputError):
            node.container(99).status()
    with pytest.raises(pct.UsageError):
        node.statuses()


def test_nul_is_refused(node: pct.Pct, absent: pct.Container) -> None:
    with pytest.raises(ValueError):
        absent.set({"hostname": "a\0b"})
    with pytest.raises(ValueError):
        absent.create("/template\0.tar")


def test_a_schema_describes_configurations() -> None:
    assert pct.config_schema()["properties"]["memory"]["type"] == "integer"


def test_a_configuration_is_parsed_and_its_faults_are_found() -> None:
    parsed = pct.parse_config(CONFIG + "memmory: 1\n", 9001)
    assert parsed["config"]["memory"] == 256
    assert {"key": "hostname", "value": "old", "pending": "new"} in parsed["pending"]
    assert parsed["snapshots"]["one"]["hostname"] == "snap"
    (finding,) = [finding for finding in parsed["findings"] if finding["key"] == "memmory"]
    assert (finding["line"], finding["severity"]) == (13, "error")
    assert finding["help"] is not None and "memory" in finding["help"]


def test_a_configuration_is_translated(node: pct.Pct) -> None:
    lxc, seccomp = node.translate(CONFIG, 9001)
    assert "lxc.uts.name = old\n" in lxc
    assert seccomp is None


def test_an_exception_of_a_callback_comes_out_of_the_call(node: pct.Pct) -> None:
    class Enough(BaseException):
        pass

    heard = []

    def progress(event: pct.Event) -> None:
        heard.append(event)
        raise Enough

    with pytest.raises(Enough):
        node.translate("arch: amd64\nnonsense: 1\nmore: 1\n", 9001, progress=progress)
    (warning,) = heard
    assert isinstance(warning, pct.Warning) and str(warning).startswith("WARNING: ")


def test_a_log_hears_what_no_callback_does(tmp_path: Path) -> None:
    folder = tmp_path / "etc/pct/lxc"
    folder.mkdir(parents=True)
    (folder / "9003.conf").write_text(CONFIG + "nonsense: 1\n")
    heard = []

    class Enough(BaseException):
        pass

    def log(priority: int, text: str) -> None:
        heard.append((priority, text))
        if len(heard) > 1:
            raise Enough

    with pct.Pct(root=tmp_path, log=log) as node:
        assert node.container(9003).config()["memory"] == 256
        ((priority, text),) = heard
        assert priority == LOG_WARNING and "nonsense" in text
        with pytest.raises(Enough):
            node.container(9003).config()
        assert node.free_vmid() == 100
