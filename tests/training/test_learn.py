import csv

import numpy as np
import pytest
import torch
from pytorch_lightning.callbacks import Callback

from inspector.errors import ConfigError, DataError
from tests.parts import good_parts, scratched_parts, small_config
from training.dataset import PictureDataset
from training.learn import Draws, Run, Start, check_options, learn_head, learn_network
from training.network import Network
from training.sampling import WeightedTypeSampler

WIDTH, CLASSES = 20, 2
EPOCHS = 8
BATCH = 16
STEPS = 3
"""In an epoch: 48 draws."""


def draws(n=48, seed=0):
    """Of two classes that differ in one feature among noise, by turns; each picture is drawn twice."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % CLASSES
    pooled = rng.normal(size=(n, WIDTH)) + 4 * np.outer(labels, np.eye(WIDTH)[0])
    return Draws(torch.tensor(pooled, dtype=torch.float32), torch.tensor(labels), torch.arange(n) % (n // 2))


def learn(run_dir=None, start=Start.FRESH, of=None, **changes):
    config = small_config(**{"trainer": {"max_epochs": EPOCHS, "log_every_n_steps": 1}, **changes})
    return learn_head(config, of or draws(), CLASSES, Run(run_dir, start))


def embeddings(head, of=None):
    with torch.no_grad():
        return head((of or draws(seed=1)).pooled)


def last_checkpoint(run_dir):
    return torch.load(run_dir / "checkpoints" / "last.ckpt", weights_only=True)


def logged_losses(run_dir):
    """By version of the logs."""
    tables = sorted(run_dir.glob("logs/*/metrics.csv"))
    return [[float(row["loss"]) for row in csv.DictReader(table.open()) if row["loss"]] for table in tables]


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def head(run_dir):
    return learn(run_dir)


class TestDraws:
    DRAWS = Draws(torch.arange(6.0)[:, None], torch.tensor([0, 0, 1, 1, 2, 0]), torch.tensor([0, 1, 2, 3, 4, 0]))

    @pytest.mark.parametrize(
        ("pictures", "labels", "left"),
        [
            ((), (), [0, 1, 2, 3, 4, 5]),
            ((0,), (), [1, 2, 3, 4]),  # each draw of a picture goes with it
            ((), (1,), [0, 1, 4, 5]),
            ((0, 4), (1,), [1]),
            ((0, 1, 2, 3, 4), (), []),
        ],
    )
    def test_without_pictures_and_classes(self, pictures, labels, left):
        without = self.DRAWS.without(pictures, labels)

        assert without.pooled[:, 0].tolist() == left
        assert without.labels.tolist() == self.DRAWS.labels[left].tolist()
        assert without.pictures.tolist() == self.DRAWS.pictures[left].tolist()


class TestLearnHead:
    def test_new_pictures_are_nearer_to_their_own_class_than_before(self):
        shown, new = draws(240), draws(240, seed=1)

        def right(epochs):
            head = learn(of=shown, trainer={"max_epochs": epochs})
            means = torch.stack([embeddings(head, shown)[shown.labels == label].mean(0) for label in range(CLASSES)])
            return (torch.cdist(embeddings(head, new), means).argmin(1) == new.labels).float().mean()

        assert right(0) < 0.8
        assert right(20) > 0.9

    def test_embeddings_have_length_1_and_the_head_is_ready_to_judge(self, head):
        torch.testing.assert_close(embeddings(head).norm(dim=1), torch.ones(48))
        assert not head.training

    def test_the_loss_falls_and_is_logged_for_people_and_tensorboard(self, head, run_dir):
        (losses,) = logged_losses(run_dir)

        assert len(losses) == STEPS * EPOCHS
        assert np.mean(losses[-STEPS:]) < 0.6 * np.mean(losses[:STEPS])
        assert len(list(run_dir.glob("logs/*/events.out.tfevents.*"))) == 1

    def test_the_same_draws_give_the_same_head_whatever_was_learned_before(self, head):
        learn(of=draws(seed=5))

        assert torch.equal(embeddings(learn()), embeddings(head))

    def test_another_seed_gives_another_head(self, head):
        assert not torch.equal(embeddings(learn(seed=1)), embeddings(head))

    def test_fewer_draws_than_a_batch_are_one_batch(self):
        few = draws(10)

        assert embeddings(learn(of=few, batch_size=512), few).isfinite().all()

    def test_leaves_the_number_of_threads_as_it_was(self):
        before = torch.get_num_threads()
        torch.set_num_threads(2)
        try:
            with pytest.raises(ConfigError):
                learn(trainer={"accelerator": "abacus"})
            assert torch.get_num_threads() == 2
        finally:
            torch.set_num_threads(before)

    def test_nothing_is_written_without_a_folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)

        learn(trainer={"max_epochs": 1, "logger": True, "enable_checkpointing": True, "enable_progress_bar": True})

        assert list(tmp_path.iterdir()) == []


class TestLearnNetwork:
    LABELS = (0,) * 32 + (1,) * 4

    def learn(self, network, **changes):
        sampler = WeightedTypeSampler(self.LABELS, normal=0, weights={1: 1.0}, seed=0)
        pictures = PictureDataset(np.concatenate([good_parts(32), scratched_parts(4)]), self.LABELS)
        learn_network(small_config(**changes), network, pictures, sampler, classes=2, run=Run())

    def test_trains_the_trunk_too_and_leaves_it_ready_to_judge(self):
        torch.manual_seed(0)
        network = Network(small_config().network, learned=True)
        before = {name: each.clone() for name, each in network.named_parameters()}

        self.learn(network, trainer={"max_epochs": 1})

        moved = {name.split(".")[0] for name, each in network.named_parameters() if not torch.equal(each, before[name])}
        assert moved == {"trunk", "head"}
        assert not any(module.training for module in network.modules())

    def test_too_few_pictures_for_a_batch(self):
        with pytest.raises(DataError, match="64 draws do not fill one batch of 512: lower batch_size"):
            self.learn(Network(small_config().network, learned=True), batch_size=512)


class CtrlC(Callback):
    """Presses Ctrl-C in the midst of the second epoch."""

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if (trainer.current_epoch, batch_idx) == (1, 2):
            raise KeyboardInterrupt


@pytest.fixture
def interrupted(tmp_path, monkeypatch):
    """The folder of a run that was stopped by Ctrl-C."""
    monkeypatch.setattr("signal.signal", lambda *_: None)  # Lightning would leave this process deaf to Ctrl-C
    with pytest.raises(KeyboardInterrupt):
        learn(tmp_path, trainer={"max_epochs": EPOCHS, "log_every_n_steps": 1, "callbacks": [CtrlC()]})
    return tmp_path


class TestCheckpoints:
    def test_ctrl_c_leaves_where_it_was_to_make_a_head_from(self, interrupted):
        left = last_checkpoint(interrupted)

        used = learn(interrupted, Start.CHECKPOINT)

        assert (left["epoch"], left["global_step"]) == (1, STEPS + 2)
        for name, value in used.state_dict().items():
            assert torch.equal(left["state_dict"][f"model.{name}"].cpu(), value)

    def test_a_resume_goes_on_to_the_end(self, interrupted):
        before = logged_losses(interrupted)

        learn(interrupted, Start.RESUME)

        ended = last_checkpoint(interrupted)
        assert (ended["epoch"], ended["global_step"]) == (EPOCHS - 1, STEPS * EPOCHS)
        # What was logged before the interruption is still there.
        assert logged_losses(interrupted)[:1] == before

    def test_a_resume_may_go_further_than_was_configured_at_first(self, head, run_dir, tmp_path):
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "last.ckpt").write_bytes((run_dir / "checkpoints" / "last.ckpt").read_bytes())

        learn(tmp_path, Start.RESUME, trainer={"max_epochs": EPOCHS + 2})

        assert last_checkpoint(tmp_path)["epoch"] == EPOCHS + 1

    def test_the_checkpoint_of_a_finished_run_makes_the_same_head(self, head, run_dir):
        assert torch.equal(embeddings(learn(run_dir, Start.CHECKPOINT)), embeddings(head))

    def test_a_second_run_replaces_the_checkpoint_of_the_first(self, tmp_path):
        first = learn(tmp_path, trainer={"max_epochs": 1})
        second = learn(tmp_path, trainer={"max_epochs": 1}, seed=1)

        used = learn(tmp_path, Start.CHECKPOINT)

        assert not torch.equal(embeddings(first), embeddings(second))
        assert torch.equal(embeddings(used), embeddings(second))
        assert len(list((tmp_path / "checkpoints").iterdir())) == 1

    @pytest.mark.parametrize("start", [Start.RESUME, Start.CHECKPOINT])
    def test_no_checkpoint_is_said(self, tmp_path, start):
        with pytest.raises(DataError, match=r"there is no .*last\.ckpt"):
            learn(tmp_path, start)

    @pytest.mark.parametrize("start", [Start.RESUME, Start.CHECKPOINT])
    def test_a_checkpoint_of_another_network_is_said(self, head, run_dir, start):
        other = small_config().network.model_copy(update={"embedding_dim": 16})

        with pytest.raises(DataError, match=r"last\.ckpt: damaged, or made with another network"):
            learn(run_dir, start, network=other)

    @pytest.mark.parametrize("content", [b"", b"torn"])
    def test_a_damaged_checkpoint_is_said(self, tmp_path, content):
        (tmp_path / "checkpoints").mkdir()
        (tmp_path / "checkpoints" / "last.ckpt").write_bytes(content)

        with pytest.raises(DataError, match=r"last\.ckpt: damaged"):
            learn(tmp_path, Start.RESUME)


class TestTrainerOptions:
    def test_reach_lightning_as_they_are(self, tmp_path):
        learn(tmp_path, trainer={"max_epochs": 5, "limit_train_batches": 1, "log_every_n_steps": 1})

        (losses,) = logged_losses(tmp_path)
        assert len(losses) == 5
        assert last_checkpoint(tmp_path)["global_step"] == 5

    @pytest.mark.parametrize(
        ("options", "files"),
        [
            ({"enable_progress_bar": False}, {"checkpoints", "logs"}),
            ({"enable_checkpointing": False}, {"logs"}),
            ({"logger": False}, {"checkpoints"}),
        ],
    )
    def test_what_is_switched_off_is_off(self, tmp_path, options, files):
        learn(tmp_path, trainer={"max_epochs": 1, "log_every_n_steps": 1, **options})

        assert {path.name for path in tmp_path.iterdir()} == files

    def test_a_training_in_another_precision_ends_in_single(self):
        head = learn(trainer={"max_epochs": 1, "precision": "bf16-true"})

        assert {parameter.dtype for parameter in head.parameters()} == {torch.float32}
        assert embeddings(head).isfinite().all()

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"max_epoch": 5}, r"trainer\.max_epoch: .* no such option; did you mean 'max_epochs'"),
            ({"epochs": 5, "precison": 32}, r"(?s)trainer\.epochs: .*trainer\.precison: .*'precision'"),
            ({"max_epochs": "five"}, r"trainer\.max_epochs: Input should be a valid integer"),
            ({"max_epochs": 2.5}, r"trainer\.max_epochs: "),
            ({"callbacks": ["EarlyStopping"]}, r"trainer\.callbacks: Input should be an instance of Callback"),
        ],
    )
    def test_a_mistake_is_named_before_anything_is_begun(self, options, says):
        with pytest.raises(ConfigError, match=says):
            check_options(options)

    def test_what_lightning_takes_is_no_mistake(self):
        options = {"max_epochs": 5, "precision": "bf16-mixed", "devices": "auto", "callbacks": [CtrlC()]}

        assert check_options(options) is None

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ({"accelerator": "abacus"}, "trainer: Lightning does not take .*abacus"),
            ({"limit_train_batches": 2.5}, "trainer: Lightning does not take .*limit_train_batches"),
            ({"max_time": "00:00:01:00"}, "trainer: give max_epochs or max_steps"),
        ],
    )
    def test_what_lightning_itself_refuses_is_told_as_a_mistake(self, options, says):
        with pytest.raises(ConfigError, match=says):
            learn(trainer=options)
