"""A lens between planes out of place: against free space and a thin lens, sums in numpy, rays through tilted glass."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from optics import (
    Field,
    FourierIntegral,
    FourierLens,
    FresnelTransform,
    Grid,
    Lens,
    LensStance,
    Misaligned,
    PlacedLens,
    Stance,
    flat,
    gauss,
)
from optics.canonical import LensArm, lens_kernel, turned
from optics.coupling import coupling
from tests.optics.oracles import (
    LAW_TOLERANCE,
    PITCH,
    SCALE,
    WAVELENGTH,
    detuned,
    random_complex,
    relative_error,
)

F = SCALE / WAVELENGTH
HERE = {1: Stance((0.0,)), 2: Stance((0.0, 0.0))}
LENS = {1: LensStance((0.0,), (0.0,)), 2: LensStance((0.0, 0.0), (0.0, 0.0))}
FRONT = Stance((1.7e-6, -2.9e-6), 4e-4, 3e-3)
BACK = Stance((-40e-6, 25e-6), -6e-4, -2e-3)
OFF = LensStance((2.1e-6, 3.3e-6), (0.0, 0.0), 4e-3)
GRIDS = {
    "points": (Grid(12, PITCH), detuned(15)),
    "nodes": (Grid(7, PITCH, gauss(3, 0.9)), detuned(5, cell=gauss(2))),
    "plane": (Grid((6, 7), PITCH), detuned((5, 8))),
    "plane-nodes": (Grid((3, 4), PITCH, gauss(2, 0.9)), detuned((4, 3), cell=gauss(3))),
}
grids = pytest.mark.parametrize("grid", GRIDS)


def light(grid: Grid, seed: int = 0, dtype: torch.dtype = torch.complex128) -> Field:
    return Field(random_complex(grid.shape, seed, dtype), grid, WAVELENGTH)


def summed(field: Field, output: Grid, front: Stance, back: Stance, lens: LensStance) -> torch.Tensor:
    """Each sample of the output as a sum over all of the input, from places on the table alone; numpy."""
    power, b, a, d = _collins(lens.focal_length, front.defocus, back.defocus)
    x, u = (_table(grid, plane, lens) for grid, plane in ((field.grid, front), (output, back)))
    x0, u0 = (np.subtract(plane.shift, lens.shift) for plane in (front, back))
    path = a * (x**2).sum(1) + d * (u**2).sum(1)[:, None] - 2 * u @ x.T
    path = path - (a * x0 @ x0 - 2 * x0 @ u0 + d * u0 @ u0)
    weighted = (field.data * field.grid.weights).numpy().ravel()
    behind = np.exp(1j * np.pi / WAVELENGTH * path / b) @ weighted / (WAVELENGTH * b) ** (len(x0) / 2)
    assert power > 0
    return torch.from_numpy(behind.reshape(output.shape))


def _collins(error: float, moved: float, screen: float) -> tuple[float, float, float, float]:
    """Power of the lens, and B, A and D by multiplying the rays' matrices."""
    power, d1, d2 = 1 / (F * (1 + error)), F - moved, F + screen
    (a, b), (_, d) = np.array([[1, d2], [0, 1]]) @ [[1, 0], [-power, 1]] @ [[1, d1], [0, 1]]
    return power, b, a, d


def _table(grid: Grid, plane: Stance, lens: LensStance) -> np.ndarray:
    """Places of all samples from the axis of the lens, rows of (y, x) or (x,)."""
    own = np.stack([c.expand(grid.shape).numpy().ravel() for c in grid.coordinates], 1)
    if grid.ndim == 2:
        c, s = math.cos(plane.rotation), math.sin(plane.rotation)
        own = np.stack([c * own[:, 0] + s * own[:, 1], c * own[:, 1] - s * own[:, 0]], 1)
    return own + np.subtract(plane.shift, lens.shift)


def zeros(ndim: int, one) -> dict:
    """All numbers of a placed lens, each made by itself."""

    def several() -> tuple:
        return tuple(one() for _ in range(ndim))

    planes = {name: Stance(several(), one(), one() if ndim == 2 else 0.0) for name in ("front", "back")}
    return {**planes, "lens": LensStance(several(), several(), one())}


@grids
def test_nothing_wrong_is_the_fourier_integral(grid):
    source, target = GRIDS[grid]
    rows = [
        lens_kernel(a.coordinates, b.coordinates, LensArm(WAVELENGTH, F, HERE[1], HERE[1], LENS[1]).along(0))
        * a.weights[:, None]
        for a, b in zip(source.axes, target.axes, strict=True)
    ]
    data = light(source).data
    got = data @ rows[0] if len(rows) == 1 else rows[0].mT @ data @ rows[1]
    assert relative_error(got, FourierIntegral(source, target, SCALE)(data)) < LAW_TOLERANCE[torch.complex128]


@grids
@pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64], ids=["float64", "float32"])
def test_nothing_out_of_place_is_exactly_the_lens(grid, dtype):
    source, target = GRIDS[grid]
    field = light(source, dtype=dtype)
    expected = FourierLens(F, target)(field)
    for as_tensor in (float, lambda: torch.zeros((), dtype=torch.float64)):
        got = PlacedLens(F, target, **zeros(source.ndim, as_tensor))(field)
        assert got.grid == expected.grid
        assert torch.equal(got.data, expected.data)
    drawn = PlacedLens(F, target, **zeros(source.ndim, lambda: torch.zeros(2, dtype=torch.float64)))(field)
    assert torch.equal(drawn.data, expected.data.expand(2, *target.shape))


@grids
@pytest.mark.parametrize("dtype", [torch.complex128, torch.complex64], ids=["float64", "float32"])
def test_everything_out_of_place_is_the_sum_in_numpy(grid, dtype):
    source, target = GRIDS[grid]
    front, back, off = FRONT, BACK, OFF
    if source.ndim == 1:
        front, back = (Stance(p.shift[1:], p.defocus) for p in (front, back))
        off = LensStance(off.shift[1:], (0.0,), off.focal_length)
    got = PlacedLens(F, target, front=front, back=back, lens=off)(light(source, dtype=dtype))
    wanted = summed(light(source), target, front, back, off)
    # Powers of the coupling of turned planes are left out below 1e-7 of the light at the corners; 1-D has none.
    rounding = LAW_TOLERANCE[dtype] * 1e3 if dtype is torch.complex128 else LAW_TOLERANCE[dtype]
    assert relative_error(got.data, wanted) < (rounding if source.ndim == 1 else max(rounding, 1e-7))
    assert relative_error(got.data, FourierLens(F, target)(light(source)).data) > 0.1


def test_a_rotation_alone_turns_the_light():
    """By a quarter of the table's turn a second plane sees what the first one turned the other way would show."""
    source, target = GRIDS["plane"]
    field, angle = light(source), 4e-3
    one = PlacedLens(F, target, front=Stance((0.0, 0.0), 0.0, angle))(field).data
    other = PlacedLens(F, target, back=Stance((0.0, 0.0), 0.0, -angle))(field).data
    both = PlacedLens(F, target, front=Stance((0.0, 0.0), 0.0, angle), back=Stance((0.0, 0.0), 0.0, angle))(field).data
    perfect = FourierLens(F, target)(field).data
    assert relative_error(one, other) < 1e-12
    assert relative_error(both, perfect) < 1e-12
    assert relative_error(one, perfect) > 1e-3
    assert turned((0.0, 1.0), math.pi / 2) == pytest.approx([-1.0, 0.0])  # x of the table is -y of the plane


@grids
def test_a_lens_off_the_axis_is_the_misaligned_one(grid):
    source, target = GRIDS[grid]
    shift = (3e-6, -5e-6)[-source.ndim :]
    lens = LensStance(shift, (0.0,) * source.ndim)
    got = PlacedLens(F, target, lens=lens)(light(source)).data
    wanted = Misaligned(FourierLens(F, target), shift=shift)(light(source)).data
    # The phase through the centres of the planes, -s²/(λf) turns for each axis, is left out here and not there.
    constant = 2 * math.pi * sum(s**2 for s in shift) / SCALE
    assert relative_error(got, wanted * np.exp(1j * constant)) < 1e-12


def bench_of_fresnel(points: int, front: Stance, back: Stance, lens: LensStance) -> tuple[torch.Tensor, torch.Tensor]:
    """A Gaussian beam by the canonical transform, and through free space, a thin lens and free space."""
    f, source, output = 0.02, Grid(96, 8e-6), Grid(60, 8e-6)
    x = source.coordinates[0]
    # A beam 60 µm wide is 67 µm wide at the lens and fills a tenth of its window: nothing is cut.
    field = Field(torch.exp(-((x - 30e-6) ** 2) / 60e-6**2 + 2e4j * x), source, WAVELENGTH)
    glass = Grid(points, 1e-3 / points)
    # Planes and lens are moved against each other as one likes: only differences count.
    (s,), (t,), (m,) = front.shift, back.shift, lens.shift
    moved = Field(torch.exp(-((x - s + m - 30e-6) ** 2) / 60e-6**2 + 2e4j * (x - s + m)), source, WAVELENGTH)
    at_lens = FresnelTransform(f - front.defocus, glass)(moved)
    behind = Lens(f * (1 + lens.focal_length))(at_lens)
    window = Grid(160, 4e-6)
    arrived = FresnelTransform(f + back.defocus, window)(behind)
    placed = PlacedLens(f, output, front=front, back=back, lens=lens)(field)
    # Between samples of the free-space window the light is read where the output's samples are.
    u = output.coordinates[0] + t - m
    at = window.coordinates[0]
    near = torch.sinc((u[:, None] - at) / 4e-6).to(arrived.data) @ arrived.data
    return placed.data, near


@pytest.mark.filterwarnings("ignore::optics.SamplingWarning")
@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"front": Stance((0.0,), 1e-3)},
        {"back": Stance((0.0,), -2e-3)},
        {"lens": LensStance((0.0,), (0.0,), 0.03)},
        {"lens": LensStance((25e-6,), (0.0,))},
        {"front": Stance((9e-6,), -7e-4), "back": Stance((-12e-6,), 9e-4), "lens": LensStance((14e-6,), (0.0,), -0.02)},
    ],
    ids=["perfect", "front", "back", "focal length", "lens", "all"],
)
def test_free_space_and_a_thin_lens_are_the_same(wrong):
    """To a constant phase, of the light through the centres."""
    whole = {"front": HERE[1], "back": HERE[1], "lens": LENS[1], **wrong}

    got, wanted = bench_of_fresnel(250, **whole)
    phase = torch.vdot(wanted, got)
    # Sums over Gaussian beams are exact but for what of them lies beyond their windows.
    assert relative_error(got * (phase.conj() / phase.abs()), wanted) < 1e-9


def test_light_is_kept():
    """Over the band that its samples resolve the kernel is unitary: forth, and back by its conjugate, is nothing."""
    source, back = Grid(16, PITCH), Grid(16, SCALE / (16 * PITCH))
    arm = LensArm(WAVELENGTH, F, Stance((3e-6,), 2e-4), HERE[1], LensStance((2e-6,), (0.0,)))
    kernel = lens_kernel(source.axes[0].coordinates, back.axes[0].coordinates, arm.along(0))
    unit = kernel * math.sqrt(source.spacing[0] * back.spacing[0])
    # B = f where the back plane stands right: these samples are those of a DFT, with phases before and behind.
    assert relative_error(unit @ unit.mH, torch.eye(16, dtype=torch.complex128)) < 1e-12


def test_lenses_in_a_row_compose():
    """A plane out of place between two lenses: over a fine mask's plane, both transforms make the whole system's."""
    n, f = 33, 0.01
    grid = Grid(n, 8e-6)
    middle = Grid(4 * n, WAVELENGTH * f / (4 * n * 8e-6))
    stance = Stance((7e-6,), 3e-4)
    field = Field(torch.exp(-((grid.coordinates[0] / 40e-6) ** 2)), grid, WAVELENGTH)
    back = PlacedLens(f, grid, front=stance)(PlacedLens(f, middle, back=stance)(field))
    # A plane in which there is nothing makes no difference, wherever it stands, but for the phase of its centre.
    perfect = FourierLens(f, grid)(FourierLens(f, middle)(field))
    phase = torch.vdot(perfect.data, back.data)
    assert relative_error(back.data * (phase.conj() / phase.abs()), perfect.data) < 1e-9


def test_tilts_follow_coddingtons_equations():
    """A thin lens in air, tilted by θ: 1/s = (n cos θ' - cos θ)/(n - 1)/f, and over cos²θ in the plane of tilt."""
    index = 1.52
    for angle in (0.02, 0.1, 0.2):
        y, x = LensStance((0.0, 0.0), (0.0, angle)).focal_lengths(1.0)
        refracted = math.asin(math.sin(angle) / index)
        across = (index - 1) / (index * math.cos(refracted) - math.cos(angle))
        assert y == pytest.approx(across, abs=0.5 * angle**4)  # Martin's formula is that to second order
        assert x == pytest.approx(across * math.cos(angle) ** 2, abs=0.5 * angle**4)
        assert abs(x - 1) > 3 * abs(y - 1)


def test_tilts_follow_rays_through_glass():
    """Two close rays through both surfaces of a thin plano lens of 1.52, turned by 0.1: where they meet.

    Equi-convex, 1 µm thick, radii of 2(n - 1)·f: Snell's law in vectors, three dimensions.
    """
    index, angle = 1.52, 0.1
    radius = 2 * (index - 1)
    towards = np.array([math.sin(angle), 0.0, math.cos(angle)])

    def crossing(offset: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        place, way, inside = offset - 0.1 * np.array([0, 0, 1.0]), np.array([0, 0, 1.0]), 1.0
        for side, after in ((1, index), (-1, 1.0)):
            centre = towards * side * radius
            to = place - centre
            along = to @ way
            root = math.sqrt(along**2 - to @ to + radius**2)
            place = place + way * (-along - side * root)
            normal = (place - centre) / radius * -side
            ratio, cosine = inside / after, normal @ way
            way = ratio * way + (math.sqrt(1 - ratio**2 * (1 - cosine**2)) - ratio * cosine) * normal
            inside = after
        return place, way

    step = 1e-4
    found = []
    for axis in (1, 0):
        unit = np.eye(3)[axis] * step
        (p, v), (q, w) = crossing(unit), crossing(-unit)
        found.append(float((p - q)[axis] / (w / w[2] - v / v[2])[axis]))
    y, x = LensStance((0.0, 0.0), (0.0, angle)).focal_lengths(1.0)
    # To fourth order in the tilt, 1e-4; of rays of finite height, second order, 1e-8.
    assert (y, x) == pytest.approx(found, abs=2e-4)


NUMBERS = ("front shift", "front defocus", "back shift", "back defocus", "lens shift", "tilt", "focal length", "turn")


@pytest.mark.parametrize("which", [*range(8), None], ids=[*NUMBERS, "all"])
def test_gradcheck(which):
    """In units in which the light changes by order one, as gradcheck's steps of 1e-6 expect."""
    source, target = Grid((2, 3), PITCH), detuned((3, 2))
    units = (1e-5, 1e-2, 1e-3, 1e-2, 1e-4, 0.3, 0.1, 0.01)
    field = light(source, 3)

    def behind(*values: torch.Tensor) -> torch.Tensor:
        n = [0.0] * 8
        for place, value in zip(range(8) if which is None else [which], values, strict=True):
            n[place] = value * units[place]
        front, back = Stance((n[0], 0.0), n[1], n[7]), Stance((0.0, n[2]), n[3])
        return PlacedLens(F, target, front=front, back=back, lens=LensStance((n[4], n[4]), (n[5], 0.0), n[6]))(
            field
        ).data

    start = [0.31, -0.57, 0.7, -0.4, 0.6, 0.5, -0.3, 0.8]
    chosen = start if which is None else [start[which]]
    assert torch.autograd.gradcheck(behind, [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in chosen])


def test_gradients_at_zero_are_those_nearby():
    source, target = GRIDS["plane"]
    field, probe = light(source), random_complex(target.shape, 5)

    def slopes(size: float) -> list[torch.Tensor]:
        made: list[torch.Tensor] = []

        def one() -> torch.Tensor:
            made.append(torch.tensor(size, dtype=torch.float64, requires_grad=True))
            return made[-1]

        value = (PlacedLens(F, target, **zeros(2, one))(field).data * probe).real.sum()
        return torch.autograd.grad(value, made)

    for at_zero, nearby in zip(slopes(0.0), slopes(1e-12), strict=True):
        assert torch.allclose(at_zero, nearby, rtol=1e-4, atol=1e-6)  # tilts act by their square: a slope of about 0
    # Shifts, defocus and rotation of both planes, shifts and focal length of the lens; not its tilts.
    assert sum(float(s.abs()) > 1e-9 for s in slopes(0.0)) == 11


def test_draws_are_those_one_by_one():
    source, target = GRIDS["plane-nodes"]
    sizes = torch.linspace(-1, 1, 3, dtype=torch.float64)

    def placed(size) -> PlacedLens:
        front = Stance((size * 1e-6, 0.0), size * 1e-4, size * 2e-3)
        return PlacedLens(F, target, front=front, lens=LensStance((0.0, size * 2e-6), (0.1 * size, 0.0), size * 0.01))

    batch = Field(random_complex((2, *source.shape)), source, WAVELENGTH)
    together = placed(sizes)(batch)
    assert together.data.shape == (3, 2, *target.shape)
    for own, size in zip(together.data, sizes.tolist(), strict=True):
        assert relative_error(own, placed(size)(batch).data) < 1e-6  # of turned planes, powers are as many as all need
    again = PlacedLens(F, source, front=Stance((0.0, sizes * 1e-6)))(together)
    for own, mid, size in zip(again.data, together.data, sizes.tolist(), strict=True):
        alone = PlacedLens(F, source, front=Stance((0.0, size * 1e-6)))(together.replace(mid))
        assert relative_error(own, alone.data) < 1e-12


def test_what_cannot_be_is_refused():
    source, target = GRIDS["plane"]
    with pytest.raises(ValueError, match="each of the output's 2 axes"):
        PlacedLens(F, target, front=Stance((0.0,)))
    with pytest.raises(ValueError, match="flat pixel"):
        PlacedLens(F, target, front=Stance((1e-6, 0.0))).check(Grid((6, 7), PITCH, flat()), WAVELENGTH)
    with pytest.raises(ValueError, match="smaller rotations"):
        PlacedLens(F, target, front=Stance((0.0, 0.0), 0.0, 0.5))(light(source))
    assert PlacedLens(F, target).check(source, WAVELENGTH) == target
    arm = LensArm(WAVELENGTH, F, HERE[2], HERE[2], LENS[2])
    places = [axis.coordinates for axis in source.axes]
    assert coupling(arm, places, places).order == 0
