"""Process files: what they say becomes objects, and what they cannot mean is refused by name."""

import math

import numpy as np
import pytest

from acdc_optical.fabrication.encodings import (
    BinaryLee,
    BinaryPhase,
    BlazedCarrier,
    ChromeAndEtch,
    DoublePhase,
    PhaseSteps,
)
from acdc_optical.fabrication.layouts.rules import Rules
from acdc_optical.fabrication.mask_process import MaskProcess
from acdc_optical.fabrication.orders import orders_of
from acdc_optical.fabrication.plate import CHROME_AND_SIGN
from acdc_optical.fabrication.process import Process, processes
from acdc_optical.fabrication.relief import Added, BareChrome, ChromeDrawn, Etched, GrayScale
from tests.fabrication.designs import compiled, one_etch, phases, striped

PRESETS = {"chrome-and-etch": compiled, "double-phase": compiled, "one-etch": one_etch, "stripes": striped}
FILE = """
name = "resist on glass"
[D]
encoding = "double-phase"
levels = 8
feature = "0.7 um"
made = "added"
material = "su-8-2000"
pedestal = "2 um"
faces_source = true
min_feature = "0.7 um"
min_gap = "0.5 um"
corner_contacts = false
[layout]
grid = "5 nm"
hierarchical = true
stripe_height = "1 mm"
[tolerances]
depth = 0.01
overlay = "0 nm"
width = "50 nm"
"""


def process(**settings):
    settings.setdefault("encoding", "phase-steps")
    if settings["encoding"] == "phase-steps":
        settings.setdefault("levels", 4)
    return MaskProcess(**settings)


def test_there_is_a_design_for_every_preset():
    assert processes() == sorted(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_order_their_kind_of_design(name):
    orders = orders_of(PRESETS[name](), Process.preset(name))
    assert [order.plate.name for order in orders] == ["L1D"] if name == "stripes" else ["L1A", "L1D"]
    for order in orders:
        rules, plate = order.process.rules(), order.plate
        if plate.x_edges is None:
            assert min(plate.pitch) > 0.99 * rules.min_feature  # what is drawn can be resolved
        assert order.encoded.residual < 0.05
        assert plate.heights.min() == 0
        assert plate.layers


def test_everything_in_a_file(tmp_path):
    path = tmp_path / "process.toml"
    path.write_text(FILE)
    read = Process.load(path)
    assert read.A is None
    assert (read.name, read.layout.grid, read.layout.hierarchical) == ("resist on glass", 5e-9, True)
    assert (read.tolerances.depth, read.tolerances.overlay) == (0.01, 0.0)
    assert read.tolerances.width == pytest.approx(5e-8)
    assert read.D.encoding_for(8e-6) == DoublePhase(8, 11)
    making = read.D.making()
    assert isinstance(making, Added)
    assert making.pedestal == 2e-6
    assert read.D.rules() == Rules(0.7e-6, 0.5e-6, False)


@pytest.mark.parametrize(
    ("settings", "encoding"),
    [
        ({"encoding": "phase-steps", "levels": 16}, PhaseSteps(16)),
        ({"encoding": "chrome-and-etch", "cells": 8}, ChromeAndEtch(8)),
        ({"encoding": "chrome-and-etch", "cells": 8, "levels": 4}, ChromeAndEtch(8, 4)),
        ({"encoding": "binary-phase", "cells": 8}, BinaryPhase(8)),
        ({"encoding": "double-phase", "levels": 16, "cells": 2}, DoublePhase(16, 2)),
        ({"encoding": "blazed-carrier", "levels": 16, "cells": 16}, BlazedCarrier(16, 16)),
        ({"encoding": "blazed-carrier", "levels": 16, "cells": 16, "period": 4}, BlazedCarrier(16, 16, 4)),
        ({"encoding": "binary-lee", "cells": 16, "period": 10}, BinaryLee(16, 10)),
    ],
)
def test_words_are_encodings(settings, encoding):
    assert MaskProcess(**settings).encoding_for(1e-6) == encoding


@pytest.mark.parametrize(
    ("pixel", "feature", "cells"),
    [(8e-6, 1e-6, 8), (8e-6, 1.01e-6, 7), (0.3e-6, 0.1e-6, 3), (0.7e-6, 0.1e-6, 7), (1e-6, 1e-6, 1), (1.9e-6, 1e-6, 1)],
)
def test_as_many_cells_as_fit(pixel, feature, cells):
    """0.3e-6 / 0.1e-6 is a little below three, 0.7e-6 / 0.1e-6 below seven."""
    assert process(encoding="binary-phase", feature=feature).encoding_for(pixel) == BinaryPhase(cells)


def test_a_pixel_smaller_than_a_feature():
    with pytest.raises(ValueError, match=r"a pixel of 500 nm is smaller than a feature of 1 um; take a finer process"):
        process(encoding="binary-phase", feature="1 um").encoding_for(5e-7)
    fine = Process(name="coarse", A=process(encoding="binary-phase", feature="9 um"))
    with pytest.raises(ValueError, match="mask A of optical layer 1: a pixel of 8 um is smaller"):
        orders_of(compiled(), fine)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({}, Etched),
        ({"made": "added"}, Added),
        ({"made": "etched-gray-scale"}, GrayScale),
        ({"made": "added-gray-scale"}, GrayScale),
        ({"made": "chrome"}, BareChrome),
        ({"encoding": "chrome-and-etch", "levels": None, "cells": 2, "chrome_drawn": True}, ChromeDrawn),
        ({"made": "modulator"}, type(None)),
    ],
)
def test_words_are_makings(settings, kind):
    assert isinstance(process(**settings).making(), kind)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("light", ["transmission", "reflection"])
@pytest.mark.parametrize("made", ["etched", "added", "etched-gray-scale", "added-gray-scale"])
@pytest.mark.parametrize("angle", [0, 20])
def test_heights_reproduce_the_mask_up_to_one_factor(made, light, sign, angle):
    """From the heights, by the physics written here: k_z of glass less that of air, or twice the way through air."""
    through = {"index": 1.46} if light == "transmission" else {"light": light, "faces_source": True}
    how = process(levels=8, made=made, phase_sign=sign, angle_deg=angle, **through)
    (order,) = orders_of(phases(), Process(name="phases", D=how))
    plate = order.plate
    k, along = 2 * math.pi / plate.wavelength, math.sin(math.radians(angle))
    air = math.sqrt(1.000 - along**2) * k
    per_height = math.sqrt(1.46**2 - along**2) * k - air if light == "transmission" else -2 * air
    shown = np.exp(1j * sign * per_height * plate.heights)[plate.levels]
    wanted = plate.transmittance[plate.levels]
    factor = np.vdot(wanted, shown) / wanted.size
    assert abs(factor) == pytest.approx(1, abs=1e-3)  # the air here is a vacuum: its index is 2.8e-4 higher
    np.testing.assert_allclose(shown, factor * wanted, atol=5e-3)


def test_chrome_can_be_what_is_drawn():
    settings = {"encoding": "chrome-and-etch", "cells": 2}
    plain, drawn = (
        process(**settings, chrome_drawn=each).making().surface(CHROME_AND_SIGN, 633e-9).layers[-1]
        for each in (False, True)
    )
    assert drawn.drawn == tuple(not each for each in plain.drawn)


ENCODED = '[D]\nencoding = "{}"\n'
STEPS = 'name = "x"\n' + ENCODED.format("phase-steps") + "levels = 4\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "x"', r"give a table \[A\] or \[D\]"),
        ("[D]\n" + STEPS.removeprefix('name = "x"\n[D]\n'), "name is missing"),
        (STEPS + "colour = 3", "D: unknown key 'colour'; known are encoding, cells"),
        (STEPS + "[E]", "unknown key 'E'; known are name"),
        (STEPS + "[layout]\ngrid = 5", "grid: a length in a file needs its unit"),
        (STEPS + "min_feature = 1e-6", "min_feature: a length in a file needs its unit"),
        (STEPS + '[tolerances]\nwidth = "-1 nm"', "tolerances: width: input should be greater than or equal to 0"),
        (STEPS + "[tolerances]\ndepth = 1.0", "tolerances: depth: input should be less than 1"),
        (STEPS + "cells = 4", r"the encoding phase-steps has no cells; it has \['levels'\]"),
        (STEPS + "cells = 4\nperiod = 8", "the encoding phase-steps has no period and no cells"),
        (STEPS + 'feature = "1 um"', "the encoding phase-steps has no cells"),
        (STEPS + 'material = "mud"', "D: no material is named 'mud'"),
        (STEPS + 'medium = "mud"', "D: no material is named 'mud'"),
        (STEPS + "index = 0.0", "D: index: input should be greater than 0"),
        (STEPS + "angle_deg = 90.0", "D: angle_deg: input should be less than 90"),
        (STEPS + "phase_sign = 0", "D: phase_sign: input should be 1 or -1"),
        (STEPS + 'made = "carved"', "D: made: input should be 'etched'"),
        (STEPS.replace("4", "1"), "D: levels: input should be greater than or equal to 2"),
        ('name = "x"\n' + ENCODED.format("phase-steps"), "D: the encoding phase-steps needs levels; give them"),
        ('name = "x"\n' + ENCODED.format("double-phase") + "cells = 4", "double-phase needs levels"),
        ('name = "x"\n' + ENCODED.format("binary-phase"), "binary-phase needs cells"),
        ('name = "x"\n' + ENCODED.format("etching"), "D: encoding: input should be 'phase-steps'"),
        (
            'name = "x"\n' + ENCODED.format("binary-phase") + 'cells = 4\nfeature = "1 um"',
            "D: give cells or feature",
        ),
        (
            'name = "x"\n' + ENCODED.format("binary-lee") + "cells = 4\nperiod = 3",
            "D: a carrier needs a period of four cells or more",
        ),
    ],
)
def test_what_a_file_cannot_mean(text, message, tmp_path):
    path = tmp_path / "process.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        Process.load(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_missing_files_and_presets(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a process, or the name of a preset, as TOML"):
        Process.load(tmp_path / "none.toml")
    with pytest.raises(ValueError, match="no process preset 'gold'; there are: chrome-and-etch, double-phase"):
        Process.preset("gold")


@pytest.mark.parametrize(
    ("design", "settings", "message"),
    [
        (phases, {"made": "chrome"}, "mask D of optical layer 1: chrome alone has one phase; the alphabet has 4"),
        (compiled, {}, "mask D of optical layer 1: the mask absorbs"),
        (phases, {"encoding": "binary-phase", "cells": 2}, "mask D of optical layer 1: the mask is complex"),
        (
            compiled,
            {"encoding": "chrome-and-etch", "cells": 2, "made": "etched-gray-scale"},
            "a gray-scale process makes no opaque cells",
        ),
        (phases, {"index": 1.0, "medium_index": 1.0}, "the same index, so no height gives phase"),
        (phases, {"medium_index": 2.0, "angle_deg": 80.0}, "does not enter fused-silica"),
    ],
)
def test_what_a_process_cannot_make(design, settings, message):
    with pytest.raises(ValueError, match=message):
        orders_of(design(), Process(name="x", D=process(**settings)))
