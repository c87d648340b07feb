"""Lengths, angles, powers and times as people write them."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from optics.units import (
    ANGLE,
    LENGTH,
    POWER,
    TIME,
    cm,
    format_length,
    m,
    mm,
    nm,
    parse_angle,
    parse_length,
    parse_power,
    parse_time,
    um,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("633 nm", 633 * nm),
        ("8um", 8 * um),
        ("8 µm", 8 * um),  # U+00B5 micro sign
        ("8 μm", 8 * um),  # U+03BC Greek mu
        (" 1.5  mm ", 1.5 * mm),
        (".5 cm", 0.5 * cm),
        ("2. m", 2 * m),
        ("1e3nm", 1e3 * nm),
        ("-2.5E-1 m", -0.25),
        ("+3 m", 3.0),
    ],
)
def test_parse(text, expected):
    assert parse_length(text) == expected


@pytest.mark.parametrize(
    "text", ["", "633", "nm", "633 kg", "633 NM", "1.2.3 nm", "-- 1 nm", "1 nm 2 nm", "inf m", "1,5 mm"]
)
def test_parse_says_what_it_expects_and_got(text):
    with pytest.raises(
        ValueError, match=r"expected a length with its unit, like '633 nm' \(nm, um, .*m\); got"
    ) as error:
        parse_length(text)
    assert str(error.value).endswith(repr(text))


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (633e-9, "633 nm"),
        (1e-6, "1 um"),
        (8e-6, "8 um"),
        (-8e-6, "-8 um"),
        (0.1, "100 mm"),
        (1.0, "1 m"),
        (0.0, "0 nm"),
        (1234567.0, "1.23457e+06 m"),
        # Rounded to six digits these are the next unit's, and should be written so.
        (0.9999999e-3, "1 mm"),
        (0.99999999e-6, "1 um"),
    ],
)
def test_format(length, expected):
    assert format_length(length) == expected


@pytest.mark.parametrize(
    "length", [1.2345e-12, 632.8e-9, 9.99999e-7, 8e-6, 12.5e-6, 1e-3, 0.0254, 0.3, 1.0, 42.0, -7e-5]
)
def test_round_trip(length):
    assert math.isclose(parse_length(format_length(length)), length, rel_tol=5e-6)  # six digits are written


DIMENSIONS = pytest.mark.parametrize("dimension", [LENGTH, ANGLE, POWER, TIME], ids=lambda d: d.kind)


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (parse_angle, "1 mrad", 1e-3),
        (parse_angle, "-0.1 deg", -0.1 * math.pi / 180),
        (parse_power, "5 mW", 5e-3),
        (parse_power, "3 µW", 3e-6),
        (parse_time, "10 ms", 1e-2),
        (parse_time, "2 us", 2e-6),
    ],
)
def test_parse_others(read, text, expected):
    assert read(text) == pytest.approx(expected, rel=1e-15)  # a product of floats may round the last bit


@DIMENSIONS
def test_kinds_are_not_mixed(dimension):
    others = {name for other in (LENGTH, ANGLE, POWER, TIME) if other is not dimension for name in other.units}
    for unit in others - set(dimension.units):
        with pytest.raises(ValueError, match=f"expected {dimension.kind} with its unit, like '{dimension.example}'"):
            dimension.parse(f"1 {unit}")


@DIMENSIONS
def test_exact_text_is_read_back_to_the_last_bit(dimension):
    random = np.random.default_rng(0)
    drawn = random.choice([-1.0, 1.0], 200) * 10 ** random.uniform(-15, 6, 200)
    people = [float(f"{n}e{power}") for n in (1, 3, 6.33, 9.99999, 12.5, 632.8) for power in range(-13, 4)]
    for value in [0.0, *people, *drawn.tolist()]:
        assert dimension.parse(dimension.format_exactly(value)) == value


@pytest.mark.parametrize(
    ("dimension", "text"),
    [
        (LENGTH, "633 nm"),
        (LENGTH, "0.1 um"),  # 100 nm is another float
        (LENGTH, "17.9 mm"),
        (ANGLE, "1 mrad"),
        (POWER, "5 mW"),
        (TIME, "10 ms"),
    ],
)
def test_what_people_write_is_written_so_again(dimension, text):
    assert dimension.format_exactly(dimension.parse(text)) == text


@DIMENSIONS
@pytest.mark.parametrize(
    ("number", "fits"),
    [("1", True), ("-2.5e-1", True), ("+.5", True), ("2.", True), ("", False), ("1,5", False), ("inf", False)],
)
def test_the_pattern_is_what_is_read(dimension, number, fits):
    for unit in dimension.units:
        assert bool(re.search(dimension.pattern(), f"{number} {unit}")) is fits
    assert not re.search(dimension.pattern(), f"{number} kg")
