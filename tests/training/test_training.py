"""Training: seeded, and without side effects."""

import torch
from torch import nn

from acdc_optical import ACDC
from acdc_optical.training import Schedule, accuracy, train


def _trained(seed):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 8, generator=generator)
    y = (x[:, 0] + x[:, 3] > 0).long()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(ACDC(8, bias=True), nn.ReLU(), nn.Linear(8, 2))
    history = list(train(network, x, y, schedule=Schedule(epochs=20, batch=16), seed=seed))
    return network, history, accuracy(network(x), y)


def test_the_same_seed_gives_the_same_numbers_and_learns():
    network, history, right = _trained(3)
    again, repeated, _ = _trained(3)
    _, other, _ = _trained(4)
    assert history == repeated
    assert history != other
    assert torch.equal(network[0].a, again[0].a)
    assert history[-1].loss < history[0].loss
    assert right > 0.9


def test_training_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    network = nn.Linear(2, 2)
    state = torch.get_rng_state()
    list(train(network, torch.ones(4, 2), torch.tensor([0, 1, 0, 1]), schedule=Schedule(epochs=2)))
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(before, state)


def test_weight_decay_spares_the_diagonals():
    """Without a gradient, AdamW only decays: the read-out shrinks, the layer stays."""
    network = nn.Sequential(ACDC(4, bias=True), nn.Linear(4, 2))
    a, weight = network[0].a.detach().clone(), network[1].weight.detach().clone()
    nothing = torch.zeros(8, 4)
    schedule = Schedule(epochs=1, weight_decay=0.5, label_smoothing=0.0)
    list(train(network, nothing, torch.zeros(8, dtype=torch.long), schedule=schedule))
    assert torch.equal(network[0].a, a)
    assert (network[1].weight.abs() < weight.abs()).all()
