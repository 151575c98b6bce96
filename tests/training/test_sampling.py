from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from lightning_fabric.utilities.distributed import DistributedSamplerWrapper
from pytorch_lightning import LightningModule, Trainer
from torch.utils.data import DataLoader, Dataset

from training.sampling import Draw, WeightedTypeSampler, share_out

NORMAL, RARE, COMMON, CRITICAL, AUXILIARY = range(5)
LABELS = [NORMAL] * 140 + [RARE] * 3 + [COMMON] * 60 + [CRITICAL] * 5 + [AUXILIARY] * 50
WEIGHTS = {RARE: 1, COMMON: 3, CRITICAL: 10}


def sampler(seed: int = 0, **changes) -> WeightedTypeSampler:
    return WeightedTypeSampler(**{"labels": LABELS, "normal": NORMAL, "weights": WEIGHTS, "seed": seed} | changes)


def epoch_of(drawn: WeightedTypeSampler, epoch: int) -> list[Draw]:
    drawn.set_epoch(epoch)
    return list(drawn)


def test_types_are_drawn_by_weight_whatever_their_numbers():
    counts = Counter(LABELS[draw.index] for draw in sampler())
    assert counts == {NORMAL: 140, AUXILIARY: 50, RARE: 10, COMMON: 30, CRITICAL: 100}


def test_ten_pictures_of_the_only_type_are_brought_up_to_the_normals():
    labels = [NORMAL] * 500 + [RARE] * 10
    counts = Counter(draw.index for draw in sampler(labels=labels, weights={RARE: 7.5}))
    assert counts == dict.fromkeys(range(500), 1) | dict.fromkeys(range(500, 510), 50)


def test_more_anomalies_than_normals_take_turns():
    labels = [NORMAL] * 21 + [RARE] * 30
    drawn = sampler(labels=labels, weights={RARE: 1})
    assert len(drawn) == 42
    counts = Counter(draw.index for epoch in range(20) for draw in epoch_of(drawn, epoch))
    assert max(Counter(draw.index for draw in drawn).values()) == 1
    assert set(counts) == set(range(51))


def test_without_anomalies_every_picture_comes_once():
    drawn = sampler(weights={})
    assert sorted(draw.index for draw in drawn) == list(range(len(LABELS)))
    assert len(drawn) == len(LABELS)


def test_a_share_below_one_draw_has_its_turn():
    labels = [NORMAL] * 10 + [RARE] * 3 + [CRITICAL] * 3
    drawn = sampler(labels=labels, weights={RARE: 1, CRITICAL: 99})
    epochs = [epoch_of(drawn, epoch) for epoch in range(1000)]
    rare = sum(labels[draw.index] == RARE for draws in epochs for draw in draws)
    assert {len(draws) for draws in epochs} == {20}
    assert 60 < rare < 140  # 100 expected, binomial with a deviation of 9.5


@given(st.integers(0, 1000), st.lists(st.floats(1e-3, 1e3), max_size=8), st.floats(0, 1, exclude_max=True))
@example(3, [1.0], 0.9999999999999998)
def test_shares_add_up_and_are_exact_but_for_rounding(total, weights, offset):
    counts = share_out(total, weights, offset)
    exact = total * np.array(weights) / sum(weights) if weights else np.zeros(0)
    assert len(counts) == len(weights)
    assert sum(counts) == (total if weights else 0)
    assert (np.abs(np.array(counts) - exact) < 1 + 1e-9).all()


def test_the_same_seed_and_epoch_give_the_same_draws_and_others_others():
    first = [epoch_of(sampler(seed=1), epoch) for epoch in (0, 1)]
    again = [epoch_of(sampler(seed=1), epoch) for epoch in (0, 1)]
    other_seed = epoch_of(sampler(seed=2), 0)
    assert first == again
    orders = {tuple(draw.index for draw in draws) for draws in (*first, other_seed)}
    assert len(orders) == 3


def test_every_draw_has_a_seed_of_its_own():
    drawn = sampler()
    seeds = {draw.seed for epoch in (0, 1) for draw in epoch_of(drawn, epoch)}
    assert len(seeds) == 2 * len(drawn)


def test_the_draws_of_several_epochs_are_those_of_each_in_turn():
    assert sampler().draws(3) == [draw for epoch in range(3) for draw in epoch_of(sampler(), epoch)]


def test_several_devices_share_the_draws_of_one_epoch():
    shards = [DistributedSamplerWrapper(sampler(), num_replicas=3, rank=rank, shuffle=False) for rank in range(3)]
    for shard in shards:
        shard.set_epoch(5)
    dealt = [draw for shard in shards for draw in shard]
    assert set(dealt) == set(epoch_of(sampler(), 5))


@pytest.mark.parametrize(
    ("weights", "message"), [({RARE: 1, 99: 1}, "label 99 has a weight but no picture"), ({RARE: 0}, "above 0")]
)
def test_impossible_weights_are_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        sampler(weights=weights)


class Seeds(Dataset):
    """Gives the draws themselves."""

    def __getitem__(self, draw: Draw) -> torch.Tensor:
        return torch.tensor([draw.index, *draw.seed])


class Recorder(LightningModule):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
        self.seen: list[list[int]] = []

    def training_step(self, batch: torch.Tensor, _: int) -> torch.Tensor:
        self.seen += batch.tolist()
        return self.layer(torch.zeros(1, 1)).sum()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(epochs: int, folder, *, workers: int = 0, resume: str | None = None) -> tuple[list[list[int]], str]:
    recorder = Recorder()
    trainer = Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    labels = [NORMAL] * 8 + [RARE] * 2
    drawn = sampler(labels=labels, weights={RARE: 1}, seed=3)
    loader = DataLoader(Seeds(), sampler=drawn, batch_size=4, num_workers=workers, persistent_workers=workers > 0)
    trainer.fit(recorder, loader, ckpt_path=resume)
    path = str(folder / f"{epochs}.ckpt")
    trainer.save_checkpoint(path)
    return recorder.seen, path


@pytest.mark.filterwarnings("ignore")
def test_lightning_names_the_epochs_also_to_lasting_workers_and_after_a_resume(tmp_path):
    whole, _ = fit(3, tmp_path)
    with_workers, _ = fit(3, tmp_path, workers=2)
    start, checkpoint = fit(2, tmp_path)
    rest, _ = fit(3, tmp_path, resume=checkpoint)
    assert [epoch for _, _, epoch, _ in whole] == [0] * 16 + [1] * 16 + [2] * 16
    assert with_workers == whole
    assert start + rest == whole
