import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from inspector.errors import ConfigError
from training.losses import L2SoftmaxLoss, LossSettings, make_loss


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return normalize(torch.randn(12, 5)), torch.arange(12) % 3


def test_l2_softmax_equals_the_obvious_loop(batch):
    embeddings, labels = batch
    loss = L2SoftmaxLoss(5, 3, alpha=7.0)
    weight, bias = (each.detach().numpy() for each in (loss.dense.weight, loss.dense.bias))

    terms = []
    for embedding, label in zip(embeddings.numpy(), labels.tolist(), strict=True):
        logits = [7.0 * float(embedding @ weight[c]) + float(bias[c]) for c in range(3)]
        terms.append(-logits[label] + np.log(sum(np.exp(logits))))

    assert loss(embeddings, labels).item() == pytest.approx(np.mean(terms), rel=1e-5)


def test_a_longer_alpha_makes_a_right_answer_surer():
    embeddings, labels = torch.eye(3), torch.arange(3)
    losses = []
    for alpha in (1.0, 8.0):
        loss = L2SoftmaxLoss(3, 3, alpha)
        torch.nn.init.eye_(loss.dense.weight)
        torch.nn.init.zeros_(loss.dense.bias)
        losses.append(loss(embeddings, labels).item())

    assert losses[1] < losses[0]


@pytest.mark.parametrize("kind", ["l2_softmax", "arcface", "triplet", "cosface", "MultiSimilarityLoss"])
def test_every_loss_has_a_gradient(batch, kind):
    embeddings, labels = batch
    embeddings.requires_grad_()

    make_loss(LossSettings(kind=kind), embedding_dim=5, classes=3)(embeddings, labels).backward()

    assert embeddings.grad.abs().sum() > 0


def test_options_reach_the_loss():
    assert make_loss(LossSettings(kind="triplet", options={"margin": 0.37}), 5, 3).margin == 0.37


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (LossSettings(kind="arcfase"), "loss.kind: no loss 'arcfase'; did you mean 'arcface'"),
        (LossSettings(kind="os"), "no loss 'os'"),
        (LossSettings(kind="triplet", options={"margn": 1}), "loss.options: triplet: .*margn"),
    ],
)
def test_a_mistake_is_a_clear_error(settings, says):
    with pytest.raises(ConfigError, match=says):
        make_loss(settings, 5, 3)
