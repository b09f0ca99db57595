"""How a command ends: streams that are closed or full, the system's errors, faults of its own."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from command_line import netgen, says, write_model
from fake_tools import FakeSimulator, install

from netgen.commands import group, main
from netgen.errors import cannot_write
from netgen.files import write_whole

ROOT = Path(__file__).parents[2]


def at(
    folder: Path, model: object, shell: str, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """Run ``netgen check`` on a model that is no use: what it prints takes no simulator."""
    return subprocess.run(
        ["/bin/sh", "-c", shell.replace("NETGEN", f"{sys.executable} -m netgen")],
        cwd=ROOT,
        env=os.environ | {"MODEL": str(model), "HERE": str(folder)} | variables,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    done = at(tmp_path, "", "{ NETGEN --help; echo $? >$HERE/status; } | true")
    assert done.stderr == b""
    assert (tmp_path / "status").read_text() in ("141\n", "0\n")  # 0: it was faster


def test_nobody_reads(tmp_path: Path) -> None:
    done = at(tmp_path, "", "{ sleep 2; NETGEN --help; echo $? >$HERE/status; } | exec 0<&-")
    assert (tmp_path / "status").read_text() == "141\n"
    assert done.stderr == b""


def test_full_output(tmp_path: Path) -> None:
    done = at(tmp_path, "", "NETGEN --help >/dev/full")
    assert done.returncode == 5
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("netgen: standard output: No space left on device")


def test_closed_output(tmp_path: Path) -> None:
    done = at(tmp_path, "", "NETGEN check $MODEL >&-")
    assert done.returncode == 2
    (line,) = done.stderr.decode().splitlines()
    assert line == "netgen: standard output is closed; send it to a file, or to /dev/null"


@pytest.mark.parametrize("closed", ["2>&-", "<&-", "<&- 2>&-", "2>/dev/full"])
def test_closed_error_and_input_change_nothing(tmp_path: Path, closed: str) -> None:
    done = at(tmp_path, tmp_path / "nowhere.json", f"NETGEN check $MODEL {closed}")
    assert done.returncode == 3
    assert done.stdout == b""


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8", "cp1252"])
def test_any_encoding(tmp_path: Path, encoding: str) -> None:
    model = write_model(tmp_path, classes=["naïve …", "œuf ∑"])
    shell = "NETGEN build $MODEL -o $HERE/out --unit 0.1 2 --pdk generic180 2>&1"
    done = at(tmp_path, model, shell, PYTHONIOENCODING=encoding)
    assert done.returncode == 2
    said = done.stdout.decode(encoding)
    assert "unit W = 0.1" in said
    assert "… 100" in said or "... 100" in said, said


def test_bytes_of_a_name_that_are_no_text(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.json"
    done = at(tmp_path, os.fsdecode(name), "NETGEN check $MODEL")
    assert done.returncode == 3
    assert name in done.stderr


def test_folder_that_is_gone(tmp_path: Path) -> None:
    shell = f"mkdir $HERE/gone && cd $HERE/gone && rmdir $HERE/gone && PYTHONPATH={ROOT} NETGEN"
    done = at(tmp_path, "nowhere.json", f"{shell} build $MODEL -o out")
    assert done.returncode in (2, 3)
    assert done.stderr.decode().startswith("netgen: ")
    assert b"Traceback" not in done.stderr


def test_too_little_memory_is_told_at_once(tmp_path: Path) -> None:
    done = at(tmp_path, "m.json", "ulimit -v 300000 && NETGEN check $MODEL")
    assert done.returncode == 5
    assert done.stderr.decode().startswith("netgen: the limit on memory (ulimit -v) is 292 MiB")


# In the test's own process: a command that meets what is raised in its place


def ends(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> tuple[int, list[str]]:
    @click.command()
    def check() -> None:
        raise error

    monkeypatch.setattr(group.LazyGroup, "get_command", lambda *_: check)
    result = CliRunner().invoke(main, ["check"])
    return result.exit_code, result.output.splitlines()


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a/b.json"), 5, "a/b.json: No space"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "a"), 5, "a: Disk quota exceeded"),
        (OSError(errno.EFBIG, "File too large", "a"), 5, "ulimit -f"),
        (
            cannot_write(Path("a"), OSError(errno.ENOSPC, "No space left")),
            5,
            "(No space left); make",
        ),
        (
            cannot_write(Path("a"), OSError(errno.EROFS, "Read-only")),
            2,
            "a cannot be written (Read-",
        ),
        (OSError(errno.EROFS, "Read-only file system", "a"), 2, "a: Read-only file system"),
        (PermissionError(errno.EACCES, "Permission denied", "a"), 2, "a: Permission denied"),
        (FileNotFoundError(errno.ENOENT, "No such file or directory", "a"), 2, "a: No such file"),
        (OSError(errno.EMFILE, "Too many open files", "a"), 5, "ulimit -n"),
        (BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"), 5, "ulimit -u"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 5, "Broken pipe"),
        (OSError("no number"), 5, "no number"),
        (MemoryError(), 5, "not enough memory"),
        (RuntimeError("can't start new thread"), 5, "no thread can be started"),
        (ImportError("x.so: failed to map segment from shared object"), 5, "not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_errors_of_the_system(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, words: str
) -> None:
    code, lines = ends(monkeypatch, error)
    assert code == status
    said = [line for line in lines if line]
    assert len(said) == 1
    assert said[0].startswith("netgen: ")
    assert words in said[0]


@pytest.mark.parametrize("error", [ValueError("x"), EOFError("x"), KeyError("x"), SystemError()])
def test_fault_of_its_own_has_a_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, (line,) = ends(monkeypatch, error)
    assert code == 70
    (log,) = tmp_path.glob("netgen-error-*.log")
    assert line == f"netgen: unforeseen error ({type(error).__name__}); please report it with {log}"
    assert "Traceback (most recent call last)" in log.read_text()


def test_traceback_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETGEN_TRACEBACK", "1")
    code, lines = ends(monkeypatch, ValueError("x"))
    assert code == 70
    assert "netgen: ValueError: x" in lines


def test_log_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    code, (line,) = ends(monkeypatch, ValueError("x"))
    assert code == 70
    assert "no log of it can be written (No such file or directory)" in line


def test_full_disk_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")  # a write names no file

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left") as caught:
        write_whole(tmp_path / "build.json", "{}")
    assert caught.value.filename == str(tmp_path / "build.json")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeSimulator:
    (tmp_path / "pdk").mkdir()
    return install(monkeypatch, tmp_path / "pdk")


def test_full_disk_in_a_build(
    simulator: FakeSimulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if "mapping" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        return plain(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    result = netgen("build", write_model(tmp_path / "model"), "-o", tmp_path / "out")
    assert result.exit_code == 5
    (line,) = says(result)
    assert f"{tmp_path}/out/mapping.json: No space left on device" in line


def test_interrupt_after_the_last_word_changes_nothing(tmp_path: Path) -> None:
    """Ctrl-C while Python ends: no traceback, and the status that was reached."""
    code = (
        "import atexit, os, signal, sys\n"
        "from netgen.commands import main\n"
        "atexit.register(os.kill, os.getpid(), signal.SIGINT)\n"
        "main(['schema', 'model'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
