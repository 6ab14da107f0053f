"""The watermark of lesson 03, stepped through in a real browser."""

import pytest
from test_lab import browser, cell_with, command, lab, opened, picture_of, until  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


def test_the_watermark_is_stepped_through(browser, tmp_path):  # noqa: F811  (a fixture)
    """Play moves from step to step, and pauses; a key on the slider goes one step on."""
    with lab(tmp_path) as address, opened(browser, address("03_windows.ipynb")) as page:
        command(page, "notebook:run-all-cells")
        cell = cell_with(page, "rt.step_through(")
        picture = cell.locator('img[alt^="Staircase of the watermark. After 1 of 48"]')
        picture.wait_for()
        picture_of(page, "steps-1-first", cell)

        def step():
            said = cell.locator("img").get_attribute("alt")
            return int(said.split("After ")[1].split()[0])

        cell.locator(".widget-play button").first.click()
        seen = set()
        until(lambda: seen.add(step()) or len(seen) >= 4)
        cell.locator(".widget-play button").first.click()
        until(lambda: cell.locator(".widget-readout").inner_text() == str(step()))
        picture_of(page, "steps-2-paused", cell)
        paused = step()
        assert max(seen) <= paused < 48

        slider = cell.locator(".noUi-handle, input[type=range]").first
        slider.press("ArrowRight")
        until(lambda: step() == paused + 1)
        slider.press("End")
        until(lambda: step() == 48)
        picture_of(page, "steps-3-last", cell)
        assert "2 late" in cell.locator("figcaption").inner_text()
