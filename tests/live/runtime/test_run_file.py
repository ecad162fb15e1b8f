"""One engine for a var directory; the run-file is private and goes away."""

import os
import stat
from pathlib import Path

import pytest

from otrade.errors import StartError
from otrade.live.runtime.run_file import AccountLock, RunFile, RunInfo, read_run_info

INFO = RunInfo(pid=os.getpid(), mode="paper", started_ns=1)


def test_second_engine_is_refused_by_name(tmp_path: Path) -> None:
    with RunFile(tmp_path) as first:
        first.write(INFO)
        with pytest.raises(StartError, match=f"process {os.getpid()}.*paths.var"):
            RunFile(tmp_path).__enter__()
    with RunFile(tmp_path):
        pass


def test_run_file_is_private_and_removed(tmp_path: Path) -> None:
    with RunFile(tmp_path) as run_file:
        run_file.write(INFO)
        run_file.write(INFO)
        assert stat.S_IMODE(run_file.path.stat().st_mode) == 0o600
        assert read_run_info(tmp_path) == INFO
    assert read_run_info(tmp_path) is None


def test_a_run_file_cut_in_half_is_no_engine(tmp_path: Path) -> None:
    with RunFile(tmp_path) as run_file:
        run_file.write(INFO)
        run_file.path.write_bytes(run_file.path.read_bytes()[:20])
        assert read_run_info(tmp_path) is None


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the directory should be")
    with pytest.raises(StartError, match=f"{tmp_path}/run cannot be used.*paths.var"):
        RunFile(tmp_path).__enter__()


def test_a_second_engine_on_one_account_is_refused_by_name_whatever_its_directory(
    tmp_path: Path,
) -> None:
    with AccountLock("kite-abc", tmp_path):
        with pytest.raises(StartError, match="account kite-abc already"):
            AccountLock("kite-abc", tmp_path).__enter__()
        with AccountLock("kite-other", tmp_path):
            pass
    with AccountLock("kite-abc", tmp_path):
        pass
    with pytest.raises(StartError, match="XDG_STATE_HOME"):
        AccountLock("kite-abc", Path("/proc/nowhere")).__enter__()
