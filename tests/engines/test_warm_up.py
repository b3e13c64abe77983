"""What is compiled ahead is all that a leak search needs, and nothing depends on its being kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from app.cli.main import main
from workers.engines import warm_up
from workers.engines.warm_up import WarmUp

ROOT = Path(__file__).parents[2]

SEARCH_AFTER_WARM_UP = """
import sys
from pathlib import Path

from app.domain.leaks import MatchMethod
from workers.engines.decoding import ImageRef
from workers.engines.fingerprint_table import concat_tables, read_fingerprints, write_fingerprints
from workers.engines.fingerprints import fingerprint_chunk
from workers.engines.jit import KERNELS
from workers.engines.leak_run import run_leaks
from workers.engines.verified_search import find_candidates, merge_candidates, verify_pairs
from workers.engines.warm_up import compile_kernels

compile_kernels()
ready = {kernel.__name__: set(kernel.signatures) for kernel in KERNELS}
folder = Path(sys.argv[1])
refs = [ImageRef(path.name, path) for path in sorted(folder.iterdir())]
path = folder / "fingerprints.parquet"
write_fingerprints(path, fingerprint_chunk(refs))
read = read_fingerprints(path)
# From the command line, and in shards: one part of the test side, several of the train side.
run_leaks(refs[::2], refs, list(MatchMethod)[:2] + [MatchMethod.VERIFIED], processes=1)
found = find_candidates(read, concat_tables([read, read]), side=200, smallest_crop=0.5, threads=2)
verify_pairs(read, concat_tables([read, read]), merge_candidates([found], [(0, 1)]), threads=2)
more = {kernel.__name__: set(kernel.signatures) - ready[kernel.__name__] for kernel in KERNELS}
print(sum(map(len, ready.values())), {name: some for name, some in more.items() if some})
"""


def python(script: str, *arguments: str, **environment: str) -> str:
    """What a process of its own prints: in this one other tests have compiled things."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


def test_the_first_leak_search_compiles_nothing(drawn_images, draw, save, tmp_path):
    save("large.jpg", draw(7, (900, 700)))
    save("large_grey.jpg", draw(8, (900, 700)).convert("L"))

    ready, _, missing = python(SEARCH_AFTER_WARM_UP, str(tmp_path)).strip().partition(" ")

    assert int(ready) >= 5
    assert missing == "{}"


def test_without_a_folder_for_machine_code_functions_still_run():
    script = "import numpy as np; from workers.engines.verification import _is_deep; print(_is_deep(np.ones(6)))"

    # The only place left is one that code outside of archives never has.
    assert python(script, NUMBA_CACHE_LOCATOR_CLASSES="ZipCacheLocator") == "False\n"


def test_the_command_says_what_it_did_and_that_nothing_could_be_kept(monkeypatch, capsys):
    monkeypatch.setattr(warm_up, "compile_kernels", lambda: WarmUp(33, 0, frozenset({"/some/folder"})))
    assert main(["compile-kernels"]) == 0
    assert capsys.readouterr().out == "33 functions compiled: /some/folder\n"

    monkeypatch.setattr(warm_up, "compile_kernels", lambda: WarmUp(33, 0, frozenset()))
    assert main(["compile-kernels"]) == 0
    assert "NUMBA_CACHE_DIR" in capsys.readouterr().err
