"""Heights give the phases they were made for, and the patterns give the heights."""

import math

import numpy as np
import pytest

from acdc_optical.fabrication.materials import AIR, Fixed, material_named
from acdc_optical.fabrication.plate import CHROME, CHROME_AND_SIGN, Alphabet, Plate, phase_steps
from acdc_optical.fabrication.relief import (
    Added,
    BareChrome,
    ChromeDrawn,
    Etched,
    GrayScale,
    OppositeSign,
    Reflection,
    Transmission,
)

WAVELENGTH = 632.8e-9
GLASS, WATER, OIL = Fixed(1.457, "glass"), Fixed(1.33, "water"), Fixed(1.6, "oil")
SILICA = Transmission(material_named("fused-silica"))
RELIEFS = {
    "glass in air": SILICA,
    "oblique": Transmission(GLASS, angle=0.6),
    "in water": Transmission(GLASS, WATER),
    "in oil": Transmission(GLASS, OIL, angle=0.2),
    "mirror": Reflection(),
    "mirror in water, oblique": Reflection(WATER, angle=0.4),
    "opposite sign": OppositeSign(SILICA),
    "mirror, opposite sign": OppositeSign(Reflection()),
}
MAKINGS = {"etched": Etched, "added": Added, "on a pedestal": lambda relief: Added(relief, pedestal=2e-6)}
ALPHABETS = {
    **{f"{count} levels": phase_steps(count) for count in (2, 3, 4, 6, 8, 16, 32)},
    "chrome and sign": CHROME_AND_SIGN,
    "chrome and four": Alphabet((0, 1, None, 2, 3), 4),
    "backwards": Alphabet((4, -1, 2), 6),
    "two far apart": Alphabet((1, 3), 4),
}

every_relief = pytest.mark.parametrize("relief", RELIEFS.values(), ids=RELIEFS)
every_making = pytest.mark.parametrize("make", MAKINGS.values(), ids=MAKINGS)
every_alphabet = pytest.mark.parametrize("alphabet", ALPHABETS.values(), ids=ALPHABETS)


def plate(alphabet, surface):
    levels = np.random.default_rng(0).integers(0, len(alphabet), (9, 11), dtype=np.uint8)
    return Plate("test", levels, (1e-6, 1e-6), alphabet.transmittance, WAVELENGTH, surface.layers, surface.heights)


@pytest.mark.parametrize(
    ("wavelength_um", "depths_nm"),
    [
        (0.405, (862.5, 431.2, 215.6, 107.8, 53.9)),
        (0.532, (1154.7, 577.4, 288.7, 144.3, 72.2)),
        (0.6328, (1384.6, 692.3, 346.2, 173.1, 86.5)),
        (1.064, (2366.4, 1183.2, 591.6, 295.8, 147.9)),
        (1.55, (3490.8, 1745.4, 872.7, 436.4, 218.2)),
    ],
)
def test_depths_in_fused_silica(wavelength_um, depths_nm):
    wavelength = wavelength_um * 1e-6
    layers = Etched(SILICA).surface(phase_steps(16), wavelength).layers
    depths = [SILICA.turn(wavelength), *(layer.depth for layer in layers)]
    assert [depth * 1e9 for depth in depths] == pytest.approx(depths_nm, abs=0.051)  # so many digits are printed
    assert [layer.depth for layer in layers] == [SILICA.turn(wavelength) / 2**m for m in (1, 2, 3, 4)]
    assert [(layer.number, layer.name) for layer in layers] == [(m, f"ETCH{m}") for m in (1, 2, 3, 4)]


@every_alphabet
@every_making
@every_relief
def test_heights_give_the_transmittance(relief, make, alphabet):
    surface = make(relief).surface(alphabet, WAVELENGTH)
    clear = ~alphabet.opaque
    shown = np.exp(2j * math.pi * surface.heights / relief.turn(WAVELENGTH))[clear]
    factor = shown / alphabet.transmittance[clear]
    # One factor for all levels, to the rounding of phases of up to four turns.
    np.testing.assert_allclose(factor, factor[0], atol=1e-13)
    assert abs(factor[0]) == pytest.approx(1, abs=1e-14)  # rounding


@every_alphabet
@every_making
@every_relief
def test_patterns_give_the_heights(relief, make, alphabet):
    making = make(relief)
    surface = making.surface(alphabet, WAVELENGTH)
    depths = sum(np.array(layer.drawn) * layer.depth for layer in surface.layers if layer.depth)
    base = getattr(making, "pedestal", 0.0)
    expected = depths.max() - depths if make is Etched else base + depths
    np.testing.assert_allclose(surface.heights, expected, atol=1e-18)  # rounding of micrometres
    assert surface.heights.min() == base


@every_alphabet
@every_making
def test_patterns_tell_the_levels_apart(make, alphabet):
    made = plate(alphabet, make(SILICA).surface(alphabet, WAVELENGTH))
    levels = made.levels_of([made.drawn(layer) for layer in made.layers])
    np.testing.assert_array_equal(levels, made.levels)


@pytest.mark.parametrize("count", range(2, 33))
def test_as_few_patterns_as_can_be(count):
    layers = Etched(SILICA).surface(phase_steps(count), WAVELENGTH).layers
    assert len(layers) == math.ceil(math.log2(count))
    step = SILICA.turn(WAVELENGTH) / count
    # Rounding.
    expected = [step * 2**bit for bit in reversed(range(len(layers)))]
    assert [layer.depth for layer in layers] == pytest.approx(expected, rel=1e-14)


def test_etching_takes_phase_in_transmission_and_adds_it_in_reflection():
    """The sign trap, by hand: a quarter turn of phase more is three quarters of glass less."""
    depth = {True: 3, False: 1}
    for relief, through in ((SILICA, True), (Reflection(), False)):
        heights = Etched(relief).surface(phase_steps(4), WAVELENGTH).heights
        lowered = (heights[0] - heights[1]) / abs(relief.turn(WAVELENGTH))
        assert lowered == pytest.approx(depth[through] / 4, rel=1e-14)  # rounding


@pytest.mark.parametrize("angle", [0.0, 0.3, -1.2])
def test_turns_by_the_wave_vectors(angle):
    """Phase is k_z times height: from the wave vectors on both sides, with the part along the surface in common."""
    k, height = 2 * math.pi / WAVELENGTH, 1e-7
    along = k * 1.33 * math.sin(angle)
    medium, glass = (math.sqrt((k * n) ** 2 - along**2) for n in (1.33, 1.457))
    phase = 2 * math.pi * height / Transmission(GLASS, WATER, angle).turn(WAVELENGTH)
    assert phase == pytest.approx((glass - medium) * height, rel=1e-9)  # rounding, magnified by a small difference
    phase = 2 * math.pi * height / Reflection(WATER, angle).turn(WAVELENGTH)
    assert phase == pytest.approx(-2 * medium * height, rel=1e-12)  # rounding


def test_a_mirror_is_half_a_wave_high():
    assert Reflection().turn(WAVELENGTH) == -WAVELENGTH / 2


def test_the_opposite_sign_turns_a_lens_into_its_opposite():
    there, here = (Etched(relief).surface(phase_steps(8), WAVELENGTH) for relief in (OppositeSign(SILICA), SILICA))
    np.testing.assert_array_equal(there.heights[1:], here.heights[:0:-1])
    assert there.heights[0] == here.heights[0]


def test_chrome_is_a_layer_of_its_own():
    surface = Etched(SILICA).surface(CHROME_AND_SIGN, WAVELENGTH)
    etch, chrome = surface.layers
    assert (etch.number, etch.name, etch.drawn) == (1, "ETCH1", (False, False, True))
    assert (chrome.number, chrome.name, chrome.drawn, chrome.depth) == (10, "CHROME", (False, True, True), None)
    assert "692.31 nm deep" in etch.purpose
    assert chrome.purpose == "polygons are clear openings in chrome"
    assert surface.heights[0] == surface.heights[1] > surface.heights[2] == 0


@pytest.mark.parametrize("making", [Etched(SILICA), Added(SILICA), BareChrome()])
def test_chrome_alone_has_no_relief(making):
    surface = making.surface(CHROME, WAVELENGTH)
    assert surface.heights is None
    assert [layer.name for layer in surface.layers] == ["CHROME"]


def test_the_tone_of_chrome_can_be_inverted():
    plain, inverted = Etched(SILICA), ChromeDrawn(Etched(SILICA))
    (etch, openings), (same, drawn) = (m.surface(CHROME_AND_SIGN, WAVELENGTH).layers for m in (plain, inverted))
    assert same == etch
    assert drawn.drawn == tuple(not cells for cells in openings.drawn)
    assert drawn.purpose == "polygons are chrome, the rest is clear"
    made = plate(CHROME_AND_SIGN, inverted.surface(CHROME_AND_SIGN, WAVELENGTH))
    np.testing.assert_array_equal(made.levels_of([made.drawn(layer) for layer in made.layers]), made.levels)


def test_gray_scale_has_heights_alone():
    wanted = Added(SILICA, pedestal=1e-6)
    surface = GrayScale(wanted).surface(phase_steps(256), WAVELENGTH)
    assert surface.layers == ()
    np.testing.assert_array_equal(surface.heights, wanted.surface(phase_steps(256), WAVELENGTH).heights)
    with pytest.raises(ValueError, match="no opaque cells"):
        GrayScale(wanted).surface(CHROME_AND_SIGN, WAVELENGTH)


def test_numbers_of_layers_never_meet():
    steps = (*range(2**11), None)
    numbers = [layer.number for layer in Etched(SILICA).surface(Alphabet(steps, 2**11), WAVELENGTH).layers]
    assert numbers == [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 10]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BareChrome().surface(CHROME_AND_SIGN, WAVELENGTH), "has 2: use Etched"),
        (lambda: BareChrome().surface(phase_steps(4), WAVELENGTH), "has 4: use Etched"),
        (lambda: BareChrome().surface(Alphabet((0,), 1), WAVELENGTH), "nothing for chrome"),
        (lambda: Added(SILICA, pedestal=-1e-6), "pedestal of 0 or more"),
        (lambda: Transmission(GLASS, angle=math.pi / 2), "below π/2"),
        (lambda: Reflection(angle=math.nan), "below π/2"),
        (lambda: Transmission(AIR).turn(WAVELENGTH), "air in air has the same index"),
        (lambda: Transmission(AIR, GLASS, angle=0.9).turn(WAVELENGTH), r"51.57° in glass .* less than 43.34°"),
        (lambda: Etched(SILICA).surface(phase_steps(4), 10e-6), "known from 210 nm to 6.7 um"),
        (lambda: Etched(Reflection()).surface(phase_steps(4), -1.0), "wavelength above 0"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()
