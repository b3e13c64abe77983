"""Make the README's pictures of report, slides and gallery anew, from the demo project as a small team left it.

Run it by ``make screenshots``. The slides are drawn by LibreOffice; where it is missing they are left out, saying so.
It works in a temporary folder and leaves nothing behind but ``docs/images/*.png``.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
from pathlib import Path

from demo_team import export_demo
from make_screenshots import HERE, IMAGES, LEVELS
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

SLIDES = {"slides-issues": 4, "slides-leaks": 5, "slides-examples": 8}
"""Numbers of the slides that are shown, by the name of their picture."""


def keep(data: bytes, name: str, width: int) -> None:
    """Save a picture with few steps of each colour, so that its file stays small."""
    path = IMAGES / f"{name}.png"
    with Image.open(io.BytesIO(data)) as picture:
        small = picture.convert("RGB")
        small.thumbnail((width, 10_000), Image.Resampling.LANCZOS)
    small = small.point([round(value / 255 * LEVELS) * 255 // LEVELS for value in range(256)] * 3)
    small.save(path, optimize=True)
    print(f"{path.relative_to(HERE.parent)}: {path.stat().st_size // 1000} kB")


def take_pages(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 1040}, color_scheme="light")
    page.goto(files["demo_cleaning_report.html"].as_uri())
    keep(page.screenshot(), "report", 1280)
    page = browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="dark")
    page.goto(files["demo_review.html"].as_uri())
    page.get_by_role("button", name="relabelled").click()
    keep(page.screenshot(), "gallery", 1280)


def take_slides(deck: Path, folder: Path) -> None:
    office, drawer = shutil.which("soffice"), shutil.which("pdftoppm")
    if office is None or drawer is None:
        print("no pictures of the slides: they need LibreOffice (soffice) and pdftoppm")
        return
    command = [office, "--headless", f"-env:UserInstallation={(folder / 'office').as_uri()}", "--convert-to", "pdf"]
    subprocess.run([*command, "--outdir", folder, deck], check=True, capture_output=True)  # noqa: S603 - our own
    for name, number in SLIDES.items():
        page = ["-f", str(number), "-l", str(number), "-singlefile", "-r", "96", "-png"]
        subprocess.run([drawer, *page, folder / f"{deck.stem}.pdf", folder / name], check=True)  # noqa: S603 - our own
        keep((folder / f"{name}.png").read_bytes(), name, 960)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="winnow-report-") as name, sync_playwright() as playwright:
        folder = Path(name)
        files = {path.name: path for path in export_demo(folder)}
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        try:
            take_pages(browser, files)
        finally:
            browser.close()
        take_slides(files["demo_slides.pptx"], folder)


if __name__ == "__main__":
    main()
