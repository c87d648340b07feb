"""Data from files: lengths with their units, and one line that says what is wrong."""

from typing import Annotated

import pytest
from pydantic import Field, model_validator

from acdc_optical.parts import Distance, Fill, Length, Part, parse_toml, read_toml, unit_of
from optics.units import LENGTH


class Hole(Part):
    width: Length
    offset: Distance | None = None


class Sheet(Part):
    thickness: Length = 1e-3
    fill: Fill = 1.0
    count: Annotated[int, Field(ge=1)] = 1
    hole: Hole | None = None
    spares: tuple[Hole, ...] = ()

    @model_validator(mode="after")
    def _thick(self) -> "Sheet":
        if self.hole and self.hole.width < self.thickness:
            raise ValueError("a hole must be wider than the sheet is thick")
        return self


FULL = 'thickness = "0.1 mm"\nfill = 0.5\ncount = 3\n[hole]\nwidth = "2 mm"\noffset = "0 nm"\n'


def test_lengths_come_with_units_from_files_and_in_metres_from_python():
    sheet = parse_toml(Sheet, FULL, "sheet.toml")
    assert sheet == Sheet(thickness=1e-4, fill=0.5, count=3, hole=Hole(width="2 mm", offset=0.0))


def test_units_are_found_also_of_what_may_be_absent():
    assert unit_of(Sheet.model_fields["thickness"]).dimension is LENGTH
    assert unit_of(Hole.model_fields["offset"]).dimension is LENGTH
    assert unit_of(Sheet.model_fields["fill"]) is None


def test_a_name_has_a_unit_where_the_part_says_so():
    """The same name may be a length in one part and a ratio in another."""

    class Ratio(Part):
        width: Fill = 1.0

    class Pair(Part):
        hole: Hole
        ratio: Ratio

    pair = parse_toml(Pair, '[hole]\nwidth = "1 mm"\n[ratio]\nwidth = 0.5', "pair.toml")
    assert (pair.hole.width, pair.ratio.width) == (1e-3, 0.5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("thickness = 1e-3", r"thickness: a length in a file needs its unit, like '633 nm'; got 0\.001"),
        ("[hole]\nwidth = 2", "hole: width: a length in a file needs its unit"),
        ('thickness = "1 furlong"', "thickness: expected a length with its unit"),
        ('thickness = "0 mm"', "thickness: input should be greater than 0; got '0 mm'"),
        ('[hole]\nwidth = "1 mm"\noffset = "-1 mm"', "hole: offset: input should be greater than or equal to 0"),
        ("colour = 1", "unknown key 'colour'; known are thickness, fill, count, hole, spares"),
        ('[hole]\nwidth = "1 mm"\ncolour = 1', "hole: unknown key 'colour'; known are width, offset"),
        ("[hole]", "hole: width is missing"),
        ("fill = 1.5", "fill: input should be less than or equal to 1; got 1.5"),
        ("count = 0\nfill = 0", "fill: .* got 0; count: input should be greater than or equal to 1; got 0"),
        ('[hole]\nwidth = "0.1 mm"', "a hole must be wider than the sheet is thick"),
        ("fill = ", "expected a TOML file"),
    ],
)
def test_errors_name_the_file_and_the_key(text, message):
    with pytest.raises(ValueError, match=f"^sheet.toml: {message}") as error:
        parse_toml(Sheet, text, "sheet.toml")
    assert "\n" not in str(error.value)


def test_lengths_in_lists_of_parts_need_units_too():
    with pytest.raises(ValueError, match="spares: width: a length in a file needs its unit"):
        parse_toml(Sheet, "[[spares]]\nwidth = 2", "sheet.toml")


def test_files(tmp_path):
    path = tmp_path / "sheet.toml"
    with pytest.raises(FileNotFoundError, match="no such file; expected a sheet as TOML"):
        read_toml(Sheet, path, "a sheet")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="expected a TOML text file"):
        read_toml(Sheet, path, "a sheet")
    path.write_text(FULL)
    assert read_toml(Sheet, path, "a sheet").count == 3


def test_replaced_parts_are_validated_anew():
    sheet = Sheet(hole=Hole(width="2 mm"))
    assert sheet.replace(count=2).hole == sheet.hole
    with pytest.raises(ValueError, match="a hole must be wider"):
        sheet.replace(thickness="3 mm")
    with pytest.raises(ValueError, match="unknown key 'size'"):
        sheet.replace(size=1)
    with pytest.raises(ValueError, match="frozen"):
        sheet.count = 2
