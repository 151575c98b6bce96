import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspector.records.chain import GENESIS, canonical, link, time_text

TEXTS = st.text(st.characters(exclude_categories=[]))  # lone surrogates included
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


def test_a_rows_hash_is_what_the_documentation_says():
    payload = '{"id":"a"}'
    first = hashlib.sha256(bytes(32) + b"\0\0\0\0\0\0\0\1" + b"inspection" + b"\0" + payload.encode()).digest()
    second = hashlib.sha256(first + b"\0\0\0\0\0\0\0\2" + b"stop" + b"\0" + b"{}").digest()

    assert link(GENESIS, 1, "inspection", payload) == first
    assert link(first, 2, "stop", "{}") == second


@pytest.mark.parametrize("other", [(GENESIS, 2, "a", "b"), (b"\1" * 32, 1, "a", "b"), (GENESIS, 1, "", "a\0b")])
def test_everything_of_a_row_is_in_its_hash(other):
    assert link(*other) != link(GENESIS, 1, "a", "b")


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_any_content_has_one_text_that_is_json_and_ascii(content):
    text = canonical(content)

    assert text.isascii()
    assert text == canonical(dict(reversed(content.items()))) == canonical(json.loads(text))


def test_numbers_that_json_does_not_know_are_null():
    assert canonical({"b": [float("nan"), 1.5], "a": float("-inf")}) == '{"a":null,"b":[null,1.5]}'


def test_what_is_no_json_is_refused():
    with pytest.raises(TypeError, match="set is no JSON"):
        canonical({"a": {1}})


def test_times_are_in_utc_and_their_texts_in_their_order():
    whole = datetime(2026, 11, 24, 7, tzinfo=timezone(timedelta(hours=1)))
    texts = [time_text(whole), time_text(whole + timedelta(microseconds=1)), time_text(whole + timedelta(seconds=1))]

    assert texts[0] == "2026-11-24T06:00:00.000000Z"
    assert texts == sorted(texts)
    assert canonical({"at": datetime(2026, 1, 1, tzinfo=UTC)}) == '{"at":"2026-01-01T00:00:00.000000Z"}'
