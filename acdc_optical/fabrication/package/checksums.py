"""SHA256SUMS: a line for each file of a folder, as ``sha256sum`` of GNU coreutils writes and checks them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path, PurePosixPath

from acdc_optical.fabrication.design_tools.lines import LineError, naming

LISTING = "SHA256SUMS"
"""The name of the listing, which lists all files of its folder but itself."""

_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *]([^\\]+)")


class Found(Enum):
    """What became of a file."""

    OK = "ok"
    CHANGED = "changed"
    MISSING = "missing"
    UNLISTED = "unlisted"


def checksums(folder: str | Path) -> dict[str, str]:
    """SHA-256 of every file in a folder, by its path from there with slashes, sorted; :data:`LISTING` left out.

    Raises:
        ValueError: a link or another thing that is no ordinary file; a name with a backslash or a line break, for
            which a listing has no plain form.
    """
    sums = {}
    for name, path in _files(Path(folder)).items():
        if set(name) & set("\\\n\r"):
            raise ValueError(f"{path}: expected a file name without backslashes and line breaks; rename it")
        if path.is_symlink() or not path.is_file():
            raise ValueError(f"{path}: expected ordinary files alone; replace the link or device by a copy")
        sums[name] = _digest(path)
    return sums


def listing(sums: Mapping[str, str]) -> str:
    """The text of SHA256SUMS: digest, two spaces, path; sorted by path."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))


def read_listing(path: str | Path) -> dict[str, str]:
    """Read SHA256SUMS: digests in small letters, by path.

    Raises:
        OSError: no such file.
        ValueError: a line that is not digest and path, a path that leaves the folder, one that stands there twice; the
            message names file and line.
    """
    sums: dict[str, str] = {}
    with naming(path), open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            match = _LINE.fullmatch(line.rstrip("\n"))
            if not match:
                raise LineError(f"expected a SHA-256, two spaces and a path; got {line.rstrip()[:80]!r}", number)
            name = PurePosixPath(match[2])
            if name.is_absolute() or ".." in name.parts:
                raise LineError(f"{match[2]!r} leads out of the folder; expected a path within it", number)
            if name.as_posix() in sums:
                raise LineError(f"{match[2]!r} is listed twice; expected each file once", number)
            sums[name.as_posix()] = match[1].lower()
    return sums


def check(folder: str | Path, sums: Mapping[str, str]) -> dict[str, Found]:
    """Hold the files of a folder against their listed digests; sorted by path.

    A link is not followed: what is listed is a file of the folder's own.
    """
    present = _files(Path(folder))
    return {name: _found(present.get(name), sums.get(name)) for name in sorted({*present, *sums})}


def _found(path: Path | None, digest: str | None) -> Found:
    if digest is None:
        return Found.UNLISTED
    if path is None:
        return Found.MISSING
    return Found.OK if path.is_file() and not path.is_symlink() and _digest(path) == digest else Found.CHANGED


def _files(folder: Path) -> dict[str, Path]:
    """All that is not a folder, by path from there, sorted."""
    found = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}
    return {name: found[name] for name in sorted(found) if name != LISTING}


def _digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
