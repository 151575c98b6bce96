from dataclasses import replace

import pytest

from inspector.bench.figures import STAGES
from inspector.bench.measure import ALL_CORES, NETWORKS, STATIONS, WITH_HEAT_MAP, measure, shifts
from inspector.bench.replay import VERDICT
from inspector.bench.workers import END_TO_END, NETWORK, with_heat_map
from inspector.bundle import Bundle, read_bundle
from inspector.engines import Engine
from inspector.errors import BundleError
from inspector.inspection import StationState
from tests.fakes import RememberingSink
from tests.parts import good_parts


def test_each_contender_does_its_share_in_each_round(two_stations, plan):
    for contender in (STATIONS, WITH_HEAT_MAP, NETWORKS, ALL_CORES):
        rounds = two_stations.rounds[contender]
        assert [sum(spell.count for spell in spells) for spells in rounds] == [20] * plan.rounds
        workers = 1 if contender == ALL_CORES else 2
        assert {len(spells) for spells in rounds} == {workers}


def test_a_single_station_needs_no_second_bare_network(one_station, plan):
    assert one_station.rounds.keys() == {STATIONS, WITH_HEAT_MAP, NETWORKS}
    assert shifts(plan, 1) == 3 * plan.rounds


def test_every_inspection_is_timed_in_every_stage(two_stations):
    for stage in (*STAGES, VERDICT, END_TO_END):
        assert len(two_stations.laps_ms(STATIONS, stage)) == 60
    assert len(two_stations.laps_ms(NETWORKS, NETWORK)) == 60


def test_a_verdict_is_part_of_its_cycle_and_made_of_its_stages(one_station):
    laps_ms = {stage: one_station.laps_ms(STATIONS, stage) for stage in (*STAGES, VERDICT, END_TO_END)}

    stages = sum(laps_ms[stage] for stage in STAGES if stage != "publish")
    assert stages == pytest.approx(laps_ms[VERDICT])
    assert (laps_ms[VERDICT] < laps_ms[END_TO_END]).all()


def test_outcomes_are_those_of_the_pictures(one_station):
    # Of three pictures one is scratched; the warm-up of 20 counts too, for stations with and without heat map.
    assert one_station.said["FAIL"] == pytest.approx((2 * (60 + 20)) / 3, abs=2)
    assert one_station.said["ERROR"] == 0


def test_progress_is_told_as_often_as_foretold(plan):
    told = []

    measure(plan, Engine(threads=1), 2, lambda: told.append(1))

    assert len(told) == shifts(plan, 2)


def test_sinks_get_the_real_path_and_are_let_go(plan):
    sinks = {}

    def open_sink(station):
        return sinks.setdefault(station, RememberingSink())

    measure(replace(plan, open_sink=open_sink), Engine(threads=1), 2, lambda: None)

    assert sinks.keys() == {"bench-1", "bench-2", "bench-1-map", "bench-2-map"}
    for station, sink in sinks.items():
        assert {each.station for each in sink.inspections} == {station}
        assert sink.states[0] is StationState.STARTING
        assert sink.states[-1] is StationState.STOPPED
        assert sink.closed == 1
    assert sum(len(sinks[name].inspections) for name in ("bench-1", "bench-2")) == 60 + 2 * 20


def test_memory_is_that_of_this_process(one_station):
    before_mib, after_mib = one_station.memory_mib

    assert 50 < before_mib < 20_000
    assert 50 < after_mib < 20_000


def test_a_bundle_that_judges_wrongly_here_is_not_measured(plan, monkeypatch):
    def wrong(bundle):
        raise BundleError("scores differently here")

    monkeypatch.setattr(Bundle, "check_golden", wrong)

    with pytest.raises(BundleError, match="scores differently here"):
        measure(plan, Engine(threads=1), 1, lambda: None)


def test_with_a_heat_map_the_verdict_is_the_same_and_the_map_was_made(small_bundle, monkeypatch):
    bundle = read_bundle(small_bundle)
    features = bundle.embedder.embed(good_parts(2))
    enlarged = []
    monkeypatch.setattr("inspector.bench.workers.enlarge", lambda grid, *size: enlarged.append(size) or grid)

    said = with_heat_map(bundle).judge(features)

    assert said == bundle.judge(features)
    assert enlarged == [bundle.manifest.input_size] * 2
