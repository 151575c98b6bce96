import pytest

from inspector.errors import ConfigError
from tests.parts import small_config
from training.config import AnomalyTypeSettings
from training.labelled import with_labels


@pytest.fixture
def labelled(tmp_path):
    (tmp_path / "anomalies.yaml").write_text(
        "data: {anomalies: {scratch: {weight: 5.0, critical: false}, hair: {weight: 2.0, critical: true}}}\n"
    )
    return tmp_path


def priced():
    config = small_config()
    scratch = AnomalyTypeSettings(critical=True, escape_cost=40)
    return config.model_copy(update={"data": config.data.model_copy(update={"anomalies": {"scratch": scratch}})})


def test_what_people_said_last_weighs_and_costs_stay_the_configurations(labelled):
    anomalies = with_labels(priced(), labelled).data.anomalies

    assert (anomalies["scratch"].weight, anomalies["scratch"].critical) == (5, False)
    assert anomalies["scratch"].escape_cost == 40
    assert (anomalies["hair"].weight, anomalies["hair"].critical) == (2, True)


def test_where_all_is_labelled_that_is_the_set_and_its_types_count(labelled):
    config = small_config()
    config = config.model_copy(update={"data": config.data.model_copy(update={"root": labelled})})

    data = with_labels(config, labelled).data
    assert (data.root, data.labelled) == (labelled, None)
    assert data.anomalies["hair"].critical


def test_a_folder_without_types_changes_no_weight(tmp_path):
    config = with_labels(small_config(), tmp_path)

    assert config.data.anomalies == small_config().data.anomalies
    assert config.data.labelled == tmp_path


def test_the_configurations_own_folder_counts_too(labelled):
    config = small_config()
    config = config.model_copy(update={"data": config.data.model_copy(update={"labelled": labelled})})

    assert "hair" in with_labels(config, None).data.anomalies


def test_without_labels_nothing_changes_but_the_output(tmp_path):
    assert with_labels(small_config(), None) == small_config()
    assert with_labels(small_config(), None, tmp_path).output == tmp_path


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path):
    with pytest.raises(ConfigError, match=r"no folder of labelled parts; `inspector labels export` writes one"):
        with_labels(small_config(), tmp_path / "none")


def test_a_file_that_is_no_such_file_is_a_mistake(tmp_path):
    (tmp_path / "anomalies.yaml").write_text("data: {anomalies: {hair: {wieght: 2}}}\n")

    with pytest.raises(ConfigError, match="did you mean"):
        with_labels(small_config(), tmp_path)
