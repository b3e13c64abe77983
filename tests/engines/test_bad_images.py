"""Whatever a file holds, a run ends well and the file is ``ok`` or has a problem with a name."""

from __future__ import annotations

import os
import random
import signal
import struct
import subprocess
import sys
import textwrap
import time
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from workers.engines.decoding import ImageRef, ImageStatus
from workers.engines.fingerprints import fingerprint_image, fingerprint_images

FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "GIF": "gif", "TIFF": "tif"}


@pytest.fixture
def write(tmp_path):
    def write_as(name: str, content: bytes) -> ImageRef:
        (tmp_path / name).write_bytes(content)
        return ImageRef(name, tmp_path / name)

    return write_as


def encoded(image: Image.Image, image_format: str, **options) -> bytes:
    stream = BytesIO()
    image.save(stream, image_format, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    content = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", content) + png_chunk(b"IDAT", bytes(50))


def png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", "empty"),
        (b"<html>404</html>", "not_an_image"),
        (bytes(5000), "not_an_image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_format"),
        (b"\x00\x00\x00\x1cftypavif" + bytes(100), "unsupported_format"),
        (b"8BPS" + bytes(100), "unsupported_format"),
        (b"P6\n2 2\n255\n" + bytes(12), "unsupported_format"),
        (b"\xff\xd8\xff\xe0", "truncated"),
        (png_header(20_000, 20_000), "too_large"),
        (png_header(9_800, 9_800), "too_large"),
    ],
)
def test_a_file_that_is_no_usable_image_is_named_for_what_it_is(write, content, status):
    ref = write("file.jpg", content)

    assert fingerprint_image(ref).status == status
    assert fingerprint_images([ref]).row(0) == fingerprint_image(ref)


def test_what_cannot_be_opened_is_named_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere")
    paths = [tmp_path / f"{name}.jpg" for name in ("pipe", "folder", "loop", "dangling", "absent")]
    paths += [Path("/dev/zero"), tmp_path / ("x" * 300), tmp_path / "nul\0.jpg"]

    table = fingerprint_images([ImageRef(str(i), path) for i, path in enumerate(paths)])

    assert table.statuses == ["unreadable"] * 3 + ["missing"] * 2 + ["unreadable"] * 1 + ["unreadable"] * 2
    assert all(row.file_md5 is None for row in table)


def test_a_file_without_permission_is_named(draw, save):
    ref = save("secret.png", draw(1))
    ref.path.chmod(0)
    if os.access(ref.path, os.R_OK):
        pytest.skip("this user may read everything")

    assert fingerprint_images([ref]).statuses == ["unreadable"]


@pytest.mark.parametrize("image_format", FORMATS)
def test_a_truncated_file_is_found_by_decoding_it(draw, write, image_format):
    whole = encoded(draw(1, (200, 150)), image_format)
    cuts = [write(f"{i}.{FORMATS[image_format]}", whole[: len(whole) * i // 16]) for i in range(1, 16)]

    table = fingerprint_images(cuts)

    assert ImageStatus.OK not in table.statuses
    assert table.statuses.count(ImageStatus.TRUNCATED) >= 12
    assert list(table) == [fingerprint_image(ref) for ref in cuts]


@pytest.mark.parametrize("image_format", FORMATS)
def test_damaged_bytes_never_end_a_run_and_both_ways_agree_on_them(draw, write, image_format):
    whole = encoded(draw(1), image_format)
    dice = random.Random(image_format)
    refs = []
    for i in range(60):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 20)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        refs.append(write(f"{i}.jpg", bytes(damaged)))

    table = fingerprint_images(refs)

    assert list(table) == [fingerprint_image(ref) for ref in refs]


def test_the_ending_of_the_name_does_not_matter(draw, write):
    assert fingerprint_image(write("photo.jpg", encoded(draw(1), "PNG"))).status == "ok"


def test_a_broken_file_still_has_a_digest(draw, write):
    ref = write("cut.jpg", encoded(draw(1), "JPEG")[:-200])

    assert fingerprint_images([ref]).row(0).file_md5
    assert fingerprint_images([ref]).problems()[0].key == "cut.jpg"


def run_python(tmp_path, code: str, **environment) -> subprocess.Popen:
    """A program of its own: what it does to its decoders must not reach this process."""
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(code))
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(tmp_path), str(root)])
    return subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
    )


CRASHING_DECODER = """
import os, signal
from PIL import Image, ImageFile

load = ImageFile.ImageFile.load

def crash_on_red(self):
    pixels = load(self)
    first = self.im.getpixel((0, 0))
    if first == (255, 0, 0):
        os.kill(os.getpid(), signal.SIGSEGV)
    while first == (0, 0, 255):
        pass
    return pixels

ImageFile.ImageFile.load = crash_on_red
"""

FINGERPRINT_ALL = """
from pathlib import Path
from workers.engines import children
from workers.engines.fingerprints import ImageRef, fingerprint_images

if __name__ == "__main__":
    refs = [ImageRef(path.name, path) for path in sorted(Path(FOLDER).iterdir())]
    for row in fingerprint_images(refs, processes=2):
        print(row.key, row.status.value)
"""


@pytest.fixture
def crashing(tmp_path):
    """A program that fingerprints a folder with a decoder that dies on red pictures, and never ends on
    blue ones."""
    (tmp_path / "sitecustomize.py").write_text(CRASHING_DECODER)
    folder = tmp_path / "images"
    folder.mkdir()

    def run() -> dict[str, str]:
        program = run_python(tmp_path, FINGERPRINT_ALL.replace("FOLDER", repr(str(folder))))
        output, _ = program.communicate(timeout=60)
        assert program.returncode == 0
        return dict(line.split() for line in output.splitlines())

    return folder, run


def test_a_crashing_decoder_costs_only_the_guilty_images(crashing):
    folder, run = crashing
    for i in range(300):
        Image.new("RGB", (8, 8), "red" if i in (5, 6, 250) else "green").save(folder / f"{i:03}.png")

    statuses = run()

    assert len(statuses) == 300
    assert {key for key, status in statuses.items() if status == "decoder_crashed"} == {
        "005.png",
        "006.png",
        "250.png",
    }
    assert set(statuses.values()) == {"ok", "decoder_crashed"}


def test_a_decoder_that_never_ends_is_stopped(crashing, tmp_path):
    folder, run = crashing
    with (tmp_path / "sitecustomize.py").open("a") as extra:
        extra.write("\nimport workers.engines.children as children\nchildren.CPU_SECONDS_PER_IMAGE = 0.5\n")
    for name, colour in (("good.png", "green"), ("hangs.png", "blue")):
        Image.new("RGB", (8, 8), colour).save(folder / name)

    assert run() == {"good.png": "ok", "hangs.png": "decoder_crashed"}


def test_running_out_of_memory_is_a_problem_of_the_image(tmp_path):
    (tmp_path / "huge.png").write_bytes(encoded(Image.new("RGBA", (9000, 9000)), "PNG", compress_level=1))
    program = run_python(
        tmp_path,
        """
        import resource
        from pathlib import Path
        from workers.engines.fingerprints import ImageRef, fingerprint_image

        in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (in_use + 200_000_000,) * 2)
        print(fingerprint_image(ImageRef("huge", Path(__file__).parent / "huge.png")).status.value)
        """,
    )

    assert program.communicate(timeout=60)[0] == "too_large\n"


def test_children_do_not_outlive_a_killed_parent(tmp_path, draw, save):
    ref = save("a.png", draw(1))
    program = run_python(
        tmp_path,
        """
        import multiprocessing, time
        from pathlib import Path
        from workers.engines.children import map_in_children
        from workers.engines.fingerprints import ImageRef, fingerprint_chunk

        if __name__ == "__main__":
            refs = [ImageRef("a", Path(IMAGE))] * 500
            for _ in map_in_children(fingerprint_chunk, refs, when_crashed=None, processes=2):
                print(*(child.pid for child in multiprocessing.active_children()), flush=True)
                time.sleep(60)
        """.replace("IMAGE", repr(str(ref.path))),
    )
    children = [int(pid) for pid in program.stdout.readline().split()]
    assert len(children) == 2

    program.send_signal(signal.SIGKILL)
    program.wait()
    program.stdout.close()

    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{pid}").exists() for pid in children)


def test_children_take_no_notice_of_ctrl_c(tmp_path):
    program = run_python(
        tmp_path,
        """
        import os, signal
        from workers.engines.children import map_in_children

        def count_after_ctrl_c(refs):
            os.kill(os.getpid(), signal.SIGINT)
            return len(refs)

        if __name__ == "__main__":
            print(sum(map_in_children(count_after_ctrl_c, [None] * 200, when_crashed=None, processes=2)))
        """,
    )

    assert program.communicate(timeout=60)[0] == "200\n"


def test_the_own_limit_holds_where_pillows_is_switched_off(write, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)

    assert fingerprint_image(write("big.png", png_header(10_001, 10_000))).status == "too_large"


LARGE_JPEGS = {
    "plain": {},
    "progressive": {"progressive": True},
    "restarting": {"restart_marker_rows": 2},
    "turned": {"exif": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"},
}


def told(row):
    return row.status, row.file_md5, row.file_bytes, row.width, row.height


@pytest.mark.parametrize("kind", LARGE_JPEGS)
def test_a_reduced_decode_notices_what_a_full_one_does(draw, write, kind):
    whole = encoded(draw(1, (800, 600)), "JPEG", **LARGE_JPEGS[kind])
    refs = [write(f"cut{i}.jpg", whole[: len(whole) * i // 16]) for i in range(1, 16)]
    dice = random.Random(kind)
    for i in range(40):
        damaged = bytearray(whole)
        for _ in range(dice.randint(1, 20)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        refs.append(write(f"damaged{i}.jpg", bytes(damaged)))

    table = fingerprint_images([write("whole.jpg", whole), *refs])

    assert table.row(0).pixel_md5 is None
    assert ImageStatus.OK not in table.statuses[1:16]
    assert [told(row) for row in table][1:] == [told(fingerprint_image(ref)) for ref in refs]


def test_large_jpegs_of_other_colour_models_are_read(draw, write):
    refs = [
        write("cmyk.jpg", encoded(draw(1, (640, 480)).convert("CMYK"), "JPEG")),
        write("grey.jpg", encoded(draw(1, (640, 480)).convert("L"), "JPEG")),
        write("rgb.jpg", encoded(draw(1, (640, 480)), "JPEG", keep_rgb=True)),
    ]

    for row, plain in zip(fingerprint_images(refs), map(fingerprint_image, refs), strict=True):
        assert told(row) == told(plain)
        assert row.status == "ok"
        assert (row.phash ^ plain.phash).bit_count() <= 4


def test_several_frames_and_sixteen_bits_are_read_in_full(draw, write, tmp_path):
    deep = Image.fromarray(np.asarray(draw(1, (400, 300)).convert("L")).astype(np.uint16) * 199)
    frames = draw(1, (400, 300)), draw(2, (400, 300))
    refs = [
        write("deep.png", encoded(deep, "PNG")),
        write("animated.gif", encoded(frames[0], "GIF", save_all=True, append_images=[frames[1]])),
        write("two.jpg", encoded(frames[0], "MPO", save_all=True, append_images=[frames[1]])),
    ]

    assert list(fingerprint_images(refs)) == [fingerprint_image(ref) for ref in refs]


def test_equal_files_give_equal_fingerprints_whoever_makes_them(draw, write):
    photo = encoded(draw(1, (700, 500)), "JPEG")
    refs = [write(f"{i}.jpg", photo) for i in range(130)]

    tables = [fingerprint_images(refs, processes=processes) for processes in (1, 2)]

    assert tables[0] == tables[1]
    assert len({row.thumbnail + row.chroma for row in tables[0]}) == 1
