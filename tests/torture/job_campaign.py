"""Jobs under torture: workers killed at random moments, bells lost, a hundred starts at once, cancelled runs."""

from __future__ import annotations

import random
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fixtures.datasets import draw
from tests.fixtures.served import Person
from tests.torture.campaign import ACCEPT
from tests.torture.stand import Stand

STARTS = 100
SAME = ("removal_list.txt", "relabel_map.json", "reviews.jsonl", "leaks_report.csv", "final_cleaning_manifest.csv")
"""Files that say nothing of their version's number or time, by how their names end."""


@dataclass(frozen=True)
class JobPlan:
    backend: str
    images: int
    kills: int
    cancels: int
    seed: int
    methods: tuple[str, ...] = ("exact", "perceptual", "verified")


def draw_images(root: Path, count: int) -> None:
    """Pictures to train and a third as many to test, of which some are copies and some encoded anew."""
    for split in ("train", "test"):
        (root / split / "a").mkdir(parents=True)
    for number in range(count):
        source = root / "train" / "a" / f"{number:05}.png"
        draw(number).save(source)
        target = root / "test" / "a" / source.name
        if number % 9 == 0:
            shutil.copy(source, target)
        elif number % 9 == 3:
            draw(number).save(target.with_suffix(".jpg"), quality=70)
        elif number % 9 == 6:
            draw(count + number).save(target)


def torture_jobs(plan: JobPlan, folder: Path) -> dict[str, Any]:
    """Run a plan in an empty folder; return figures, with every broken rule under ``broken``."""
    draw_images(folder / "images", plan.images)
    stand = Stand(plan.backend, folder, [folder / "images"], WINNOW_SHARD_SIZE="64", WINNOW_PROCESSES="1")
    try:
        stand.served.add_user("lena", "--admin")
        stand.start()
        lead = Person(stand.served, "lena", "")
        lead.make_project("Torture", folder / "images")
        stand.served.add_user("lea", "--project", "torture", "--role", "lead")
        whole = report(lead, finished(lead, start_run(lead, plan)))
        # Later runs find the pictures' fingerprints: the first would tell moments at which those have long ended.
        begun = time.monotonic()
        finished(lead, start_run(lead, plan))
        seconds = time.monotonic() - begun
        jobs = Jobs(stand, lead, plan, whole, seconds)
        jobs.start_at_once()
        jobs.kill_often(plan.kills)
        jobs.cancel_often(plan.cancels)
        if plan.kills:
            jobs.kill_exports(2)
        lead.close()
        return {
            "backend": plan.backend, "seed": plan.seed, "images": plan.images,
            "lines of the undisturbed report": len(whole.splitlines()), "seconds undisturbed": round(seconds, 1),
            **jobs.figures, "broken": jobs.broken,
        }  # fmt: skip
    finally:
        stand.stop()


def start_run(lead: Person, plan: JobPlan) -> dict[str, Any]:
    return lead.post("/leaks/runs", {"methods": list(plan.methods)}, 202)


def finished(lead: Person, run: dict[str, Any]) -> dict[str, Any]:
    job = lead.wait_for_job(run["job_id"], 600)
    assert job["state"] == "done", job
    return run


def report(lead: Person, run: dict[str, Any]) -> str:
    answer = lead.http.get(f"/api/v1/projects/torture/leaks/runs/{run['id']}/report.csv")
    assert answer.status_code == 200, answer.text
    return answer.text


def job_of(lead: Person, job_id: int) -> dict[str, Any]:
    return lead.http.get(f"/api/v1/jobs/{job_id}").json()


class Jobs:
    """The phases of a run, on one stand. ``seconds`` is how long an undisturbed run takes."""

    def __init__(self, stand: Stand, lead: Person, plan: JobPlan, whole: str, seconds: float) -> None:
        self._stand, self._lead, self._plan, self._whole, self._seconds = stand, lead, plan, whole, seconds
        self._rng = random.Random(plan.seed)
        self.figures: dict[str, Any] = {}
        self.broken: list[str] = []

    def start_at_once(self) -> None:
        """A hundred starts by two leads are one job; it gets done though its bell is lost with Redis."""
        self._stand.stop_worker()
        people = [self._lead, Person(self._stand.served, "lea", "torture")]
        with ThreadPoolExecutor(20) as pool:
            started = list(pool.map(lambda number: start_run(people[number % 2], self._plan), range(STARTS)))
        people[1].close()
        jobs = {run["job_id"] for run in started}
        self.figures |= {"starts at once": STARTS, "jobs of them": len(jobs)}
        if len(jobs) != 1:
            self.broken.append(f"{STARTS} starts made the jobs {sorted(jobs)}")
        if self._stand.redis:
            self._stand.fault("redis")
        self._stand.revive_worker()
        self._compare(finished(self._lead, started[0]), "the run that was started at once")

    def kill_often(self, kills: int) -> None:
        """Kill the worker at random moments of leak runs, twice a run: three deaths over one part would end it."""
        waits: list[float] = []
        while len(waits) < kills:
            run = start_run(self._lead, self._plan)
            for _ in range(min(2, kills - len(waits))):
                time.sleep(self._rng.uniform(0, self._seconds))
                if job_of(self._lead, run["job_id"])["finished_at"]:
                    break
                self._stand.fault("worker")
                waits.append(self._until_it_moves(run["job_id"]))
            self._compare(finished(self._lead, run), f"a run whose worker was killed, {len(waits)} kills in all")
        self.figures |= {"leak workers killed": len(waits), "seconds to resume": spread(waits)}

    def _until_it_moves(self, job_id: int) -> float:
        begun = time.monotonic()
        before = position(job_of(self._lead, job_id))
        while position(job_of(self._lead, job_id)) == before:
            if time.monotonic() - begun > 300:
                raise AssertionError(f"job {job_id} stands still at {before}")
            time.sleep(0.2)
        return time.monotonic() - begun

    def cancel_often(self, cancels: int) -> None:
        waits: list[float] = []
        tries = 0
        while len(waits) < cancels and tries < 5 * cancels:
            tries += 1
            run = start_run(self._lead, self._plan)
            time.sleep(self._rng.uniform(0, self._seconds * 0.8))
            begun = time.monotonic()
            answer = self._lead.http.post(f"/api/v1/jobs/{run['job_id']}/cancel")
            job = self._lead.wait_for_job(run["job_id"])
            if answer.status_code == 200 and job["state"] == "cancelled":
                waits.append(time.monotonic() - begun)
        self.figures |= {"runs cancelled": len(waits), "seconds to stop": spread(waits)}

    def kill_exports(self, kills: int) -> None:
        """Kill the worker while it writes a version; its lists are those of a version that was left alone."""
        made = self._lead.post("/versions", {"accept": list(ACCEPT)}, 202)
        for _ in range(kills):
            time.sleep(self._rng.uniform(0, 2))
            if not job_of(self._lead, made["job"]["id"])["finished_at"]:
                self._stand.fault("worker")
                self.figures["export workers killed"] = self.figures.get("export workers killed", 0) + 1
        job = self._lead.wait_for_job(made["job"]["id"], 600)
        if job["state"] != "done":
            self.broken.append(f"the export ended as {job['state']}: {job['error']}")
            return
        disturbed, alone = self._lists(made["number"]), lists_of(self._lead.freeze(*ACCEPT))
        self.figures["lists compared"] = len(alone)
        self.broken += [f"{name} differs" for name in alone if disturbed.get(name) != alone[name]]

    def _lists(self, number: int) -> dict[str, bytes]:
        found = {}
        version = self._lead.get(f"/versions/{number}")
        for file in version["files"]:
            if file["name"].endswith(SAME):
                answer = self._lead.http.get(f"/api/v1/projects/torture/versions/{number}/files/{file['name']}")
                assert answer.status_code == 200, answer.text
                found[file["name"]] = answer.content
        return found

    def _compare(self, run: dict[str, Any], what: str) -> None:
        if report(self._lead, run) != self._whole:
            self.broken.append(f"{what}: its report is not that of an undisturbed run")


def position(job: dict[str, Any]) -> tuple[Any, ...]:
    return job["state"], job["stage"], job["done"]


def lists_of(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name.endswith(SAME)}


def spread(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and largest, in seconds."""
    if not values:
        return {}
    ordered = sorted(values)
    place = min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))
    return {
        "median": round(ordered[len(ordered) // 2], 1), "p95": round(ordered[place], 1), "max": round(ordered[-1], 1),
    }  # fmt: skip
