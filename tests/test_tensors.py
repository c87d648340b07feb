"""Tensors in a file: all that goes in comes out, one kind of file is not taken for another, damage is seen."""

import json

import pytest
import torch
from pydantic import BaseModel, ConfigDict
from safetensors.torch import save_file

from acdc_optical.tensors import CHECKPOINT, DESIGN, Kind, read_tensors, write_tensors


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    step: int
    rate: float
    note: str = "λ/2"


_HEADER = _Header(step=3, rate=0.1 + 0.2)
_BASE = torch.arange(12, dtype=torch.float64).reshape(3, 4)
_TENSORS = {
    "real": _BASE,
    "shared": _BASE[1:],
    "transposed": _BASE.T,
    "conjugate": torch.complex(_BASE, -_BASE).conj(),
    "single": torch.tensor(1 + 2j, dtype=torch.complex64),
    "brief": torch.tensor([1.5, -2], dtype=torch.bfloat16),
    "empty": torch.ones(0, 3),
    "whole": torch.tensor([True, False]),
    "grad": torch.ones(2, requires_grad=True),
}


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "file"
    write_tensors(path, CHECKPOINT, _HEADER, _TENSORS)
    return path


def test_header_and_tensors_round_trip(saved):
    header, tensors = read_tensors(saved, CHECKPOINT, _Header)
    assert header == _HEADER
    assert tensors.keys() == _TENSORS.keys()
    for name, value in _TENSORS.items():
        assert tensors[name].dtype == value.dtype
        assert torch.equal(tensors[name], value), name


@pytest.mark.parametrize("name", sorted(_TENSORS.keys() - {"empty"}))
def test_the_checksum_covers_every_tensor(saved, name):
    content = bytearray(saved.read_bytes())
    start = 8 + int.from_bytes(content[:8], "little")  # of the numbers, after the layout and its length
    content[start + json.loads(content[8:start])[name]["data_offsets"][0]] ^= 1
    saved.write_bytes(content)
    with pytest.raises(ValueError, match="the checkpoint is damaged: its contents do not match their checksum"):
        read_tensors(saved, CHECKPOINT, _Header)


def test_the_checksum_covers_the_header(saved):
    content = saved.read_bytes()
    saved.write_bytes(content.replace(b'step\\":3', b'step\\":4'))
    assert saved.read_bytes() != content
    with pytest.raises(ValueError, match="do not match their checksum"):
        read_tensors(saved, CHECKPOINT, _Header)


@pytest.mark.parametrize(("written", "wanted"), [(DESIGN, CHECKPOINT), (CHECKPOINT, DESIGN)], ids=lambda k: k.name)
def test_one_kind_is_not_taken_for_another(tmp_path, written, wanted):
    write_tensors(tmp_path / "file", written, _HEADER, _TENSORS)
    with pytest.raises(ValueError, match=rf"a {written.name}, but not a {wanted.name} .*; {wanted.maker}"):
        read_tensors(tmp_path / "file", wanted, _Header)


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no such checkpoint file; {CHECKPOINT.maker}"):
        read_tensors(tmp_path / "none", CHECKPOINT, _Header)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ValueError, match="not a checkpoint file, or a damaged or truncated one"):
        read_tensors(tmp_path / "text", CHECKPOINT, _Header)
    save_file({"weight": torch.ones(2)}, tmp_path / "foreign")
    with pytest.raises(ValueError, match="a safetensors file, but not a checkpoint"):
        read_tensors(tmp_path / "foreign", CHECKPOINT, _Header)
    save_file({"weight": torch.ones(2)}, tmp_path / "list", metadata={CHECKPOINT.key: "[1]"})
    with pytest.raises(ValueError, match="the checkpoint is damaged: its header cannot be read"):
        read_tensors(tmp_path / "list", CHECKPOINT, _Header)


def test_another_schema_is_refused(tmp_path):
    newer = Kind(CHECKPOINT.key, CHECKPOINT.name, CHECKPOINT.schema + 1, CHECKPOINT.maker)
    write_tensors(tmp_path / "file", newer, _HEADER, _TENSORS)
    with pytest.raises(ValueError, match=r"checkpoint schema 2; this version .* reads schema 1"):
        read_tensors(tmp_path / "file", CHECKPOINT, _Header)


def test_a_header_with_other_fields_is_inconsistent(saved):
    class Other(BaseModel):
        name: str

    with pytest.raises(ValueError, match="the checkpoint is inconsistent: 1 validation error") as caught:
        read_tensors(saved, CHECKPOINT, Other)
    assert "\n" not in str(caught.value)
