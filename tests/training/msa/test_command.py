import json
from dataclasses import replace

import pytest

from inspector.bundle import read_bundle
from inspector.inspection import Outcome
from tests.parts import good_parts, scratched_parts, write_parts, write_small_bundle
from training.cli import main
from training.evaluate import score_files
from training.msa import command
from training.msa.command import decide
from training.msa.kappa import NO_WIDTH
from training.msa.study import Decision


@pytest.fixture(scope="module")
def bundle_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("bundle") / "plates"
    write_small_bundle(path)
    return path


@pytest.fixture(scope="module")
def bundle(bundle_path):
    return read_bundle(bundle_path)


@pytest.fixture(scope="module")
def site(tmp_path_factory, bundle):
    """Three good and two scratched parts in two presentations each, all as the bundle sees them, and their CSV."""
    folder = tmp_path_factory.mktemp("site")
    found = {
        "good": write_parts(folder / "set" / "normal", good_parts(20, seed=5), "g"),
        "scratch": write_parts(folder / "set" / "scratch", scratched_parts(8, seed=5), "s"),
    }
    rows = ["part,truth,picture"]
    for truth, wanted, pairs in (("good", "PASS", 3), ("scratch", "FAIL", 2)):
        right = [one.file for one in score_files(bundle, {truth: found[truth]}) if one.outcome == wanted]
        assert len(right) >= 2 * pairs
        rows += [f"{truth[0]}{i // 2},{truth},{right[i].relative_to(folder)}" for i in range(2 * pairs)]
    (folder / "parts.csv").write_text("\n".join(rows) + "\n")
    return folder


def told(capsys, *arguments):
    """Exit status, and what was said."""
    capsys.readouterr()
    status = main(["msa", *map(str, arguments)])
    return status, capsys.readouterr()


def figures_of(site, capsys, *arguments):
    status, _ = told(capsys, *arguments, "--json", site / "study.json")
    return status, json.loads((site / "study.json").read_text())


def people(site, **decided):
    """People who decide the same on each part, in two presentations."""
    rows = [
        f"{name},{part},{number},{said}"
        for name, said_by_part in decided.items()
        for part, said in zip(("g0", "g1", "g2", "s0", "s1"), said_by_part, strict=True)
        for number in (1, 2)
    ]
    (site / "people.csv").write_text("appraiser,part,presentation,decision\n" + "\n".join(rows) + "\n")
    return site / "people.csv"


def test_an_acceptable_bundle_exits_with_0(site, bundle, bundle_path, capsys):
    status, figures = figures_of(site, capsys, bundle_path, "--reference", site / "parts.csv")

    assert status == 0
    assert figures["bundle"] == bundle.digest
    assert figures["parts"] == {"good": 3, "defective": 2}
    daemon = figures["appraisers"]["daemon"]
    assert (daemon["grade"], daemon["effectiveness"]["estimate"], daemon["kappa"]["value"]) == ("acceptable", 1, 1)
    assert daemon["verdicts"]["miss_rate"] == {
        "criterion": "miss_rate", "grade": "acceptable", "proven": False, "parts": 2, "wrong_parts": 0,
        "parts_to_prove": 149,
    }  # fmt: skip
    assert daemon["miss_rate"]["at_most"] == pytest.approx(1 - 0.05 ** (1 / 2))
    assert (figures["between"], figures["overall"]) == ([], None)


def test_the_confidence_changes_the_bounds(site, bundle_path, capsys):
    _, figures = figures_of(site, capsys, bundle_path, "--reference", site / "parts.csv", "--confidence", "80%")

    assert figures["confidence"] == 0.8
    assert figures["appraisers"]["daemon"]["miss_rate"]["at_most"] == pytest.approx(1 - 0.2 ** (1 / 2))
    assert figures["appraisers"]["daemon"]["verdicts"]["miss_rate"]["parts_to_prove"] == 80


def test_a_bundle_that_misses_exits_with_1(site, bundle_path, capsys):
    file = site / "dent.csv"
    # What the bundle rightly passes is called a defect.
    file.write_text((site / "parts.csv").read_text().replace("g0,good", "g0,dent"))

    status, figures = figures_of(site, capsys, bundle_path, "--reference", file)

    assert status == 1
    assert figures["appraisers"]["daemon"]["miss_rates"]["dent"]["estimate"] == 1
    assert figures["appraisers"]["daemon"]["grade"] == "unacceptable"


def test_people_are_told_the_figures_and_what_would_prove_them(site, bundle_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    csv = people(site, Anne=["pass", "pass", "pass", "scratch", "fail"], Ben=["pass", "fail", "ok", "good", "fail"])

    status, said = told(capsys, bundle_path, "--reference", site / "parts.csv", "--appraisers", csv)

    assert status == 0  # people's mistakes are not the bundle's
    agreement, _ = said.out.split("daemon: acceptable, 0 of 3 proven")
    lines = {line.split("│")[1].strip(): line for line in agreement.splitlines() if line.count("│") > 2}
    assert lines["effectiveness"].split("│")[2].strip() == "100.0 % of 5"
    assert "│ 47.8 to 100.0 % " in agreement
    assert lines["missed: scratch"].split("│")[4].strip() == "50.0 % of 2"
    assert lines["kappa"].split("│")[2].strip() == "1.000 no interval"
    assert NO_WIDTH in agreement.splitlines()
    assert "Ben: unacceptable" in said.out
    assert "no; 149 parts prove acceptable, with 0 of them judged wrong" in said.out
    assert "1.000" in lines["daemon and Anne"]
    assert "all (Fleiss)" in lines


def test_json_holds_the_agreement_of_each_two(site, bundle_path, capsys):
    csv = people(site, Anne=["pass"] * 3 + ["fail"] * 2, Ben=["pass", "fail", "pass", "pass", "fail"])

    _, figures = figures_of(site, capsys, bundle_path, "--reference", site / "parts.csv", "--appraisers", csv)

    between = {tuple(each["appraisers"]): each for each in figures["between"]}
    assert between["daemon", "Anne"]["value"] == 1
    # Of 10 presentations 6 agree; by chance 0.6 * 0.6 + 0.4 * 0.4 = 0.52.
    assert between["Anne", "Ben"]["value"] == pytest.approx((0.6 - 0.52) / (1 - 0.52))
    assert figures["overall"]["presentations"] == 10


def test_a_folder_with_a_pattern_is_a_reference_too(site, bundle_path, capsys):
    _, figures = figures_of(site, capsys, bundle_path, "--data", site / "set", "--group-pattern", r"^([gs]-\d\d)\d")

    assert figures["parts"] == {"good": 2, "defective": 1}
    assert figures["appraisers"]["daemon"]["right"]["presentations"] == 28


def test_an_error_of_the_daemon_is_undecided(bundle, site, monkeypatch):
    (picture, *_) = sorted((site / "set" / "normal").iterdir())
    said = score_files(bundle, {"p": [picture, picture]})
    monkeypatch.setattr(command, "score_files", lambda *_: [said[0], replace(said[1], outcome=Outcome.ERROR)])

    decided = decide(bundle, {"p": (picture, picture)})

    assert decided["p"][2] is Decision.UNDECIDED


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--reference", "none.csv"], "none.csv: cannot be read"),
        (["--data", "nowhere"], "nowhere: cannot list this folder"),
        (["--data", "set", "--group-pattern", "("], "group_pattern '(' is no regular expression"),
        (["--data", "set", "--json", "no/such/study.json"], "--json no/such/study.json: there is no such folder"),
        (["--reference", "parts.csv", "--group-pattern", "(.)"], "--group-pattern goes with --data"),
        (["--reference", "parts.csv", "--json", "set"], "--json set: cannot be written (Is a directory)"),
    ],
)
def test_mistakes_exit_with_78(site, bundle_path, capsys, monkeypatch, arguments, said):
    monkeypatch.chdir(site)

    status, heard = told(capsys, bundle_path, *arguments)

    assert status == 78
    assert said in heard.err


@pytest.mark.parametrize("text", ["95", "0.2", "100%", "many"])
def test_a_confidence_that_is_none(bundle_path, capsys, text):
    with pytest.raises(SystemExit) as caught:
        main(["msa", str(bundle_path), "--reference", "parts.csv", "--confidence", text])

    assert caught.value.code == 2
    assert "give a share from 50% to below 100%" in capsys.readouterr().err


def test_help_shows_the_files(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["msa", "--help"])

    assert caught.value.code == 0
    said = capsys.readouterr().out
    assert "part,truth,picture" in said
    assert "appraiser,part,presentation,decision" in said
