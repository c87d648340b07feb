"""A plate as NumPy arrays (.npz): for HCIPy, prysm, LightPipes, torch and everything else that reads arrays.

SI units, the frame of the light, no pickle. ``numpy.savez`` would note the time; here the same plate gives the same
bytes. :func:`~acdc_optical.files.read_arrays` reads the numbers with ``STRIPED, RELIEF, FLAT``
as its choices.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from acdc_optical.fabrication.package.archives import entry
from acdc_optical.fabrication.plate import Plate
from acdc_optical.files import replacing

FLAT = ("levels", "pitch", "transmittance", "wavelength")
"""Numbers in every file: level of each cell, (y, x) size of a cell [m], transmittance of each level, [m]."""

RELIEF = (*FLAT, "heights")
"""Numbers in the file of a plate with relief: also the height of each level [m]."""

STRIPED = (*RELIEF, "x_edges")
"""Numbers in the file of stripes: also where columns begin and end [m]; the pitch along x is their mean width."""


def write_arrays(path: str | Path, plate: Plate) -> None:
    """Write a plate as named arrays.

    Besides those of :data:`FLAT`, :data:`RELIEF` or :data:`STRIPED` there are ``name``, ``layer_names`` of shape
    (layers,) and ``layer_drawn``, 1 where a level is drawn in a layer, of shape (layers, count).

    Raises:
        OSError: see :func:`~acdc_optical.files.replacing`.
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, values in _arrays(plate).items():
            with entry(archive, f"{name}.npy", values.nbytes) as file:
                np.lib.format.write_array(file, values, version=(1, 0), allow_pickle=False)


def _arrays(plate: Plate) -> dict[str, NDArray[np.generic]]:
    drawn = np.array([layer.drawn for layer in plate.layers], dtype=np.uint8)
    arrays: dict[str, NDArray[np.generic]] = {
        "levels": np.ascontiguousarray(plate.levels),  # one order in memory, one order in the file
        "pitch": np.array(plate.pitch, dtype=np.float64),
        "transmittance": plate.transmittance.astype(np.complex128),
        "wavelength": np.array(plate.wavelength, dtype=np.float64),
        "name": np.array(plate.name),
        "layer_names": np.array([layer.name for layer in plate.layers], dtype=np.str_),
        "layer_drawn": drawn.reshape(len(plate.layers), len(plate.transmittance)),
    }
    if plate.heights is not None:
        arrays["heights"] = plate.heights.astype(np.float64)
    if plate.x_edges is not None:
        arrays["x_edges"] = plate.x_edges
    return arrays
