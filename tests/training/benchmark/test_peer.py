import json
import signal
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.errors import ConfigError, DataError
from training.benchmark import peer
from training.benchmark.peer import PEER_PYTHON, PeerJob, patchcore_scores, peer_versions

PYTHON = Path(sys.executable)
JOB = PeerJob("tiles, seed 3", train=(Path("a.png"), Path("b.png")), test=(Path("c.png"), Path("d.png")), seed=3)


@pytest.fixture
def script(tmp_path):
    """Writes the peer's half of the conversation: a script in place of anomalib_patchcore.py."""

    def write(*lines):
        path = tmp_path / "fake_patchcore.py"
        path.write_text("\n".join(["import json, os, signal, sys", "job = json.load(sys.stdin)", *lines]))
        return path

    return write


def test_the_job_reaches_the_peer_and_its_scores_come_back_in_order(script, tmp_path):
    answers = script(f"open({str(tmp_path / 'job')!r}, 'w').write(json.dumps(job))", "print([2, 0.25])")

    assert patchcore_scores(PYTHON, JOB, script=answers) == [2.0, 0.25]
    seen = json.loads((tmp_path / "job").read_text())
    assert seen == {"name": "tiles, seed 3", "train": ["a.png", "b.png"], "test": ["c.png", "d.png"], "seed": 3}


def test_what_the_peer_says_on_the_side_is_no_answer(script):
    talks = script("print('a warning', file=sys.stderr)", "print('[1.5, 2.5]')")

    assert patchcore_scores(PYTHON, JOB, script=talks) == [1.5, 2.5]


def test_the_peer_sees_none_of_our_packages(script, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(peer.__file__).parents[2]))
    looks = script("print([float(any(os.path.exists(f'{each}/training') for each in sys.path)), 0])")

    assert patchcore_scores(PYTHON, JOB, script=looks) == [0.0, 0.0]


def test_a_crash_shows_the_job_the_status_and_the_end_of_the_traceback(script):
    crashes = script(
        "print('\\n'.join(f'line {i}' for i in range(100)), file=sys.stderr)", "raise ValueError('no c.png')"
    )

    with pytest.raises(DataError, match=r"(?s)tiles, seed 3: .* ended with status 1;.*ValueError: no c\.png") as caught:
        patchcore_scores(PYTHON, JOB, script=crashes)

    assert "line 99" in str(caught.value)
    assert "line 10\n" not in str(caught.value)


def test_a_peer_that_is_killed_is_told_by_its_signal(script):
    killed = script("print([1, 2], flush=True)", "os.kill(os.getpid(), signal.SIGKILL)")

    with pytest.raises(DataError, match=f"status -{int(signal.SIGKILL)}"):
        patchcore_scores(PYTHON, JOB, script=killed)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("[1.0]", "1 scores, 1 of them finite, for 2 pictures"),
        ("[1.0, NaN]", "2 scores, 1 of them finite, for 2 pictures"),
        ("[[1.0, 2.0]]", "2 scores, 2 of them finite, for 2 pictures"),
        ("[1.0, 2.", "no list of scores but '.1.0, 2.'"),
        ("", "no list of scores but ''"),
        ('{"a": 1}', "no list of scores"),
        ('["high", "low"]', "no list of scores"),
        ("[[1.0], 2.0]", "no list of scores"),
    ],
)
def test_an_answer_that_is_not_one_finite_score_a_picture_is_refused(script, answer, says):
    with pytest.raises(DataError, match=f"tiles, seed 3: fake_patchcore.py answered {says}"):
        patchcore_scores(PYTHON, JOB, script=script(f"sys.stdout.write({answer!r})"))


@pytest.mark.parametrize("job", [PeerJob("a", (), (Path("c.png"),), 0), PeerJob("a", (Path("c.png"),), (), 0)])
def test_without_pictures_there_is_nothing_to_compare(job):
    with pytest.raises(DataError, match="a: PatchCore needs pictures"):
        patchcore_scores(PYTHON, job)


@pytest.mark.parametrize("ask", ["versions", "scores"])
@pytest.mark.parametrize(
    ("python", "says"), [(Path("nowhere/bin/python"), "No such file"), (PYTHON, "lacks a package.*NotFoundError")]
)
def test_without_the_environment_the_commands_that_make_it_are_told(ask, python, says, script):
    commands = r"python3 -m venv build/anomalib\n.*pip install anomalib==2"

    with pytest.raises(ConfigError, match=f"(?s){python}.*{says}.*{commands}"):
        peer_versions(python) if ask == "versions" else patchcore_scores(python, JOB, script=script("import anomalib"))


@pytest.mark.skipif(not PEER_PYTHON.exists(), reason=f"needs the optional environment of anomalib:\n{peer.SETUP}")
def test_the_real_patchcore_finds_the_spots(tmp_path):
    rng = np.random.default_rng(0)

    def draw(name, spot):
        plate = rng.normal(128, 8, (96, 96, 3))
        plate[40:56, 40:56] += 100 * spot
        cv2.imwrite(str(tmp_path / name), plate.clip(0, 255).astype(np.uint8))
        return tmp_path / name

    train = tuple(draw(f"train{i}.png", spot=False) for i in range(3))
    test = tuple(draw(f"test{i}.png", spot=i >= 3) for i in range(6))
    scores = patchcore_scores(PEER_PYTHON, PeerJob("plates", train, test, seed=0))

    assert max(scores[:3]) < min(scores[3:])
    assert peer_versions(PEER_PYTHON)["anomalib"].startswith("2.")
