"""From the key to the painted face, in a real Chromium, against the limits of issue 4.

``python -m benchmarks.key_to_face --var DIR [--faces 100] [--pace 400]``

``DIR`` is a scratch ``VAR_DIR``: a project of drawn faces on SQLite, one gunicorn, Chromium on the
same machine. A hundred faces are labelled by keyboard, one each ``--pace`` milliseconds; a script
beside the page's own takes the time from the key's own stamp until after the frame that shows the
next face. Then twenty with the network gone. A key that changes one word on an empty page is timed
in the same way: no page can be faster than that, here and now. The browser's own Event Timing (to
the next paint, in steps of 8 ms) is printed beside it.
"""

import argparse
import os
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SLUG, NAME, PASSWORD = "faces", "anna", "a face and seven keys"
WATCH = """
window.figures = { ms: [], events: [] };
let key = null;
addEventListener("keydown", (event) => { key = event.timeStamp; }, { capture: true });
addEventListener("DOMContentLoaded", () => {
  const stage = document.getElementById("stage");
  if (!stage) return;
  new MutationObserver(() => {
    if (!stage.querySelector("img")) return;
    const from = key;
    requestAnimationFrame(() => {
      const after = new MessageChannel();
      after.port1.onmessage = () => {
        const now = performance.now();
        if (from === null) window.figures.first ??= now;
        else window.figures.ms.push(now - from);
      };
      after.port2.postMessage(0);
    });
  }).observe(stage, { childList: true });
});
new PerformanceObserver((list) => {
  for (const one of list.getEntriesByName("keydown")) window.figures.events.push(one.duration);
}).observe({ type: "event", durationThreshold: 16, buffered: true });
"""


def prepare(n: int) -> None:
    """A project with one annotator and as many drawn faces as she will see."""
    import cv2
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage
    from django.core.management import call_command

    from annotation.images.models import Image, Import, Size
    from annotation.jobs.models import Job
    from annotation.labelling.services import open_images
    from annotation.people import services as people
    from annotation.people.models import Role
    from annotation.study.faces import draw

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    curator = people.create_person("carl", PASSWORD)
    project = people.create_project("Faces", curator=curator, target_votes=1)
    people.join(project, people.create_person(NAME, PASSWORD), Role.ANNOTATOR)
    job = Job.objects.create(project=project, kind="import", state="succeeded")
    arrival = Import.objects.create(project=project, source="drawn", job=job)
    ids = []
    for i in range(n):
        face = draw(i, seed=1)
        height, width = face.picture.shape[:2]
        image = Image.objects.create(
            project=project, imported_in=arrival, file_name=f"{i}.jpg", phash=i, mirrored_phash=i,
            digest=secrets.token_hex(32), pixel_digest=secrets.token_hex(32),
            width=width, height=height,
        )  # fmt: skip
        packed = cv2.imencode(".jpg", face.picture[..., ::-1])[1].tobytes()
        default_storage.save(image.stored_as(Size.DISPLAY), ContentFile(packed))
        ids.append(image.pk)
    open_images(project, ids)


WORD = """
addEventListener("keydown", (event) => {
  document.body.textContent = event.key;
  requestAnimationFrame(() => {
    const after = new MessageChannel();
    after.port1.onmessage = () => { (window.ms ??= []).push(performance.now() - event.timeStamp); };
    after.port2.postMessage(0);
  });
});
"""


def serve() -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "annotation.wsgi", "--bind", f"127.0.0.1:{port}",
               "--worker-class", "gthread", "--threads", "8", "--log-level", "warning"]  # fmt: skip
    server = subprocess.Popen(command)
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server, f"http://localhost:{port}"
        time.sleep(0.1)
    raise RuntimeError("the server did not come up within 30 s")


def label(page: Any, n: int, pace_ms: int) -> None:
    painted = "() => document.getElementById('labelling').dataset.painted"
    for i in range(n):
        before = page.evaluate(painted)
        page.keyboard.press(str(i % 7 + 1))
        page.wait_for_timeout(pace_ms)
        page.wait_for_function(f"old => ({painted})() !== old", arg=before)


def floor(page: Any, n: int, pace_ms: int) -> list[float]:
    """The same times for one word on an empty page."""
    page.goto("about:blank")
    page.evaluate(WORD)
    for i in range(n):
        page.keyboard.press(str(i % 7 + 1))
        page.wait_for_timeout(pace_ms)
    return list(page.evaluate("window.ms"))


def measure(base: str, n: int, pace_ms: int) -> list[tuple[str, float, float, str]]:
    """Rows of what, value, limit and unit."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(base_url=base)
        page.goto("/sign-in/")
        page.fill("[name=username]", NAME)
        page.fill("[name=password]", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/p/{SLUG}/")
        page.goto(f"/p/{SLUG}/label/")  # once for the server to be warm, as for everybody else
        page.wait_for_selector("[data-painted]")
        page.add_init_script(WATCH)
        page_bytes: list[int] = []
        page.on(
            "response",
            lambda r: page_bytes.append(len(r.body())) if r.ok and "/images/" not in r.url else 0,
        )
        page.goto(f"/p/{SLUG}/label/")
        page.wait_for_selector("[data-painted]")
        weight = sum(page_bytes) / 1000
        page.wait_for_timeout(1500)
        first = page.evaluate("window.figures.first")
        page_bytes.clear()
        label(page, n, pace_ms)
        page.wait_for_timeout(500)
        ms, events = page.evaluate("[window.figures.ms, window.figures.events]")
        requests = len(page_bytes) / n
        page.context.set_offline(True)
        label(page, 20, pace_ms)
        offline = page.evaluate(f"window.figures.ms.slice({len(ms)})")
        page.context.set_offline(False)
        page.wait_for_selector('#saved[data-waiting="0"]')
        least = floor(browser.new_page(), n, pace_ms)
        browser.close()
    return [
        (f"key to one word on an empty page, median of {len(least)}", at(least, 0.5), 17, "ms"),
        ("key to one word on an empty page, p95", at(least, 0.95), 33, "ms"),
        (f"key to painted face, median of {len(ms)}", statistics.median(ms), 17, "ms"),
        ("key to painted face, p95", at(ms, 0.95), 33, "ms"),
        (f"the same offline, p95 of {len(offline)}", at(offline, 0.95), 33, "ms"),
        (f"Event Timing, p95 of {len(events)} at 16 ms or more", at(events, 0.95), 33, "ms"),
        ("first face after the page was asked for", first, 300, "ms"),
        ("page with everything but faces, unpacked", weight, 100, "kB"),
        ("requests for a vote", requests, 1.0, ""),
    ]


def at(values: list[float], share: float) -> float:
    ranked = sorted(values)
    return ranked[min(int(share * len(ranked)), len(ranked) - 1)] if ranked else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--var", type=Path, required=True)
    parser.add_argument("--faces", type=int, default=100)
    parser.add_argument("--pace", type=int, default=400)
    options = parser.parse_args()
    os.environ["VAR_DIR"] = str(options.var.resolve())
    os.environ.setdefault("SECRET_KEY", secrets.token_urlsafe(50))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotation.settings")
    import django

    django.setup()
    prepare(options.faces + 40)
    server, base = serve()
    try:
        rows = measure(base, options.faces, options.pace)
    finally:
        server.terminate()
        server.wait(timeout=30)
    for what, value, limit, unit in rows:
        verdict = "ok" if value <= limit else "OVER"
        print(f"{what:52} {value:8.1f} {unit:3} (limit {limit:g} {unit}) {verdict}")


if __name__ == "__main__":
    main()
