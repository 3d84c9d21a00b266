"""A real container: its life, its configuration, and what is inside."""

from __future__ import annotations

import os
import select
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pct
import pytest


def test_a_container_lives(stopped: pct.Container) -> None:
    with pytest.raises(pct.NotRunningError):
        stopped.exec(["true"])
    with pytest.raises(pct.NotRunningError):
        stopped.output(["true"])
    stopped.start()
    stopped.wait("running", timeout=10)
    status = stopped.status()
    assert stopped.is_running() and status["status"] == "running" and status["pid"] > 1
    with pytest.raises(pct.WaitTimeoutError):
        stopped.wait("stopped", timeout=0)
    interfaces = stopped.interfaces()
    assert interfaces is not None and [interface["name"] for interface in interfaces] == ["lo"]
    init = stopped.init_pidfd()
    stopped.stop()
    assert select.select([init], [], [], 10)[0] == [init]
    os.close(init)
    assert not stopped.is_running() and stopped.interfaces() is None


def test_one_thread_waits_while_another_one_works(running: pct.Container) -> None:
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(running.wait, "stopped", timeout=60)
        running.stop()
        waiting.result(timeout=60)
    assert not running.is_running()


def test_a_configuration_is_changed(stopped: pct.Container) -> None:
    stopped.set({"memory": 256, "onboot": True, "description": "naïve"}, delete=["cores"])
    config = stopped.config()
    assert (config["memory"], config["onboot"], config["description"].rstrip()) == (256, 1, "naïve")
    digest = config["digest"]
    stopped.set(delete=["onboot"], digest=digest)
    assert "onboot" not in stopped.config()
    with pytest.raises(pct.RefusedError):
        stopped.set({"memory": 512}, digest=digest)
    with pytest.raises(pct.ParameterError, match="memory"):
        stopped.set({"memory": "much"})
    assert [snapshot["name"] for snapshot in stopped.snapshots()] == ["current"]


def test_a_change_of_a_running_container_may_be_pending(running: pct.Container) -> None:
    running.set({"tty": 3})
    assert {"key": "tty", "pending": 3} in running.pending()
    assert running.config()["tty"] == 3 and "tty" not in running.config(current=True)
    running.set(revert=["tty"])
    assert "tty" not in running.config()


def test_a_command_says_something(running: pct.Container) -> None:
    done = running.output(["hostname"], check=True)
    assert (done.args, done.returncode, done.stdout, done.stderr) == (["hostname"], 0, b"python\n", b"")
    assert running.output(["cat"], input=b"\0\xff").stdout == b"\0\xff"
    assert running.output(["cat"]).stdout == b""
    assert running.output(["no such command"]).returncode == 127
    with pytest.raises(subprocess.CalledProcessError) as raised:
        running.output(["sh", "-c", "echo why >&2; exit 3"], check=True)
    assert (raised.value.returncode, raised.value.stderr) == (3, b"why\n")


def test_much_output_is_no_deadlock_and_has_a_limit(running: pct.Container) -> None:
    much = b"x" * 1_000_000
    done = running.output(["sh", "-c", "cat /dev/stdin | tee /dev/stderr"], input=much, check=True)
    assert done.stdout == much and done.stderr == much
    with pytest.raises(pct.TooMuchError):
        running.output(["cat"], input=much, limit=len(much) - 1)


def test_nothing_in_the_background_holds_a_command_up(running: pct.Container) -> None:
    assert running.output(["sh", "-c", "sleep 60 & echo started"], timeout=30).stdout == b"started\n"


def test_a_command_that_takes_too_long_is_ended(running: pct.Container) -> None:
    with pytest.raises(pct.WaitTimeoutError):
        running.output(["sleep", "71"], timeout=1)
    assert b"sleep 71" not in running.output(["ps"]).stdout


def test_a_command_runs_on_streams(running: pct.Container, tmp_path: Path) -> None:
    (tmp_path / "in").write_text("input\n")
    with open(tmp_path / "in") as source, open(tmp_path / "out", "wb") as file:
        script = "cat; echo err >&2; exit 3"
        status = running.exec(["sh", "-c", script], stdin=source, stdout=file.fileno(), stderr=file)
    assert status == 3 and (tmp_path / "out").read_text() == "input\nerr\n"
    with pytest.raises(ValueError, match="subprocess"):
        running.exec(["true"], stdout=subprocess.PIPE)


def test_a_command_runs_on_those_of_this_process(
    running: pct.Container, capfd: pytest.CaptureFixture[str]
) -> None:
    assert running.exec(["sh", "-c", "echo out; echo err >&2"]) == 0
    assert tuple(capfd.readouterr()) == ("out\n", "err\n")


def test_events_tell_what_happens(node: pct.Pct, stopped: pct.Container) -> None:
    with node.events() as events:
        assert events.next(0) is None
        with ThreadPoolExecutor() as threads:
            started = threads.submit(stopped.start)
            assert next(iter(events)) == (stopped.vmid, "running")
            started.result(timeout=60)
        stopped.stop()
        assert select.select([events], [], [], 10)[0] == [events]
        assert events.next(10) == (stopped.vmid, "stopped")
        assert events.next(0.01) is None
    with pytest.raises(pct.UsageError):
        events.next(0)


def test_files_are_copied_both_ways(running: pct.Container, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(bytes(range(256)))
    running.push(source, "/root/file", mode=0o640)
    assert running.output(["stat", "-c", "%a %U", "/root/file"]).stdout == b"640 root\n"
    running.pull("/root/file", back)
    assert back.read_bytes() == source.read_bytes()
    with open(tmp_path / "stream", "wb") as file:
        running.pull("/root/file", file.fileno())
    assert (tmp_path / "stream").read_bytes() == source.read_bytes()


def test_a_guest_is_shut_down_and_rebooted(running: pct.Container) -> None:
    running.output(["sh", "-c", "until test -e /run/booted; do sleep 0.1; done"], timeout=30, check=True)
    running.reboot()
    assert running.is_running()
    running.shutdown(force_stop=True, timeout=30)
    assert not running.is_running()
