"""A real container: its life, its configuration, and what is inside."""

from __future__ import annotations

import os
import select
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT

import pct
import pytest


def test_a_container_lives(stopped: pct.Container) -> None:
    with pytest.raises(pct.NotRunningError):
        stopped.exec(["true"])
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


def test_a_command_is_run_as_by_subprocess(running: pct.Container) -> None:
    done = running.exec(["hostname"], capture_output=True, text=True, check=True)
    assert (done.args, done.returncode, done.stdout, done.stderr) == (["hostname"], 0, "python\n", "")
    done_with_bytes = running.exec(["cat"], input=b"\0\xff", stdout=PIPE)
    assert done_with_bytes.stdout == b"\0\xff" and done_with_bytes.stderr is None
    both = running.exec(["sh", "-c", "echo out; echo err >&2"], stdin=DEVNULL, stdout=PIPE, stderr=STDOUT)
    assert both.stdout == b"out\nerr\n"
    assert running.exec(["cat"], stdin=DEVNULL, stdout=PIPE).stdout == b""
    assert running.exec(["no such command"], stderr=DEVNULL).returncode == 127
    with pytest.raises(subprocess.CalledProcessError) as raised:
        running.exec(["sh", "-c", "echo why >&2; exit 3"], capture_output=True, check=True)
    assert (raised.value.returncode, raised.value.stderr) == (3, b"why\n")


def test_much_output_is_no_deadlock(running: pct.Container) -> None:
    text = "x" * 1_000_000
    script = "cat /dev/stdin | tee /dev/stderr"
    done = running.exec(["sh", "-c", script], input=text, capture_output=True, text=True, check=True)
    assert done.stdout == text and done.stderr == text


def test_nothing_in_the_background_holds_a_command_up(running: pct.Container) -> None:
    script = "sleep 60 & echo started"
    done = running.exec(["sh", "-c", script], stdin=DEVNULL, capture_output=True, text=True, timeout=30)
    assert done.stdout == "started\n"


def test_a_command_that_takes_too_long_is_ended(running: pct.Container) -> None:
    with pytest.raises(subprocess.TimeoutExpired) as raised:
        running.exec(["sh", "-c", "echo begun; exec sleep 71"], stdout=PIPE, timeout=2)
    assert raised.value.output == b"begun\n"
    assert "sleep 71" not in running.exec(["ps"], stdout=PIPE, text=True).stdout


def test_output_goes_where_it_is_told_to(running: pct.Container, tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb") as file:
        running.exec(["echo", "to a file"], stdout=file, check=True)
    assert (tmp_path / "out").read_text() == "to a file\n"


def test_files_are_copied_both_ways(running: pct.Container, tmp_path: Path) -> None:
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(bytes(range(256)))
    running.push(source, "/root/file", mode=0o640)
    assert running.exec(["stat", "-c", "%a %U", "/root/file"], stdout=PIPE).stdout == b"640 root\n"
    running.pull("/root/file", back)
    assert back.read_bytes() == source.read_bytes()
    with open(tmp_path / "stream", "wb") as file:
        running.pull("/root/file", file.fileno())
    assert (tmp_path / "stream").read_bytes() == source.read_bytes()


def test_a_guest_is_shut_down_and_rebooted(running: pct.Container) -> None:
    running.exec(["sh", "-c", "until test -e /run/booted; do sleep 0.1; done"], timeout=30, check=True)
    running.reboot()
    assert running.is_running()
    running.shutdown(force_stop=True, timeout=30)
    assert not running.is_running()
