"""Files: written whole or not at all, and read as data, never as code."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_HOLDS_OBJECTS = "Object arrays"  # how NumPy refuses what it would have to unpickle


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; rename it to ``path`` if the block succeeds, else remove it.

    Raises:
        OSError: the path is no place for a file; see :func:`check_target`.
    """
    path = check_target(path)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    except OSError as error:
        raise OSError(f"{path}: cannot write to the folder {path.parent} ({error.strerror}); choose another") from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes private files; a result is an ordinary one
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: str | Path, mark: str) -> Iterator[Path]:
    """Yield a temporary folder beside ``path``; rename it to ``path`` if the block succeeds, else remove it.

    Args:
        path: of the folder; what is there is replaced, if it is an empty folder or one of the same kind.
        mark: a file that a folder of this kind has.

    Raises:
        OSError: see :func:`check_folder`.
    """
    target = check_folder(path, mark)
    try:
        temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        raise OSError(f"{path}: cannot write to {target.parent} ({error.strerror}); choose another place") from None
    try:
        yield temporary
        os.chmod(temporary, 0o777 & ~_umask())
        replaced = temporary.with_name(f"{temporary.name}.old")
        if target.exists():
            os.replace(target, replaced)
        try:
            os.replace(temporary, target)
        except OSError:
            if replaced.exists():
                os.replace(replaced, target)
            raise
        shutil.rmtree(replaced, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_folder(path: str | Path, mark: str) -> Path:
    """The folder that a path names, links followed: a place for a folder, empty or one of the same kind.

    Raises:
        OSError: there is a file of that name, a folder without the mark, or no folder to hold it; or it is the current
            folder, which cannot be replaced under one's feet.
    """
    target = Path(path).resolve()
    if target == Path.cwd():
        raise OSError(f"{path}: this is the current folder, which cannot be replaced; name another")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; create it first")
    if target.exists() and not (target.is_dir() and ((target / mark).is_file() or not any(target.iterdir()))):
        raise FileExistsError(f"{path}: there is something else here, which is not replaced; choose another name")
    return target


def check_target(path: str | Path) -> Path:
    """The file that a path names, links followed: a place where a file can be written.

    Raises:
        OSError: its folder does not exist, or the path is a folder, a device or anything else but a file.
    """
    target = Path(path).resolve()
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{path}: there is no folder {target.parent}; create it first")
    if target.exists() and not target.is_file():
        kind = "a folder" if target.is_dir() else "not an ordinary file"
        raise FileExistsError(f"{path}: this is {kind}; expected the name of a file to write")
    return target


def output_folder(path: str | Path) -> Path:
    """The folder, made if it does not exist.

    Raises:
        OSError: it cannot be made or written to.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"{path}: cannot make this output folder ({error.strerror}); choose another") from None
    if not os.access(path, os.W_OK):
        raise PermissionError(f"{path}: cannot write to this output folder; choose another")
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> None:
    """Write a text file, whole or not at all; errors as for :func:`replacing`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_array(path: str | Path, values: NDArray[np.generic]) -> None:
    """Write a .npy file, whole or not at all; errors as for :func:`replacing`."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.save(file, values, allow_pickle=False)


def read_array(path: str | Path) -> NDArray[np.generic]:
    """Read a .npy file of finite numbers, without pickle.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a .npy file, an array of objects or of something that is no number, NaN or infinity.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a .npy array")
    try:
        with open(path, "rb") as file:
            values = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        reason = "it holds Python objects" if _HOLDS_OBJECTS in str(error) else "it is not a readable .npy file"
        raise ValueError(f"{path}: expected a .npy array of numbers; {reason}: save one with numpy.save") from None
    return _finite_numbers(values, str(path))


def read_arrays(path: str | Path, *choices: Sequence[str]) -> dict[str, NDArray[np.generic]]:
    """Read named arrays of finite numbers from a .npz file, without pickle.

    Args:
        path: the file; what else it holds is left alone.
        choices: sets of names; the first whose arrays are all there is read.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a .npz file, an array is missing, or holds anything but finite numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a .npz file of arrays")
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as archive:
            present = archive.files
            names = next((choice for choice in choices if set(choice) <= set(present)), ())
            arrays = {name: np.asarray(archive[name]) for name in names}
    except (ValueError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        reason = "an array holds Python objects" if _HOLDS_OBJECTS in str(error) else "it is not a readable .npz file"
        raise ValueError(f"{path}: expected a .npz file of numbers; {reason}: save one with numpy.savez") from None
    if not arrays:
        expected = " or ".join(", ".join(choice) for choice in choices)
        raise ValueError(f"{path}: expected arrays {expected}; got {', '.join(present) or 'none'}: rename or add them")
    return {name: _finite_numbers(values, f"{path}: {name}") for name, values in arrays.items()}


def _finite_numbers(values: NDArray[np.generic], source: str) -> NDArray[np.generic]:
    """As torch takes them: in native byte order, at most in double precision."""
    if values.dtype.kind not in "iufc":
        raise ValueError(f"{source}: expected an array of numbers; got dtype {values.dtype}")
    if not np.isfinite(values).all():
        raise ValueError(f"{source}: the array holds NaN or infinity; expected finite numbers")
    widest = np.dtype(np.complex128 if values.dtype.kind == "c" else np.float64)
    return values.astype(widest if values.dtype.itemsize > widest.itemsize else values.dtype.newbyteorder("="))
