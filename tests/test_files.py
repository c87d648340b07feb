"""Files are written whole or not at all, and read as data."""

import os
import zipfile

import numpy as np
import pytest

from acdc_optical.files import output_folder, read_array, read_arrays, replacing, write_array, write_text


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "result.txt"
    write_text(path, "old")
    with pytest.raises(UnicodeEncodeError), replacing(path) as temporary:
        temporary.write_text("half\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.txt"]


def test_a_successful_write_replaces_and_is_readable_by_others(tmp_path):
    path = tmp_path / "result.txt"
    write_text(path, "old")
    write_text(path, "new")
    assert path.read_text() == "new"
    umask = os.umask(0o022)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize("values", [np.arange(3), np.ones((2, 3), np.float32), np.array([1j])])
def test_arrays_round_trip(tmp_path, values):
    write_array(tmp_path / "x.npy", values)
    got = read_array(tmp_path / "x.npy")
    assert got.dtype == values.dtype
    np.testing.assert_array_equal(got, values)


def _save(path, values):
    np.save(path, values, allow_pickle=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: _save(p, np.array([{}, 1], dtype=object)), "Python objects"),
        (lambda p: p.write_bytes(b"hello"), "not a readable .npy file"),
        (lambda p: p.write_bytes(b""), "not a readable .npy file"),
        (lambda p: _save(p, np.array(["a"])), "expected an array of numbers; got dtype <U1"),
        (lambda p: _save(p, np.array([1.0, np.nan])), "NaN or infinity"),
        (lambda p: p.mkdir(), "no such file"),
    ],
)
def test_unusable_arrays_are_named(tmp_path, make, message):
    path = tmp_path / "x.npy"
    make(path)
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        read_array(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_array_is_refused(tmp_path):
    path = tmp_path / "x.npy"
    write_array(path, np.ones(100))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match="not a readable"):
        read_array(path)


def test_missing_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        write_text(tmp_path / "no" / "file", "")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot make this output folder"):
        output_folder(tmp_path / "file" / "folder")


def test_links_are_followed_and_nothing_but_files_is_replaced(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "text"
    os.mkfifo(tmp_path / "pipe")
    for name, kind in (("pipe", "not an ordinary file"), (".", "a folder")):
        with pytest.raises(FileExistsError, match=f"this is {kind}"):
            write_text(tmp_path / name, "text")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize(("stored", "read"), [(">f8", "float64"), ("longdouble", "float64"), (">c8", "complex64")])
def test_foreign_number_formats_are_converted(tmp_path, stored, read):
    np.save(tmp_path / "x.npy", np.array([1.5, -2]).astype(stored))
    got = read_array(tmp_path / "x.npy")
    assert got.dtype == read
    assert got.dtype.isnative
    assert got.tolist() == [1.5, -2]


def test_the_first_set_of_arrays_that_is_there_is_read(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", a=np.arange(3), b=np.ones(2, ">f4"), c=np.array(["left alone"]))
    got = read_arrays(tmp_path / "x.npz", ("a", "z"), ("b", "a"), ("a",))
    assert got.keys() == {"a", "b"}
    assert got["a"].tolist() == [0, 1, 2]
    assert got["b"].dtype == "float32"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p.write_bytes(b"hello"), "not a readable .npz file"),
        (lambda p: p.write_bytes(b""), "not a readable .npz file"),
        (lambda p: write_array(p, np.arange(3)), "not a readable .npz file"),
        (lambda p: zipfile.ZipFile(p, "w").close(), "expected arrays a; got none"),
        (lambda p: p.mkdir(), "no such file"),
    ],
)
def test_unusable_archives_are_named(tmp_path, make, message):
    path = tmp_path / "x.npz"
    make(path)
    with pytest.raises((ValueError, FileNotFoundError), match=f"{path}: .*{message}"):
        read_arrays(path, ("a",))


def _numbers_or_refusal(path):
    try:
        return read_arrays(path, ("a",))["a"].tolist()
    except ValueError as error:
        return str(error)


def test_a_damaged_archive_is_refused_or_read_right(tmp_path):
    """Damage in the archive's own notes, such as dates, changes no number."""
    path, numbers = tmp_path / "x.npz", [1.5, -2.0, 1 / 3] * 7
    np.savez_compressed(path, a=numbers)
    whole = path.read_bytes()
    refusals = []
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        outcome = _numbers_or_refusal(path)
        if outcome != numbers:
            refusals.append(outcome)
    assert len(refusals) > len(whole) / 2
    assert all(refusal.startswith(f"{path}: expected ") and "\n" not in refusal for refusal in refusals)
