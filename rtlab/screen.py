"""Where the purchase desk is seen: a page of a notebook."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from rtlab import pictures as look
from rtlab.errors import MissingExtraError
from rtlab.extras import optional
from rtlab.sources.base import ipython


class Screen:
    """The desk on a notebook's page: a canvas of ipympl, or else a picture that is replaced."""

    def __init__(self, desk: Any) -> None:
        self.desk = desk
        self.display = optional("IPython.display", "notebooks").display
        self.widgets = _perhaps(lambda: optional("ipywidgets", "notebooks"))
        self.canvas, self.bar, self.below = None, None, None
        if self.widgets:
            self.button = self.widgets.Button(description="Pause", icon="pause")
            self.button.on_click(lambda _: desk.resume() if desk.paused else desk.pause())
            _let_hear(self.button)
            self.told = self.widgets.HTML()
            self.bar = self.widgets.HBox([self.button, self.told])
            self.below = self.display(self.bar, display_id=True)
        first = desk.compose()
        webagg = _perhaps(lambda: optional("ipympl.backend_nbagg", "notebooks"))
        if self.widgets and webagg:
            self.canvas = _canvas(webagg, first.figure)
            _let_hear(self.canvas)
        with look.house_style():  # ipympl draws what it shows
            self.shown = self.display(self.canvas or first, display_id=True)

    def draw(self) -> None:
        """Show the panels as they are now."""
        if self.canvas is None:
            self.shown.update(self.desk.compose())
            return
        with look.house_style():  # between the two the page must not ask for half a figure
            self.desk.compose(self.canvas.figure)
            self.canvas.draw()

    def tell(self) -> None:
        """Say whether the panels rest, and put the final picture in their place."""
        desk = self.desk
        if desk.picture and not desk.paused:
            self.shown.update(desk.picture)
            self._close()
        elif self.bar is not None:
            self.button.description = "Resume" if desk.paused else "Pause"
            self.button.icon = "play" if desk.paused else "pause"
            self.told.value = self._words() if desk.paused else ""

    def _words(self) -> str:
        desk = self.desk
        if desk.picture:
            return "The stream has ended; press Resume to see how."
        return f"The picture rests; the stream goes on: {desk.behind} answers since."

    def _close(self) -> None:
        """Leave no widget behind."""
        if self.bar is not None and self.below is not None:
            html = optional("IPython.display", "notebooks").HTML
            self.below.update(html("<small>The stream has ended.</small>"))
            _discard(self.bar)
        if self.canvas is not None:
            _discard(self.canvas)
        self.bar = self.canvas = None


def in_notebook() -> bool:
    """Tell whether a kernel runs this, so that there is a page to show something on."""
    return getattr(ipython(), "kernel", None) is not None


def _perhaps(find: Callable[[], Any]) -> Any:
    with suppress(MissingExtraError):
        return find()
    return None


def _let_hear(widget: Any) -> None:
    """Let a page be heard while a cell runs, where kernel and page can do that (subshells).

    ipykernel would send what the page says to the loop that last spoke: a cell's.
    """
    if hasattr(widget.comm, "_reply_subshell_for"):
        widget.comm._reply_subshell_for = lambda _, subshell: subshell  # noqa: SLF001


def _canvas(webagg: Any, figure: Any) -> Any:
    """Give a canvas whose answers to the page never meet the desk's thread in the figure."""

    class Canvas(webagg.Canvas):  # type: ignore[misc]
        def draw(self) -> None:
            with look.house_style():
                self._force_full = True  # a page that was slow to come has missed the others
                super().draw()

        def _handle_message(self, *message: Any) -> None:
            with look.house_style():
                super()._handle_message(*message)

    figure.set_dpi(100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # how it calls traitlets
        canvas = Canvas(figure)
        webagg.FigureManager(canvas, 0)
    canvas.syncing_data_url = False  # send PNGs at once: a busy kernel does not hear the page
    canvas.header_visible = canvas.footer_visible = canvas.resizable = False
    return canvas


def _discard(widget: Any) -> None:
    """Close a widget, those inside it, and what belongs to their looks."""
    parts = [
        getattr(widget, name) for name in ("layout", "style", "toolbar") if name in widget.keys
    ]
    for part in (*getattr(widget, "children", ()), *filter(None, parts)):
        _discard(part)
    widget.close()
