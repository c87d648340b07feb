"""Mirror arrays (DMDs): a plate of open and opaque cells as a 1-bit image or packed bits, and back.

Images have their top first; True is a mirror that sends light on. Write them by
:func:`acdc_optical.fabrication.surfaces.rasters.write_png` and ``write_bmp``, which make 1-bit files of them. Arrays
with diamond pixels, whose odd rows lie half a pixel aside, are refused: on them these images would be sheared and
stretched.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.devices.placement import Placement
from acdc_optical.fabrication.plate import Drawn, Plate
from acdc_optical.fabrication.surfaces.rasters import Pitch
from acdc_optical.files import replacing

_DIAMOND = {(1140, 912), (684, 608)}  # (rows, columns) of the DLP4500 and the DLP3000
_EXACT = 1e-6  # how far from 0 or 1 a transmittance may be


@dataclass(frozen=True)
class MirrorArray:
    """An array of mirrors in rows and columns.

    Attributes:
        pitch: of its mirrors, (rows, columns) [m].
        placement: its shape, and where on it the mask lies; the mirrors around send no light on.

    Raises:
        ValueError: the shape of an array with diamond pixels.
    """

    pitch: Pitch
    placement: Placement

    def __post_init__(self) -> None:
        if self.placement.shape in _DIAMOND or self.placement.shape[::-1] in _DIAMOND:
            raise ValueError(
                f"a device of {self.placement.shape} mirrors has diamond pixels, which are no rows and columns; "
                "resample the mask for it by the maker's software, or use an orthogonal array"
            )

    def image_of(self, plate: Plate) -> Drawn:
        """The image for a plate, bool, shape (rows, columns).

        Raises:
            ValueError: levels that are neither open nor opaque, cells that are no mirrors, or no place for them.
        """
        self.placement.require_pitch(plate.pitch, self.pitch)
        return self.placement.place(open_cells(plate), fill=False)

    def cells(self, image: Drawn, shape: tuple[int, int]) -> Drawn:
        """Which cells of a mask of that shape are open, as the plate is seen: the inverse of :meth:`image_of`.

        Raises:
            ValueError: not an image of bits of the array's shape, or no place for such a mask.
        """
        if image.dtype != np.bool_:
            raise ValueError(f"expected an image of 1 bit; got {image.dtype}")
        return self.placement.take(image, shape)


def open_cells(plate: Plate) -> Drawn:
    """Which cells of a plate are open as it is seen, shape (ny, nx).

    Raises:
        ValueError: a cell that is neither open nor opaque; mirrors set no phase and no gray.
    """
    shown = np.abs(plate.transmittance - 1) <= _EXACT
    strays = int((~shown & (np.abs(plate.transmittance) > _EXACT))[plate.seen].sum())
    if strays:
        raise ValueError(
            f"{strays} cells of plate {plate.name!r} are neither open nor opaque, and mirrors know nothing else; "
            "encode the mask in open and opaque cells first"
        )
    cells: Drawn = shown[plate.seen]
    return cells


def write_bits(path: str | Path, image: Drawn) -> None:
    """Bits without a header, eight in a byte, the first highest; each row filled up with zeros to whole bytes.

    Raises:
        ValueError: not a 2-D image of bits.
        OSError: as :func:`acdc_optical.files.replacing`.
    """
    if image.ndim != 2 or image.dtype != np.bool_:
        raise ValueError(f"expected an image of shape (rows, columns), bool; got {image.shape} {image.dtype}")
    with replacing(path) as temporary:
        temporary.write_bytes(np.packbits(image, axis=1, bitorder="big").tobytes())


def read_bits(path: str | Path, shape: tuple[int, int]) -> Drawn:
    """The image that :func:`write_bits` wrote, bool, of that shape: (rows, columns).

    Raises:
        FileNotFoundError: no such file.
        ValueError: not the size of such an image, or ones where rows are filled up.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected packed bits")
    packed: NDArray[np.uint8] = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    rows, row_bytes = shape[0], -(-shape[1] // 8)
    if packed.size != rows * row_bytes:
        raise ValueError(f"{path}: expected {rows * row_bytes} bytes for {shape} bits; got {packed.size}")
    bits = np.unpackbits(packed.reshape(rows, row_bytes), axis=1, bitorder="big").astype(np.bool_)
    if bits[:, shape[1] :].any():
        raise ValueError(f"{path}: bits are set beyond column {shape[1]}; are its rows longer?")
    return bits[:, : shape[1]]
