"""Where an array lies on a device, and how the device is turned.

An array has its lowest row first; the image on a device has its top first. Images of devices that are mounted upside
down, mirrored or on their side are turned here, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.surfaces.rasters import Pitch, Scalar, upright


@dataclass(frozen=True)
class Placement:
    """An array in the middle of a device, or beside it.

    Attributes:
        shape: of the device, (rows, columns).
        transpose: rows and columns exchanged, before the flips.
        flip_rows: the device's first row is at the bottom.
        flip_columns: the device's first column is at the right.
        offset: by which the array lies lower and further right in the device's image, (down, right) [pixels]. Where the
            margins cannot be equal, the upper and the left one are the smaller.

    Raises:
        ValueError: a shape without pixels.

    >>> Placement((3, 4), offset=(1, 0)).place(np.array([[1, 2], [3, 4]]), fill=0).tolist()
    [[0, 0, 0, 0], [0, 3, 4, 0], [0, 1, 2, 0]]
    """

    shape: tuple[int, int]
    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False
    offset: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        if len(self.shape) != 2 or min(self.shape) < 1:
            raise ValueError(f"expected the shape of a device, (rows, columns); got {self.shape}")

    def place(self, values: NDArray[Scalar], *, fill: float) -> NDArray[Scalar]:
        """The device's image, shape (rows, columns): the array, shape (ny, nx), and ``fill`` around it.

        Raises:
            ValueError: the array is not 2-D, or no place for it; it is never cropped.
        """
        if values.ndim != 2:
            raise ValueError(f"expected an array of shape (ny, nx); got {values.shape}")
        turned = self._turned(upright(values))
        image = np.full(self.shape, fill, dtype=values.dtype)
        image[self._window(turned.shape)] = turned
        return image

    def take(self, image: NDArray[Scalar], shape: tuple[int, int]) -> NDArray[Scalar]:
        """The array of that shape, (ny, nx), from the device's image: the inverse of :meth:`place`.

        Raises:
            ValueError: an image of another shape, or no place for the array.
        """
        if image.shape != self.shape:
            raise ValueError(f"expected an image of the device's {self.shape} pixels; got {image.shape}")
        window = self._window(shape[::-1] if self.transpose else shape)
        turned = image[window][:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]
        return upright(turned.T if self.transpose else turned)

    def require_pitch(self, plate: Pitch, device: Pitch) -> None:
        """Refuse a plate whose cells are no pixels of the device; both (y, x) [m], the device's along its own rows.

        Raises:
            ValueError: they differ by more than a millionth.
        """
        expected = device[::-1] if self.transpose else device
        if not np.allclose(plate, expected, rtol=1e-6, atol=0):
            raise ValueError(f"the device has pixels of {expected} m and the plate of {plate} m; design for the device")

    def _turned(self, image: NDArray[Scalar]) -> NDArray[Scalar]:
        turned = image.T if self.transpose else image
        return turned[:: -1 if self.flip_rows else 1, :: -1 if self.flip_columns else 1]

    def _window(self, shape: tuple[int, ...]) -> tuple[slice, slice]:
        starts = [(n - m) // 2 + shift for n, m, shift in zip(self.shape, shape, self.offset, strict=True)]
        if any(start < 0 or start + m > n for start, m, n in zip(starts, shape, self.shape, strict=True)):
            raise ValueError(
                f"no place for {shape[0]} × {shape[1]} pixels on a device of {self.shape[0]} × {self.shape[1]} "
                f"with an offset of {self.offset}; use a smaller mask, another device or another offset"
            )
        rows, columns = (slice(start, start + m) for start, m in zip(starts, shape, strict=True))
        return rows, columns
