"""A second run reads only what is new or changed, whatever happened to the first."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from app.domain.errors import JobCancelled
from workers.engines import fingerprint_cache, fingerprints
from workers.engines.decoding import ImageRef
from workers.engines.fingerprints import fingerprint_images


def settle(ref: ImageRef, seconds_ago: int = 100) -> ImageRef:
    """A file that has only just changed is not kept."""
    changed = ref.path.stat().st_mtime - seconds_ago
    os.utime(ref.path, (changed, changed))
    return ref


@pytest.fixture
def photos(draw, save):
    return [settle(save(f"{n}.png", draw(n))) for n in range(10)]


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def read(monkeypatch):
    """Keys of the images that were really read."""
    keys = []

    def in_this_process(work, refs, **_):
        for start in range(0, len(refs), 2):
            keys.extend(ref.key for ref in refs[start : start + 2])
            yield work(refs[start : start + 2])

    monkeypatch.setattr(fingerprints, "map_in_children", in_this_process)
    return keys


def test_a_second_run_reads_nothing_and_gives_the_same(photos, cache, read):
    first = fingerprint_images(photos, cache=cache)
    read.clear()

    again = fingerprint_images(photos[::-1], cache=cache)

    assert read == []
    assert list(again) == list(first)[::-1]
    assert list(first) == list(fingerprint_images(photos))


def test_new_changed_and_broken_files_are_read_again(photos, draw, save, cache, read):
    fingerprint_images(photos, cache=cache)
    read.clear()
    settle(save("3.png", draw(99)), 50)
    new = settle(save("new.png", draw(50)))
    photos[5].path.unlink()

    table = fingerprint_images([*photos, new], cache=cache)

    assert read == ["3.png", "5.png", "new.png"]
    assert table.keys == [ref.key for ref in [*photos, new]]
    assert list(table) == list(fingerprint_images([*photos, new]))


def test_a_file_that_has_only_just_changed_is_not_trusted(draw, save, cache, read):
    fresh = save("fresh.png", draw(1))
    os.utime(fresh.path)

    fingerprint_images([fresh], cache=cache)
    fingerprint_images([fresh], cache=cache)

    assert read == ["fresh.png"] * 2


def test_problems_of_the_file_are_kept_and_passing_ones_tried_again(draw, save, cache, read):
    broken, gone = save("broken.png", draw(1)), ImageRef("gone.png", cache / "gone.png")
    broken.path.write_bytes(b"no image")
    settle(broken)

    for _ in range(2):
        assert fingerprint_images([broken, gone], cache=cache).statuses == ["not_an_image", "missing"]

    assert read == ["broken.png", "gone.png", "gone.png"]


def test_names_that_are_no_valid_text_are_kept_too(draw, save, cache, read):
    photo = save("plain.png", draw(1))
    odd = ImageRef("odd\udcff\n.png", photo.path.rename(photo.path.with_name("odd\udcff\n.png")))
    settle(odd)

    fingerprint_images([odd], cache=cache)

    assert fingerprint_images([odd], cache=cache).keys == ["odd\udcff\n.png"]
    assert len(read) == 1


def test_a_stopped_run_loses_nothing_that_it_has_read(photos, cache, read, monkeypatch):
    monkeypatch.setattr(fingerprint_cache, "ROWS_PER_PART", 4)
    told = []

    def stop_after_six(done):
        told.append(done)
        if done >= 6:
            raise JobCancelled("enough")

    with pytest.raises(JobCancelled):
        fingerprint_images(photos, cache=cache, on_progress=stop_after_six)
    read.clear()
    fingerprint_images(photos, cache=cache, on_progress=told.append)

    assert read == [f"{n}.png" for n in range(6, 10)]
    assert told == [2, 4, 6, 8, 10]


def test_parts_are_put_together_and_forget_what_changed(photos, draw, save, cache, read, monkeypatch):
    monkeypatch.setattr(fingerprint_cache, "ROWS_PER_PART", 2)
    monkeypatch.setattr(fingerprint_cache, "MAX_PARTS", 5)
    fingerprint_images(photos, cache=cache)
    settle(save("0.png", draw(77)), 50)

    fingerprint_images(photos, cache=cache)

    [part] = cache.glob("*.json")
    assert len(json.loads(part.read_text())["files"]) == 10
    assert len(list(cache.iterdir())) == 3
    read.clear()
    assert list(fingerprint_images(photos, cache=cache)) == list(fingerprint_images(photos))
    assert read == [ref.key for ref in photos]


@pytest.mark.parametrize("ending", [".json", ".parquet", ".thumbs.npy"])
@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:50])])
def test_a_part_that_is_not_whole_does_not_count(photos, cache, read, ending, spoil):
    first = fingerprint_images(photos, cache=cache)
    expected = list(first)
    [file] = [path for path in cache.iterdir() if path.name.endswith(ending)]
    spoil(file)
    read.clear()

    assert list(fingerprint_images(photos, cache=cache)) == expected
    assert len(read) == 10


def test_another_algorithms_parts_do_not_count_and_go_in_time(photos, cache, read, monkeypatch):
    fingerprint_images(photos, cache=cache)
    old = list(cache.iterdir())
    for path in old:
        os.utime(path, (0, 0))
    monkeypatch.setattr(fingerprint_cache, "ALGORITHM", 0)
    read.clear()

    fingerprint_images(photos, cache=cache)
    fingerprint_images(photos, cache=cache)

    assert len(read) == 10
    assert not any(path.exists() for path in old)


def test_a_killed_run_leaves_a_cache_that_is_right(photos, cache):
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from workers.engines import fingerprint_cache
        from workers.engines.fingerprints import ImageRef, fingerprint_chunk
        fingerprint_cache.ROWS_PER_PART = 1
        paths = sorted(Path(sys.argv[1]).glob("*.png"))
        refs = [ImageRef(path.name, path) for path in paths]
        cache = fingerprint_cache.FingerprintCache(Path(sys.argv[2]))
        move, moves = Path.replace, []
        def killed_at_the_eighth(self, target):
            moves.append(target)
            if len(moves) == 8:
                os.kill(os.getpid(), signal.SIGKILL)
            return move(self, target)
        Path.replace = killed_at_the_eighth
        for ref in refs:
            cache.add(fingerprint_cache.stamps_of([ref]), fingerprint_chunk([ref]))
        """
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", program, str(photos[0].path.parent), str(cache)],
        cwd=root, env={**os.environ, "PYTHONPATH": str(root)}, check=False, timeout=120,
    )  # fmt: skip

    table = fingerprint_images(photos, cache=cache)

    assert done.returncode == -signal.SIGKILL
    assert list(table) == list(fingerprint_images(photos))
    assert len(list(cache.glob("*.json"))) == 3
