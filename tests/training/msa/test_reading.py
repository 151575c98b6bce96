import numpy as np
import pytest

from inspector.errors import DataError
from tests.parts import good_parts, write_parts
from training.msa.reading import read_appraisers, read_reference, scan_reference
from training.msa.study import Decision

HEADER = "part,truth,picture\n"
PEOPLE = "appraiser,part,presentation,decision\n"
TRUTHS = {"p1": "good", "p2": "Scratch"}


@pytest.fixture
def site(tmp_path):
    write_parts(tmp_path / "pictures", good_parts(6))
    return tmp_path


def written(folder, text, name="parts.csv", encoding="utf-8"):
    (folder / name).write_text(text, encoding=encoding)
    return folder / name


def refusal(read, *arguments):
    with pytest.raises(DataError) as caught:
        read(*arguments)
    return str(caught.value)


class TestReference:
    def test_has_a_row_for_each_presentation(self, site):
        names = sorted(path.name for path in (site / "pictures").iterdir())
        rows = [f"p1,good,pictures/{names[0]}", f"p2, Scratch ,pictures/{names[1]}", f"p1,GOOD,pictures/{names[2]}"]

        reference = read_reference(written(site, HEADER + "\n".join(rows) + "\n\n"))

        assert reference.truths == {"p1": "good", "p2": "scratch"}
        assert reference.pictures == {
            "p1": (site / "pictures" / names[0], site / "pictures" / names[2]),
            "p2": (site / "pictures" / names[1],),
        }

    def test_as_a_german_excel_writes_it(self, site):
        names = sorted(path.name for path in (site / "pictures").iterdir())
        text = f"Part;Truth;Picture;Note\np1;good;pictures/{names[0]};\np2;defect;pictures/{names[1]};ß\n"

        assert read_reference(written(site, text, encoding="utf-8-sig")).truths == {"p1": "good", "p2": "defect"}

    def test_all_mistakes_are_told_with_line_and_column(self, site):
        names = [f"pictures/{path.name}" for path in sorted((site / "pictures").iterdir())]
        (site / "pictures" / "cut.png").write_bytes((site / names[0]).read_bytes()[:100])
        rows = [
            f"p1,good,{names[0]}", f"p1,scratch,{names[1]}", f"p2,goood,{names[2]}", f"p3,ok,{names[3]}",
            "p4,scratch,pictures/none.png", f"p5,scratch,{names[0]}", "p6,scratch,pictures/cut.png",
        ]  # fmt: skip
        file = written(site, HEADER + "\n".join(rows))

        lines = refusal(read_reference, file).splitlines()

        assert len(lines) == 6
        assert f"{file}, line 3, column 'truth': 'scratch', but above part 'p1' is 'good'; correct one" in lines[0]
        assert f"{file}, line 4, column 'truth': 'goood'; did you mean 'good'?" in lines[1]
        assert f"{file}, line 5, column 'truth': 'ok'; write 'good', 'defect'" in lines[2]
        assert f"{file}, line 6, column 'picture': pictures/none.png: No such file" in lines[3]
        assert f"{file}, line 7, column 'picture': the same picture as in line 2" in lines[4]
        assert f"{file}, line 8, column 'picture': pictures/cut.png: the file is truncated" in lines[5]

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "line 1: no column 'part', 'truth', 'picture'"),
            ("part,truth\np1,good\n", "line 1: no column 'picture'; the first line has to name"),
            (HEADER, "has no rows below its first line"),
            (HEADER + "p1,,x.png\n", "line 2, column 'truth': the cell is empty"),
            (HEADER + "p1,good\n", "line 2, column 'picture': the cell is empty"),
            (HEADER + "p1,good,a,b.png\n", "line 2: more cells than columns"),
            (HEADER + 'p1,"good,a\n', "no CSV"),
        ],
    )
    def test_a_table_that_cannot_be_used(self, site, text, said):
        assert said in refusal(read_reference, written(site, text))

    def test_a_file_that_cannot_be_read(self, site):
        assert "nothing.csv: cannot be read (No such file" in refusal(read_reference, site / "nothing.csv")
        assert "is not UTF-8" in refusal(read_reference, written(site, HEADER + "ß,good,a.png", encoding="latin-1"))

    @pytest.mark.parametrize(("truth", "missing"), [("good", "defective"), ("scratch", "good")])
    def test_needs_good_and_defective_parts(self, site, truth, missing):
        names = sorted(path.name for path in (site / "pictures").iterdir())
        file = written(site, HEADER + f"p1,{truth},pictures/{names[0]}\np2,{truth},pictures/{names[1]}\n")

        assert f"has no {missing} part" in refusal(read_reference, file)


class TestFolder:
    @pytest.fixture
    def data(self, tmp_path):
        pictures = good_parts(6)
        write_parts(tmp_path / "normal", pictures[:4], "a")
        write_parts(tmp_path / "scratch", pictures[4:], "b")
        return tmp_path

    def test_each_picture_is_a_part_without_a_pattern(self, data):
        reference = scan_reference(data, "normal", None)

        assert sorted(reference.truths.values()) == ["good"] * 4 + ["scratch"] * 2
        assert {len(own) for own in reference.pictures.values()} == {1}
        assert {part.split("/")[0] for part, truth in reference.truths.items() if truth == "good"} == {"normal"}

    def test_a_pattern_groups_the_presentations(self, data):
        reference = scan_reference(data, "normal", r"^([ab])")

        assert reference.truths == {"a": "good", "b": "scratch"}
        assert reference.pictures["a"] == tuple(sorted((data / "normal").iterdir()))

    def test_a_part_in_two_folders_is_refused(self, data):
        assert "part '' has" not in (said := refusal(scan_reference, data, "normal", r"^[ab](.*)\."))
        assert "has pictures in several folders" in said

    def test_the_same_picture_twice_is_no_repetition(self, data):
        (first, *_) = sorted((data / "scratch").iterdir())
        (data / "scratch" / "bagain.png").write_bytes(first.read_bytes())

        said = refusal(scan_reference, data, "normal", None)

        assert "the same picture as" in said
        assert "bagain.png" in said

    def test_a_folder_of_good_parts_is_no_type_of_defects(self, data):
        write_parts(data / "good", np.flip(good_parts(2, seed=9), axis=1), "c")

        assert f"{data / 'good'}: is no type of defects by its name" in refusal(scan_reference, data, "normal", None)


class TestAppraisers:
    def test_decisions_by_part_and_presentation(self, tmp_path):
        rows = ["Anne,p1,1,pass", "Anne,p1,2,FAIL", "Anne,p2,1,scratch", "Ben,p1,1,undecided", "Ben,p2,1,ok"]

        people = read_appraisers(written(tmp_path, PEOPLE + "\n".join(rows)), TRUTHS)

        assert people == {
            "Anne": {"p1": {1: Decision.ACCEPT, 2: Decision.REJECT}, "p2": {1: Decision.REJECT}},
            "Ben": {"p1": {1: Decision.UNDECIDED}, "p2": {1: Decision.ACCEPT}},
        }

    @pytest.mark.parametrize(
        ("row", "said"),
        [
            ("Daemon,p1,1,pass", "line 2, column 'appraiser': 'daemon' is the bundle's own name"),
            ("Anne,p11,1,pass", "line 2, column 'part': the reference has no part 'p11'; did you mean 'p1'?"),
            ("Anne,x,1,pass", "line 2, column 'part': the reference has no part 'x'; correct it, or add"),
            ("Anne,p1,0,pass", "line 2, column 'presentation': '0' is no number from 1 up"),
            ("Anne,p1,one,pass", "line 2, column 'presentation': 'one' is no number"),
            ("Anne,p1,1,maybe", "line 2, column 'decision': 'maybe'; write one of good, pass,"),
            ("Anne,p1,1,pass\nAnne,p1,1,fail", "line 3, column 'presentation': Anne has decided on presentation 1"),
            ("Anne,p1,1,pass", "Anne has not judged 1 of the reference's parts, such as 'p2'"),
        ],
    )
    def test_mistakes(self, tmp_path, row, said):
        file = written(tmp_path, f"{PEOPLE}{row}\n", "people.csv")

        assert f"{file}" in (told := refusal(read_appraisers, file, TRUTHS))
        assert said in told
