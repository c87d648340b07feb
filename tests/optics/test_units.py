"""Lengths as people write them."""

from __future__ import annotations

import math

import pytest

from optics.units import cm, format_length, m, mm, nm, parse_length, um


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
