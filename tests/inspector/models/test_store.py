import json
import os
import shutil

import pytest

from inspector.bundle import MANIFEST, MODEL, read_bundle
from inspector.errors import BundleError, ModelError
from inspector.models.store import Store
from tests.bundles import altered, copied, digest_of


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "models")


def test_a_bundle_is_copied_whole_under_its_digest(store, small_bundle):
    digest = store.add(small_bundle)

    assert digest == digest_of(small_bundle)
    read_bundle(store.path(digest)).check_golden()
    assert store.digests() == [digest]
    assert [each.name for each in store.path(digest).parent.iterdir()] == [digest]


def test_what_is_there_already_is_not_copied_again_and_what_is_damaged_is(store, small_bundle):
    digest = store.add(small_bundle)
    model = store.path(digest) / MODEL
    before = model.stat().st_ino
    store.add(small_bundle)
    assert model.stat().st_ino == before

    model.write_bytes(b"not a network")
    store.add(small_bundle)
    read_bundle(store.path(digest)).check_golden()


def test_a_damaged_bundle_does_not_get_in(store, corrupt_bundle):
    with pytest.raises(BundleError, match=r"a file is not what bundle\.json says"):
        store.add(corrupt_bundle)

    assert store.digests() == []
    assert list(store.path("").iterdir()) == []


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "golden/../../outside"])
def test_a_manifest_cannot_name_files_outside_of_its_bundle(store, small_bundle, tmp_path, name):
    evil = altered(small_bundle, tmp_path / "evil", lambda said: said["files"].update({name: "0" * 64}))

    with pytest.raises(BundleError, match="outside of the bundle"):
        store.add(evil)
    assert store.digests() == []


def test_a_disk_that_takes_nothing_is_said(store, small_bundle, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(ModelError, match="No space left on device"):
        store.add(small_bundle)
    assert store.digests() == []


def test_a_bundle_is_found_by_digest_its_beginning_or_as_the_newest_of_its_name(store, small_bundle, tmp_path):
    first = store.add(small_bundle)
    older = altered(small_bundle, tmp_path / "older", lambda said: said.update(created="2020-01-01T00:00:00Z"))
    second = store.add(older)

    assert [store.find(each) for each in (first, first[:8], second)] == [first, first, second]
    assert store.find("plates") == first


@pytest.mark.parametrize("wanted", ["", "../bundles", "/etc", "nothing", "0" * 64, "a" * 8, "*"])
def test_what_is_not_there_is_not_found_whatever_it_looks_like(store, small_bundle, wanted):
    store.add(small_bundle)

    with pytest.raises(ModelError, match="the store has no bundle"):
        store.find(wanted)


def test_two_digests_that_begin_alike_are_no_answer(store, small_bundle):
    digest = store.add(small_bundle)
    shutil.copytree(store.path(digest), store.path(digest[:-1] + ("0" if digest[-1] != "0" else "1")))

    with pytest.raises(ModelError, match="the store has no bundle"):
        store.find(digest[:12])


def test_the_oldest_go_but_never_one_that_is_spared(store, small_bundle, tmp_path):
    digests = [store.add(copied(small_bundle, tmp_path / str(number), name=f"plates {number}")) for number in range(4)]
    for age, digest in enumerate(reversed(digests)):
        os.utime(store.path(digest), (1_000 - age, 1_000 - age))
    (store.path(f"{digests[1]}.engine.json")).write_text(json.dumps({}))

    assert store.prune(2, {digests[0]}) == [digests[1]]
    assert store.digests() == [digests[3], digests[2], digests[0]]
    assert not store.path(f"{digests[1]}.engine.json").exists()
    assert (store.path(digests[0]) / MANIFEST).exists()
