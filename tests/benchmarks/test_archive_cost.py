from tests.benchmarks.archive_cost import measure


def test_all_contenders_are_measured_and_one_of_them_archives(small_bundle, tmp_path):
    measured = measure(small_bundle, tmp_path, 0.01, 12, 0, old=20)

    contenders = ("without", "keeping all", "pruning", "pruning in this process")
    assert set(measured["rows"]) == {f"{what}, {who}" for what in ("verdict", "see") for who in contenders}
    assert all(row["count"] == 12 and 0 <= row["p50"] <= row["p99"] <= row["max"] for row in measured["rows"].values())
    assert 0 < measured["archived"] <= measured["shown"] == 12
