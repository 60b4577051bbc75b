"""Files that are written in one step."""

import pytest

from simpeg_jointdl._core import files
from simpeg_jointdl._core.files import check_writable, write_whole


def test_the_content_is_replaced_and_nothing_else_is_left(tmp_path):
    path = tmp_path / "log.txt"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "log.txt"
    write_whole(path, b"old")
    monkeypatch.setattr(files.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_path_that_can_be_written_to_is_accepted_and_left_alone(tmp_path):
    check_writable(tmp_path / "log.txt", "SaveLog.path")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "why"), [("absent/log.txt", "No such file"), (".", "it is a folder")])
def test_a_path_that_cannot_be_written_to_is_refused(tmp_path, name, why):
    with pytest.raises(OSError, match=rf"SaveLog\.path: cannot write .*{why}.*; give a path in a folder"):
        check_writable(tmp_path / name, "SaveLog.path")
