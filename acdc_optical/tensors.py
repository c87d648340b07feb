"""Named tensors under a JSON header, sealed in one safetensors file: what designs and checkpoints are stored as."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from acdc_optical.files import replacing

H = TypeVar("H", bound=BaseModel)


@dataclass(frozen=True)
class Kind:
    """What a file is, so that one is not taken for another.

    Attributes:
        key: name of the header in the file's metadata.
        name: what users call such a file.
        schema: version of its layout. A reader refuses versions it does not know.
        maker: where such a file comes from, for who has none or another.
    """

    key: str
    name: str
    schema: int
    maker: str


DESIGN = Kind("acdc-optical", "design", 1, "make one with 'acdc-optical compile' or Design.save")
CHECKPOINT = Kind("acdc-optical-checkpoint", "checkpoint", 1, "training writes one if it is given a file to write to")
TOLERANCES = Kind("acdc-optical-tolerances", "tolerance run", 1, "make one with 'acdc-optical tolerance --resume'")
_KINDS = (DESIGN, CHECKPOINT, TOLERANCES)
_ADDED = {"schema_version", "complex_tensors", "sha256"}


def write_tensors(path: str | Path, kind: Kind, header: BaseModel, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors and what they mean, whole or not at all, with a checksum over both.

    Args:
        path: the file.
        kind: what the file is.
        header: without the fields ``schema_version``, ``complex_tensors`` and ``sha256``, which are added.
        tensors: of any device and dtype, complex too.

    Raises:
        OSError: the file cannot be written there.
    """
    stored = {name: _storable(value) for name, value in tensors.items()}
    fields: dict[str, Any] = {"schema_version": kind.schema, **header.model_dump(mode="json")}
    fields["complex_tensors"] = [name for name, value in tensors.items() if value.is_complex()]
    fields["sha256"] = _digest(fields, stored)
    with replacing(path) as temporary:
        save_file(stored, temporary, metadata={kind.key: to_json(fields).decode()})


def read_tensors(path: str | Path, kind: Kind, header: type[H]) -> tuple[H, dict[str, Tensor]]:
    """Read what :func:`write_tensors` wrote: the header and, on the CPU, the tensors.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not of this kind, damaged, truncated, or of a schema this version does not know.
    """
    path = Path(path)
    text, stored = _contents(path, kind)
    try:
        fields = from_json(text)
        version, seal = fields["schema_version"], fields["sha256"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path}: the {kind.name} is damaged: its header cannot be read") from None
    if version != kind.schema:
        raise ValueError(
            f"{path}: {kind.name} schema {version!r}; this version of acdc-optical reads schema {kind.schema}"
        )
    if _digest(fields, stored) != seal:
        raise ValueError(f"{path}: the {kind.name} is damaged: its contents do not match their checksum")
    try:
        meaning = header.model_validate({name: value for name, value in fields.items() if name not in _ADDED})
        return meaning, _restored(stored, fields["complex_tensors"])
    except (ValidationError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path}: the {kind.name} is inconsistent: {str(error).splitlines()[0]}") from None


def _contents(path: Path, kind: Kind) -> tuple[str, dict[str, Tensor]]:
    """The header's text and the tensors as they are stored."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such {kind.name} file; {kind.maker}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            # Copies: the file's own memory goes with the file, and is not aligned as complex arithmetic needs it.
            stored = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: not a {kind.name} file, or a damaged or truncated one ({error})") from None
    if kind.key in metadata:
        return metadata[kind.key], stored
    other = next((f"a {other.name}" for other in _KINDS if other.key in metadata), "a safetensors file")
    raise ValueError(
        f"{path}: {other}, but not a {kind.name} of acdc-optical: its header lacks {kind.key!r}; {kind.maker}"
    )


def _digest(fields: dict[str, Any], stored: dict[str, Tensor]) -> str:
    """Of everything in the file but the digest itself."""
    digest = hashlib.sha256(to_json({**fields, "sha256": ""}))
    for name in sorted(stored):
        value = stored[name]
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        # As bytes: NumPy does not know all of torch's number formats.
        digest.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _storable(value: Tensor) -> Tensor:
    """On the CPU, contiguous, and real: complex numbers as a last axis of two."""
    value = value.detach().cpu().resolve_conj()
    return (torch.view_as_real(value) if value.is_complex() else value).contiguous().clone()


def _restored(stored: dict[str, Tensor], complex_names: list[str]) -> dict[str, Tensor]:
    return stored | {name: torch.view_as_complex(stored[name]) for name in complex_names}
