"""SHA256SUMS: as coreutils write and check it, and every kind of change is told."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from acdc_optical.fabrication.package.checksums import LISTING, Found, check, checksums, listing, read_listing


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("b c.txt", "a.txt", "sub/d.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / LISTING).write_text(listing(checksums(tmp_path)))
    return tmp_path


def test_a_listing_comes_back_and_everything_is_ok(folder):
    sums = read_listing(folder / LISTING)
    assert sums == checksums(folder)
    assert check(folder, sums) == dict.fromkeys(["a.txt", "b c.txt", "sub/d.txt"], Found.OK)


def test_every_change_is_told(folder):
    sums = read_listing(folder / LISTING)
    (folder / "a.txt").write_text("b.txt")
    (folder / "b c.txt").unlink()
    (folder / "new.txt").touch()
    (folder / "sub/d.txt").rename(folder / "moved.txt")
    (folder / "sub/d.txt").symlink_to(folder / "moved.txt")  # the same contents, elsewhere
    assert check(folder, sums) == {
        "a.txt": Found.CHANGED,
        "b c.txt": Found.MISSING,
        "moved.txt": Found.UNLISTED,
        "new.txt": Found.UNLISTED,
        "sub/d.txt": Found.CHANGED,
    }


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no GNU coreutils")
def test_sha256sum_agrees(folder):
    def run(*arguments):
        return subprocess.run(["sha256sum", *arguments], cwd=folder, capture_output=True, text=True, timeout=20)

    assert run("--strict", "-c", LISTING).returncode == 0
    assert run("a.txt", "b c.txt", "sub/d.txt").stdout == (folder / LISTING).read_text()
    assert read_listing_of(folder, run("-b", "a.txt").stdout) == {"a.txt": checksums(folder)["a.txt"]}
    (folder / "a.txt").write_text("other")
    assert run("-c", LISTING).returncode == 1


def read_listing_of(folder, text):
    (folder / "other").write_text(text)
    return read_listing(folder / "other")


DIGEST = "0" * 64


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("hello", "expected a SHA-256"),
        ("", "expected a SHA-256"),
        (f"{DIGEST[1:]}  b", "expected a SHA-256"),
        (f"{DIGEST} b", "expected a SHA-256"),
        (f"{DIGEST}  /etc/passwd", "leads out of the folder"),
        (f"{DIGEST}  sub/../../b", "leads out of the folder"),
        (f"{DIGEST}  ./a", "listed twice"),
    ],
)
def test_damage_is_named(tmp_path, line, message):
    path = tmp_path / LISTING
    path.write_text(f"{DIGEST}  a\n{line}\n")
    with pytest.raises(ValueError, match=f"line 2: .*{message}") as caught:
        read_listing(path)
    assert str(path) in str(caught.value)


def test_names_and_links_that_a_listing_cannot_hold_are_refused(tmp_path):
    (tmp_path / "a\nb").touch()
    with pytest.raises(ValueError, match="rename it"):
        checksums(tmp_path)
    (tmp_path / "a\nb").unlink()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match="ordinary files alone"):
        checksums(tmp_path)
