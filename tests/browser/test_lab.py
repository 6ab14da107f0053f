"""The lessons' live parts, in a real browser: headless Chromium drives JupyterLab.

Everything is started here, on a free port of this machine alone, in a temporary folder. Pictures
of what was seen are left in build/browser/.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEEN = ROOT / "build" / "browser"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SETTINGS = {  # nothing but the lesson on the page, and all of it
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True,
    },
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}  # fmt: skip

# What the page shows of a cell: the pixels of its canvas, or the picture in its place.
PIXELS = """cell => {
    const canvas = cell.querySelector('canvas');
    const image = cell.querySelector('img[alt^="Purchase desk"]');
    return image ? image.src : canvas ? canvas.toDataURL() : '';
}"""
READY = """() => {
    const lesson = window.jupyterapp?.shell.currentWidget;
    return lesson?.sessionContext?.session?.kernel?.status === 'idle';
}"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def browser():
    """Start the browser of this machine; Playwright's own is never fetched."""
    sync_api = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.fail("no browser: run .ci/browser, or install Chromium or Chrome")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield running
        running.close()


@contextlib.contextmanager
def lab(folder, **environment):
    """Run JupyterLab on a copy of the lessons, and give the address of a lesson."""
    copy, home = folder / "lessons", folder / "home"
    subprocess.run([sys.executable, "-m", "rtlab.cli", "lessons", copy], check=True)
    for name, setting in SETTINGS.items():
        path = home / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(setting))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    own = {
        "HOME": home, "IPYTHONDIR": home / "ipython", "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data", "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings", "MPLCONFIGDIR": home / "matplotlib",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
    }  # fmt: skip
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
        "--expose-app-in-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={copy}",
    ]  # fmt: skip
    own = {name: str(value) for name, value in own.items()}
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=os.environ | own | environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/api?token={token}", server, folder / "server.log")
            yield lambda lesson: f"http://127.0.0.1:{port}/lab/tree/{lesson}?token={token}&reset"
        finally:
            server.terminate()  # it ends its kernels
            server.wait(30)


def wait_for(address, server, log):
    """Wait until the server answers."""
    for _ in range(240):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address, timeout=5).close()  # noqa: S310
            return
        if server.poll() is not None:
            break
        time.sleep(0.25)
    pytest.fail(f"JupyterLab did not start: {log.read_text()[-2000:]}")


@contextlib.contextmanager
def opened(browser, address):
    """Open a lesson in a page of its own, with its kernel ready."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(40_000)
    try:
        page.goto(address)
        page.wait_for_selector(".jp-CodeCell")
        page.wait_for_function(READY)
        command(page, "notebook:clear-all-cell-outputs")  # the lesson is stored executed
        yield page
    except BaseException:
        SEEN.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SEEN / "failed.png")
        raise
    finally:
        page.close()


def command(page, name):
    """Execute a command of JupyterLab, and do not wait for what it sets off."""
    page.evaluate("name => { window.jupyterapp.commands.execute(name); }", name)


def cell_with(page, text):
    """Find the code cell that holds a text, and bring it to view."""
    cell = page.locator(".jp-CodeCell", has=page.locator(".cm-content", has_text=text)).first
    cell.scroll_into_view_if_needed()
    return cell


def shown(cell):
    """Give a hash of what the cell's panels show, or nothing as long as there are none."""
    pixels = cell.evaluate(PIXELS)
    return hashlib.sha256(pixels.encode()).hexdigest() if pixels else None


def until(condition, seconds=60):
    """Ask again and again until something is so, and give it."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)
    return found


def picture_of(page, name, cell):
    """Leave a picture of a cell for those who want to look."""
    SEEN.mkdir(parents=True, exist_ok=True)
    cell.scroll_into_view_if_needed()
    page.screenshot(path=SEEN / f"{name}.png")


@pytest.mark.parametrize("ipympl", [True, False])
def test_the_desk_moves_and_rests(browser, tmp_path, ipympl):
    """The panels change, pause while the stream goes on, move again, and rest on one picture."""
    hidden = {}
    if not ipympl:
        (tmp_path / "ipympl.py").write_text("raise ModuleNotFoundError(name='ipympl')\n")
        hidden["PYTHONPATH"] = os.pathsep.join(
            filter(None, [str(tmp_path), str(ROOT), os.environ.get("PYTHONPATH")])
        )
    kind = "canvas" if ipympl else "pictures"
    with (
        lab(tmp_path, **hidden) as address,
        opened(browser, address("08_purchase_desk.ipynb")) as page,
    ):
        command(page, "notebook:run-all-cells")
        cell = cell_with(page, "desk = rt.desk(trend")
        button = cell.locator("button", has_text="Pause")
        button.wait_for()
        frames = set()
        until(lambda: frames.add(shown(cell)) or len(frames - {None}) >= 4)
        assert (cell.locator("canvas").count() > 0) == ipympl
        picture_of(page, f"{kind}-1-moving", cell)

        button.click()
        cell.locator("button", has_text="Resume").wait_for()
        told = cell.locator(".widget-html")
        until(lambda: "0 answers" not in told.inner_text() and "answers" in told.inner_text())
        resting, words = shown(cell), told.inner_text()
        until(lambda: told.inner_text() != words)  # the stream goes on,
        assert shown(cell) == resting  # and the panels do not move
        picture_of(page, f"{kind}-2-paused", cell)

        cell.locator("button", has_text="Resume").click()
        until(lambda: shown(cell) != resting)
        cell.get_by_text("The stream has ended.").wait_for()
        final = cell.locator('img[alt^="Purchase desk, 3 panels. Revenue from 2024-03-31 23:00"]')
        final.wait_for()
        assert cell.locator("canvas").count() == 0
        assert cell.locator("figcaption").inner_text().startswith("In words: Revenue from")
        rest = shown(cell)
        picture_of(page, f"{kind}-3-final", cell)

        waited = cell_with(page, "desk.wait()").locator('img[alt^="Purchase desk"]')
        waited.wait_for()
        assert waited.get_attribute("alt") == final.get_attribute("alt")
        own = cell_with(page, "own = rt.desk(log")
        own.get_by_text("The stream has ended.").wait_for()
        own.locator(
            'img[alt^="Purchase desk, 3 panels. Revenue from 2024-03-12 05:00"]'
        ).wait_for()
        picture_of(page, f"{kind}-4-own", own)
        assert shown(cell) == rest
        assert page.locator(".jp-OutputArea-output[data-mime-type$='.error']").count() == 0
