import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn.functional import normalize
from torch.utils.data import DataLoader, TensorDataset

from inspector.errors import ConfigError
from training.losses import L2SoftmaxLoss
from training.module import MetricLearning, OptimiserSettings

SETTINGS = OptimiserSettings(learning_rate=0.1, trunk_factor=0.25)


class Tiny(nn.Module):
    """A trunk and a head as small as can be."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(4, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, inputs):
        return normalize(self.head(self.trunk(inputs).relu()))


@pytest.fixture
def module():
    torch.manual_seed(0)
    return MetricLearning(Tiny(), L2SoftmaxLoss(3, 2, alpha=8.0), SETTINGS)


def batches():
    rng = torch.Generator().manual_seed(0)
    inputs = torch.randn(32, 4, generator=rng)
    return DataLoader(TensorDataset(inputs, (inputs[:, 0] > 0).long()), batch_size=8)


def schedule_over(module, steps):
    module._trainer = SimpleNamespace(estimated_stepping_batches=steps)
    return module.configure_optimizers()["lr_scheduler"]["scheduler"]


def test_a_step_is_the_loss_of_the_embeddings(module, monkeypatch):
    logged = {}
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: value}))
    inputs, labels = next(iter(batches()))

    loss = module.training_step((inputs, labels), 0)

    assert loss == module.loss(module.model(inputs), labels)
    assert logged == {"loss": loss}


def test_the_backbone_learns_slower_than_the_head_and_the_loss(module):
    schedule = schedule_over(module, 10)

    peaks = {id(p): group["max_lr"] for group in schedule.optimizer.param_groups for p in group["params"]}
    assert {peaks[id(p)] for p in module.model.trunk.parameters()} == {0.1 * 0.25}
    assert {peaks[id(p)] for p in (*module.model.head.parameters(), *module.loss.parameters())} == {0.1}


def test_what_is_frozen_is_not_given_to_the_optimiser(module):
    module.model.trunk.requires_grad_(requires_grad=False)

    (group,) = schedule_over(module, 10).optimizer.param_groups

    assert len(group["params"]) == len([*module.model.head.parameters(), *module.loss.parameters()])


def test_the_rate_rises_once_and_falls_once(module):
    schedule = schedule_over(module, 20)
    rates = []
    for _ in range(20):
        rates.append(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        if len(rates) < 20:
            schedule.step()

    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(0.1, rel=1e-3)
    assert 0 < top < 19
    assert rates == sorted(rates[:top]) + sorted(rates[top:], reverse=True)


def test_a_training_without_an_end_has_no_cycle(module):
    with pytest.raises(ConfigError, match="trainer: give max_epochs or max_steps"):
        schedule_over(module, math.inf)


def test_the_loss_falls(module):
    inputs, labels = next(iter(batches()))
    schedule = schedule_over(module, 30)
    losses = []
    for _ in range(30):
        schedule.optimizer.zero_grad()
        loss = module.loss(module.model(inputs), labels)
        loss.backward()
        schedule.optimizer.step()
        losses.append(loss.item())

    assert losses[-1] < 0.5 * losses[0]


def test_a_longer_training_goes_on_with_its_own_cycle(module):
    """OneCycleLR would restore the old length, and refuse the first step beyond it."""
    short = schedule_over(module, 4)
    for _ in range(3):
        short.optimizer.step()
        short.step()
    checkpoint = {"lr_schedulers": [short.state_dict()]}

    long = schedule_over(module, 12)
    module.on_load_checkpoint(checkpoint)
    long.load_state_dict(checkpoint["lr_schedulers"][0])
    for _ in range(8):
        long.optimizer.step()
        long.step()

    assert (long.total_steps, long.last_epoch) == (12, 11)
