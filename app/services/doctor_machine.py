"""The machine's part of looking over an installation: folders, disks, datasets, weights and GPU."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.adapters.runtime_check import read_runtime
from app.settings import Settings

_LITTLE, _TOO_LITTLE = 5 << 30, 1 << 30
"""Bytes that are free: a warning below the first, a problem below the second."""

_NETWORK = ("nfs", "cifs", "smb", "fuse.sshfs", "ceph", "glusterfs", "9p", "afs")
_CHECKPOINTS = Path("~/.cache/torch/hub/checkpoints")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. ``level`` is ok, warning or problem; ``todo`` says what to do about it."""

    level: str
    check: str
    text: str
    todo: str = ""


def well(check: str, text: str) -> Finding:
    return Finding("ok", check, text)


def warning(check: str, text: str, todo: str) -> Finding:
    return Finding("warning", check, text, todo)


def problem(check: str, text: str, todo: str) -> Finding:
    return Finding("problem", check, text, todo)


def check_folders(settings: Settings) -> Iterator[Finding]:
    """The data folder and what lies in it: there, writable, private, with room, not on a network for SQLite."""
    home = settings.data_dir.resolve()
    if not home.is_dir():
        yield warning("data folder", f"{home} is not there", "Start `winnow serve`: it makes the folder.")
        return
    yield _check_writable("data folder", home)
    if home.stat().st_mode & 0o007:
        yield warning("data folder", f"everybody on this machine can look into {home}", f"Run `chmod 700 {home}`.")
    yield _check_space(home)
    if settings.database_url is None and (kind := _file_system(home)).startswith(_NETWORK):
        todo = "Move it to a local disk, or use PostgreSQL: SQLite loses data on network file systems."
        yield problem("data folder", f"SQLite's file lies on a network file system ({kind})", todo)
    for name in ("pictures", "versions", "uploads"):
        if (home / name).is_dir():
            yield _check_writable(name, home / name)
    if (home / ".restore").exists():
        yield warning("restore", "one was cut off", "Start `winnow serve`, or restore again: either settles it.")


def _check_writable(name: str, folder: Path) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as probe:
            probe.write(b"x")
            probe.flush()
    except OSError as error:
        todo = f"Give {folder} to the user who runs the server, and look at its disk."
        return problem(name, f"{folder} can't be written: {error.strerror}", todo)
    return well(name, f"{folder} can be written")


def _check_space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"{free / (1 << 30):,.1f} GiB are free on the disk of {folder}"
    if free >= _LITTLE:
        return well("disk", text)
    todo = "Make room: thumbnails in `pictures` can be deleted, they are made again."
    return (problem if free < _TOO_LITTLE else warning)("disk", text, todo)


def _file_system(folder: Path) -> str:
    """The kind of file system below ``folder``, where the system tells; else nothing."""
    try:
        lines = Path("/proc/mounts").read_text(errors="replace").splitlines()
    except OSError:
        return ""
    mounts = [line.split(" ")[1:3] for line in lines if line.count(" ") >= 2]
    above = [(point, kind) for point, kind in mounts if folder.is_relative_to(point)]
    return max(above, key=lambda mount: len(mount[0]), default=("", ""))[1]


def check_roots(settings: Settings, projects: Sequence[Path]) -> Iterator[Finding]:
    """The folders with datasets: those that are offered, and those that projects use."""
    named = dict.fromkeys([*(root.expanduser().resolve() for root in settings.data_roots), *projects])
    broken = [root for root in named if not (root.is_dir() and os.access(root, os.R_OK | os.X_OK))]
    for root in broken:
        todo = "Mount it under this path, readable for the user who runs the server."
        yield problem("datasets", f"{root} can't be read", todo)
    if not named:
        todo = "Set WINNOW_DATA_ROOTS to the folders below which datasets lie."
        yield warning("datasets", "no folder is named, so new projects can be made by `winnow import` only", todo)
    elif not broken:
        yield well("datasets", f"{len(named)} folders can be read")


def check_runtime(settings: Settings) -> Iterator[Finding]:
    """Weights of the network and the device for semantic leaks; the other methods need neither."""
    yield _check_weights(settings)
    runtime = read_runtime()
    if runtime.version is None:
        todo = "Install torch again (`make setup`). Only semantic leaks need it."
        yield problem("torch", f"can't be loaded: {runtime.error}", todo)
    elif runtime.gpus:
        yield well("torch", f"torch {runtime.version} with {', '.join(runtime.gpus)}")
    elif settings.device.startswith("cuda"):
        todo = "Install NVIDIA's driver, or set WINNOW_DEVICE=auto to use the processor."
        yield problem("torch", f"torch {runtime.version} finds no GPU, but WINNOW_DEVICE={settings.device}", todo)
    else:
        yield well("torch", f"torch {runtime.version}, no GPU: semantic leaks are searched on the processor, slowly")


def _check_weights(settings: Settings) -> Finding:
    if settings.weights is not None:
        if settings.weights.is_file() and os.access(settings.weights, os.R_OK):
            return well("weights", f"{settings.weights} is there")
        todo = "Put the file there, or correct WINNOW_WEIGHTS."
        return problem("weights", f"{settings.weights} is no file that can be read", todo)
    kept = sorted(_CHECKPOINTS.expanduser().glob(f"{settings.model}-*.pth"))
    if kept:
        return well("weights", f"{kept[0]} is there")
    todo = "Semantic leaks fetch them at first use; without network, set WINNOW_WEIGHTS (docs/deployment.md)."
    return warning("weights", f"none of {settings.model} on this machine", todo)
