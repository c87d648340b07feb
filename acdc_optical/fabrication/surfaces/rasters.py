"""Images as files: black and white, or gray of 8 or 16 bits.

The first row of an image is its top, y upwards; the first row of an array is the lowest. :func:`upright` is the one
place where the two are turned into each other. Everything named image in this package has its top first.
"""

from __future__ import annotations

import struct
import zlib
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, TiffImagePlugin

from acdc_optical.files import replacing

Image8 = NDArray[np.uint8]
Pixels = NDArray[np.generic]
Pitch = tuple[float, float]
Scalar = TypeVar("Scalar", bound=np.generic)

_INCH = 0.0254
_BMP_DOTS = 39.3701  # Pillow's dots per inch for one pixel per metre of a BMP, in both directions
_NOTE = "Description"  # a keyword of the PNG specification, 11.3.4.3
_MODES = {"1": np.bool_, "L": np.uint8, "I;16": np.uint16, "I;16B": np.uint16}
_PIXELS_TWICE = 2**21  # a few seconds of the second reader
_UNREADABLE = (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, Image.DecompressionBombError)


class Raster(NamedTuple):
    """What an image file holds.

    Attributes:
        image: bool, uint8 or uint16, shape (rows, columns), top first.
        pitch: of the pixels, (y, x) [m], as precisely as the file has it (PNG, BMP: whole pixels per metre); None if
            it says nothing.
        note: the text in it, None if there is none.
    """

    image: Pixels
    pitch: Pitch | None
    note: str | None


def upright(rows: NDArray[Scalar]) -> NDArray[Scalar]:
    """An image, top first, from an array whose first row is the lowest; and the other way round.

    >>> upright(np.array([[1, 2], [3, 4]])).tolist()
    [[3, 4], [1, 2]]
    """
    return rows[::-1]


def write_png(path: str | Path, image: Pixels, *, pitch: Pitch | None = None, note: str | None = None) -> None:
    """A PNG of 1, 8 or 16 bits, after the type of the image; the pitch as pHYs chunk, the note as tEXt.

    Raises:
        ValueError: not a 2-D image of bool, uint8 or uint16.
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    information = PngImagePlugin.PngInfo()
    if note is not None:
        information.add_text(_NOTE, note)
    dots = {} if pitch is None else {"dpi": tuple(whole * _INCH for whole in _per_metre(pitch))}
    with replacing(path) as temporary:
        _picture(image, (np.bool_, np.uint8, np.uint16)).save(temporary, "PNG", pnginfo=information, **dots)


def write_bmp(path: str | Path, image: Pixels, *, pitch: Pitch | None = None) -> None:
    """A BMP of 1 or 8 bits, after the type of the image. BMP has no 16-bit gray and no place for a note.

    Raises:
        ValueError: not a 2-D image of bool or uint8.
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    dots = {} if pitch is None else {"dpi": tuple(whole / _BMP_DOTS for whole in _per_metre(pitch))}
    with replacing(path) as temporary:
        _picture(image, (np.bool_, np.uint8)).save(temporary, "BMP", **dots)


def write_tiff(path: str | Path, image: Pixels, *, pitch: Pitch, note: str) -> None:
    """A TIFF of 8 or 16 bits by tifffile, the resolution in pixels per centimetre, the note as ImageDescription.

    Raises:
        ValueError: not a 2-D image of uint8 or uint16.
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    _require(image, (np.uint8, np.uint16))
    with replacing(path) as temporary:
        tifffile.imwrite(
            temporary,
            image,
            photometric="minisblack",
            compression="zlib",
            predictor=True,
            resolution=(1e-2 / pitch[1], 1e-2 / pitch[0]),
            resolutionunit="CENTIMETER",
            description=note,
            metadata=None,
            software=False,  # the version of a library is no property of the mask; the same mask, the same bytes
        )


def read_raster(path: str | Path) -> Raster:
    """Read a PNG, BMP or TIFF by Pillow, which did not write the TIFF; a PNG by pypng as well, where it is installed.

    Raises:
        FileNotFoundError: no such file.
        ValueError: damaged, larger than Pillow opens, with colours, or read otherwise by another reader.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected an image")
    try:
        with Image.open(path) as picture:
            picture.load()
            raster = Raster(_pixels(picture), _pitch(picture), _note(picture))
    except _UNREADABLE as error:
        raise ValueError(f"{path}: expected a gray PNG, BMP or TIFF image; {error}: write it anew") from None
    if _has_second_reader(path, raster.image.size) and not np.array_equal(_by_pypng(path), raster.image):
        raise ValueError(f"{path}: Pillow and pypng see different pixels; write it anew")
    return raster


def readers_of(path: str | Path, pixels: int) -> str:
    """Who reads an image of so many pixels in :func:`read_raster`."""
    if Path(path).suffix in (".tif", ".tiff"):
        return "Pillow"
    return "Pillow and pypng" if _has_second_reader(Path(path), pixels) else "Pillow, which wrote it, too"


def _has_second_reader(path: Path, pixels: int) -> bool:
    # An extra for development, in plain Python: some 2 µs for a pixel.
    return path.suffix == ".png" and pixels <= _PIXELS_TWICE and find_spec("png") is not None


def _by_pypng(path: Path) -> NDArray[np.generic]:
    import png

    _, _, rows, _ = png.Reader(filename=str(path)).read()
    return np.array([np.asarray(row) for row in rows])


def write_csv(path: str | Path, image: Pixels) -> None:
    """One line of whole numbers per row, top first.

    Raises:
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    with replacing(path) as temporary:
        np.savetxt(temporary, image, fmt="%d", delimiter=",")


def read_csv(path: str | Path) -> NDArray[np.uint16]:
    """Whole numbers as :func:`write_csv` writes them, shape (rows, columns).

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a table of whole numbers from 0 to 65535.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a table of gray values")
    try:
        return np.loadtxt(path, delimiter=",", dtype=np.uint16, ndmin=2)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{path}: expected whole numbers from 0 to 65535, separated by commas; {error}") from None


def _require(image: Pixels, kinds: tuple[type[np.generic], ...]) -> None:
    if image.ndim != 2 or 0 in image.shape or image.dtype.type not in kinds:
        names = " or ".join(kind.__name__.rstrip("_") for kind in kinds)
        raise ValueError(
            f"expected an image of shape (rows, columns), {names}; got {image.shape} {image.dtype}: "
            "convert it, or choose another format"
        )


def _picture(image: Pixels, kinds: tuple[type[np.generic], ...]) -> Image.Image:
    _require(image, kinds)
    return Image.fromarray(np.ascontiguousarray(image))


def _per_metre(pitch: Pitch) -> tuple[int, int]:
    """Whole pixels per metre along (x, y), the order of image files."""
    return round(1 / pitch[1]), round(1 / pitch[0])


def _pixels(picture: Image.Image) -> Pixels:
    if picture.mode not in _MODES:
        raise ValueError(f"its colours are of mode {picture.mode!r}")
    return np.asarray(picture).astype(_MODES[picture.mode])


def _pitch(picture: Image.Image) -> Pitch | None:
    dots = picture.info.get("dpi")
    if dots is None or not all(dots):
        return None
    metre = 1 / _BMP_DOTS if picture.format == "BMP" else _INCH
    x, y = (metre / float(dot) for dot in dots)
    return y, x


def _note(picture: Image.Image) -> str | None:
    if isinstance(picture, TiffImagePlugin.TiffImageFile):
        return picture.tag_v2.get(270)  # ImageDescription
    return picture.info.get(_NOTE)
