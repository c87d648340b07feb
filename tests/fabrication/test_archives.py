"""Zip archives of folders: the same bytes for the same contents."""

from __future__ import annotations

import os
import zipfile

import pytest

from acdc_optical.fabrication.package.archives import write_folder


def folder(parent, names):
    for name in names:
        path = parent / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000)
    return parent / "package"


NAMES = ["b.txt", "a.txt", "sub/a-b.txt", "sub/a/c.txt", "é.txt"]


def test_contents_alone_decide(tmp_path):
    for place, names, time in [("one", NAMES, 1e9), ("two", NAMES[::-1], 1.5e9)]:
        (tmp_path / place).mkdir()
        where = folder(tmp_path / place, names)
        for name in names:
            os.utime(where / name, (time, time))
        (where / "a.txt").chmod(0o600 if place == "one" else 0o755)
        write_folder(tmp_path / f"{place}.zip", where)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_files_come_back(tmp_path):
    where = folder(tmp_path, NAMES)
    write_folder(tmp_path / "x.zip", where)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(f"package/{name}" for name in NAMES)
        assert all(archive.read(f"package/{name}") == (where / name).read_bytes() for name in NAMES)
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}


def test_links_empty_folders_and_archives_inside_are_refused(tmp_path):
    where = folder(tmp_path, ["a.txt"])
    with pytest.raises(ValueError, match="cannot lie in the folder"):
        write_folder(where / "x.zip", where)
    (where / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="link: expected ordinary files"):
        write_folder(tmp_path / "x.zip", where)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="there are none"):
        write_folder(tmp_path / "x.zip", tmp_path / "empty")
    assert not (tmp_path / "x.zip").exists()
