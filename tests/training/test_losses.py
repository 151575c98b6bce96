import numpy as np
import pytest
import torch
from pytorch_metric_learning import losses as metric_losses
from torch.nn.functional import normalize

from inspector.errors import ConfigError
from training.losses import SHORT_NAMES, L2SoftmaxLoss, LossSettings, make_loss


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


def test_the_gradient_reaches_the_embedding_and_the_dense_layer(batch):
    embeddings, labels = batch
    loss = L2SoftmaxLoss(5, 3, alpha=7.0)

    loss(embeddings.requires_grad_(), labels).backward()

    # Of cross entropy after softmax: (probability - truth) / n, through the dense layer and alpha.
    truth = torch.eye(3)[labels]
    wrong = (torch.softmax(loss.dense(7.0 * embeddings), 1) - truth).detach() / len(labels)
    torch.testing.assert_close(embeddings.grad, 7.0 * wrong @ loss.dense.weight)
    torch.testing.assert_close(loss.dense.weight.grad, wrong.T @ (7.0 * embeddings.detach()))
    torch.testing.assert_close(loss.dense.bias.grad, wrong.sum(0))


def test_a_longer_alpha_makes_a_right_answer_surer():
    embeddings, labels = torch.eye(3), torch.arange(3)
    losses = []
    for alpha in (1.0, 8.0):
        loss = L2SoftmaxLoss(3, 3, alpha)
        torch.nn.init.eye_(loss.dense.weight)
        torch.nn.init.zeros_(loss.dense.bias)
        losses.append(loss(embeddings, labels).item())

    assert losses[1] < losses[0]


@pytest.mark.parametrize("kind", ["l2_softmax", *SHORT_NAMES, "MultiSimilarityLoss", "SoftTripleLoss", "ArcFaceLoss"])
def test_every_loss_has_a_gradient(batch, kind):
    embeddings, labels = batch
    embeddings.requires_grad_()

    make_loss(LossSettings(kind=kind), embedding_dim=5, classes=3)(embeddings, labels).backward()

    assert embeddings.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["arcface", "ArcFaceLoss"])
def test_a_loss_with_classes_knows_their_number_and_the_embeddings_length(name):
    loss = make_loss(LossSettings(kind=name), embedding_dim=5, classes=3)

    assert type(loss) is metric_losses.ArcFaceLoss
    assert loss.W.shape == (5, 3)


def test_options_reach_the_loss():
    assert make_loss(LossSettings(kind="triplet", options={"margin": 0.37}), 5, 3).margin == 0.37


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (LossSettings(kind="arcfase"), "loss.kind: no loss 'arcfase'; did you mean 'arcface'"),
        (LossSettings(kind="os"), "no loss 'os'"),
        (LossSettings(kind="CrossEntropy"), "no loss 'CrossEntropy'"),
        (LossSettings(kind="triplet", options={"margn": 1}), r"loss\.options: triplet: .*margn"),
        (LossSettings(kind="arcface", options={"num_classes": 9}), r"loss\.options: arcface: .*num_classes"),
        (LossSettings(options={"margin": 1}), r"loss\.options: l2_softmax takes none, got margin"),
    ],
)
def test_a_mistake_is_a_clear_error(settings, says):
    with pytest.raises(ConfigError, match=says):
        make_loss(settings, 5, 3)
