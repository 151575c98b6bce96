"""The PLC and a scripted station, through a real mosquitto."""

import pytest

from inspector.errors import ConfigError
from inspector.inspection import Outcome
from inspector.plc_sim.ledger import Breach, Why
from inspector.plc_sim.parts import by_name
from inspector.plc_sim.plc import Plc
from inspector.sinks.mqtt import MqttSettings
from tests.broker import free_port, wait_until
from tests.inspector.plc_sim.station import PREFIX, ScriptedStation

LONG_MS, SHORT_MS = 20_000, 100


def opened(port, *, plain=False, **options):
    settings = MqttSettings(port=port, version="3.1.1" if plain else "5")
    plc = Plc(
        settings.client("plc-1"),
        settings.broker("press-1", "plc-1"),
        PREFIX,
        reply_topic=None if plain else f"{PREFIX}/answer/plc-1",
        is_defect=by_name,
        **options,
    )
    plc.connect("127.0.0.1", port)
    return plc


@pytest.fixture(params=[False, True], ids=["mqtt 5", "plain"])
def plain(request):
    return request.param


@pytest.fixture
def talk(broker, plain):
    """Opens a PLC and a station that follows a script; both end with the test."""
    open_now = []

    def start(script, **options):
        open_now.append(ScriptedStation(broker.port, script))
        open_now.append(opened(broker.port, plain=plain, **options))
        return open_now[-1], open_now[-2]

    yield start
    for each in reversed(open_now):
        each.__exit__()


def test_a_pass_is_accepted_and_asked_for_where_the_plc_listens(talk, plain):
    plc, station = talk(ScriptedStation.answer)
    entry = plc.trigger("part-1", LONG_MS)
    plc.settle()

    assert entry.accepted
    assert plc.figures().breaches == {}
    assert plc.figures().answer_ms.count == 1
    asked = vars(station.triggers[0]["properties"])
    assert asked.get("ResponseTopic") == (None if plain else f"{PREFIX}/answer/plc-1")
    assert asked.get("CorrelationData") == (None if plain else entry.id.encode())
    assert asked.get("MessageExpiryInterval") == (None if plain else 20)


def test_a_recipe_is_asked_for(talk):
    plc, station = talk(ScriptedStation.answer)
    plc.trigger("part-1", LONG_MS, recipe="lids")
    plc.settle()

    assert station.triggers[0]["recipe"] == "lids"


@pytest.mark.parametrize("outcome", [Outcome.FAIL, Outcome.ERROR])
def test_everything_but_pass_is_rejected(talk, outcome):
    plc, _ = talk(lambda station, trigger: station.answer(trigger, outcome))
    entry = plc.trigger("part-1", LONG_MS)
    plc.settle()

    assert not entry.accepted


def test_silence_is_rejected_and_missing(talk):
    plc, _ = talk(lambda station, trigger: None)
    entry = plc.trigger("part-1", SHORT_MS)
    plc.settle()

    assert not entry.accepted
    assert plc.figures().breaches == {Breach.MISSING: 1}


def test_a_part_is_decided_by_its_answer_or_by_its_deadline(talk):
    plc, _ = talk(lambda station, trigger: station.answer(trigger) if trigger["part_id"] == "part-1" else None)
    answered, silent = plc.trigger("part-1", LONG_MS), plc.trigger("part-2", SHORT_MS)
    plc.decide([answered, silent])

    assert plc.figures().decided_by == {Why.PASS: 1, Why.SILENCE: 1}


def test_a_late_pass_is_rejected(talk):
    held = []
    plc, station = talk(lambda station, trigger: held.append(trigger))
    entry = plc.trigger("part-1", SHORT_MS)
    wait_until(lambda: plc.figures().waiting == 0, "the deadline")
    station.answer(held[0])
    wait_until(lambda: entry.answers, "the late answer")

    assert not entry.accepted
    assert plc.figures().decided_by == {Why.LATE: 1}


def test_the_same_answer_twice_is_no_breach_and_another_one_is(talk):
    def twice(station, trigger):
        first = station.answer(trigger, Outcome.FAIL)
        station.send(trigger, first.model_dump_json())
        if trigger["part_id"] == "part-2":
            station.answer(trigger, Outcome.PASS)

    plc, _ = talk(twice)
    steady, fickle = plc.trigger("part-1", LONG_MS), plc.trigger("part-2", LONG_MS)
    wait_until(lambda: len(fickle.answers) == 3 and len(steady.answers) == 2, "all answers")

    assert not fickle.accepted
    assert plc.figures().breaches == {Breach.CONTRADICTION: 1}


def test_an_accepted_defect_is_a_false_accept(talk):
    plc, _ = talk(ScriptedStation.answer)
    plc.trigger("defect-1", LONG_MS)
    plc.settle()

    assert plc.figures().breaches == {Breach.FALSE_ACCEPT: 1}


def test_copies_and_repetitions_are_the_same_trigger(talk):
    plc, station = talk(lambda station, trigger: None)
    entry = plc.trigger("part-1", LONG_MS, copies=2)
    plc.again(entry)
    station.wait_for(3)

    assert {each["id"] for each in station.triggers} == {entry.id}
    assert plc.figures().triggers == 1
    assert plc.figures().sent_again == 2


def test_an_id_can_be_contested(talk):
    def refuse_the_other(station, trigger):
        if trigger["part_id"] == "part-1":
            station.answer(trigger)
        else:
            station.answer(trigger, Outcome.ERROR, reason="duplicate_trigger")

    plc, station = talk(refuse_the_other)
    entry = plc.trigger("part-1", LONG_MS)
    plc.settle()
    plc.contest(entry, "part-2")
    station.wait_for(2)
    station.answer({"id": "of another plc", "part_id": "p", "properties": None})
    wait_until(lambda: plc.figures().strays, "what came after the refusal")

    assert entry.accepted
    assert plc.figures().breaches == {}


def test_an_acknowledgement_is_timed(talk):
    plc, _ = talk(ScriptedStation.acknowledge)
    entry = plc.trigger("part-1", LONG_MS)
    wait_until(lambda: entry.acknowledged_s, "the acknowledgement")

    assert plc.figures().acknowledge_ms.count == 1


@pytest.mark.parametrize("payload", ["no JSON", "{}", "[]", '{"trigger_id": 1}'])
def test_what_cannot_be_read_is_counted_and_no_answer(talk, payload):
    plc, _ = talk(lambda station, trigger: station.send(trigger, payload))
    entry = plc.trigger("part-1", LONG_MS)
    wait_until(lambda: plc.figures().strays, "the message")

    assert entry.answers == []
    assert sum(plc.figures().strays.values()) == 1


def test_silence_of_a_station_that_is_offline_is_excused_until_it_runs_again(talk):
    plc, station = talk(lambda station, trigger: None)
    station.say("offline")
    wait_until(lambda: plc.ledger.away, "the state")
    plc.trigger("part-1", SHORT_MS)
    station.say("running")
    wait_until(lambda: not plc.ledger.away, "the state")
    plc.trigger("part-2", SHORT_MS)
    plc.settle()

    figures = plc.figures()
    assert (figures.rejected, figures.excused, figures.breaches) == (2, 1, {Breach.MISSING: 1})


def test_nothing_is_sent_later_that_was_triggered_while_the_broker_was_away(broker, talk):
    plc, station = talk(ScriptedStation.answer)
    plc.trigger("part-1", LONG_MS)
    plc.settle()
    broker.kill()
    wait_until(lambda: not plc._client.is_connected(), "the loss")
    lost = plc.trigger("part-2", SHORT_MS)
    broker.start()
    wait_until(lambda: not plc.ledger.away, "the broker")
    with ScriptedStation(broker.port, ScriptedStation.answer):  # the first one may not be back yet
        plc.trigger("part-3", LONG_MS)
        plc.settle()

    assert not lost.accepted
    assert lost.excused
    assert "part-2" not in [each["part_id"] for each in station.triggers]


def test_the_broker_may_be_missing_and_that_is_said():
    with pytest.raises(ConfigError, match="nothing listens there"):
        opened(free_port())


def test_another_plcs_correlation_is_a_breach(broker):
    script = lambda station, trigger: station.answer(trigger, correlation=b"another")  # noqa: E731
    with ScriptedStation(broker.port, script), opened(broker.port) as plc:
        plc.trigger("part-1", LONG_MS)
        plc.settle()

        assert plc.figures().breaches == {Breach.WRONG_CORRELATION: 1}
