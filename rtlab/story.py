"""An analysis in words, figures and tables: what the shopkeeper reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from rtlab import charts, findings, tallies
from rtlab.account import Account
from rtlab.analysis import UNITS, Analysis
from rtlab.behaviour import rfm
from rtlab.pictures import say
from rtlab.report import Report, Section

__all__ = ["Labels", "tell"]


@dataclass(frozen=True)
class Labels:
    """How numbers and keys are written for a person.

    Parameters
    ----------
    title : str
        Of the report.
    unit : str
        Of money: a currency sign, or nothing where it is not known.
    scale : int
        How many of the log's units make one of these: 100 for cents.
    names : mapping
        Column → (key → name), for keys that are mere numbers.
    """

    title: str
    unit: str = ""
    scale: int = 1
    names: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)


def tell(found: Analysis, labels: Labels) -> Report:
    """Make the report of an analysis.

    Parameters
    ----------
    found : Analysis
    labels : Labels

    Returns
    -------
    Report
        Its sections' words are also what the command line prints.
    """
    return _Teller(found, labels).report()


class _Teller:
    def __init__(self, found: Analysis, labels: Labels) -> None:
        self.found, self.labels = found, labels
        self.scale = labels.scale if found.value == "revenue" else 1
        self.unit = labels.unit if found.value == "revenue" else ""
        self.series = self._scaled(found.series)
        day = UNITS[found.plan.every][0]
        self.window = {"10min": "10 minutes", "1h": "hour", "1D": "day"}[found.plan.every]
        self.day, self.hourly = day, found.plan.every != "1D"

    def report(self) -> Report:
        found, series = self.found, self.series
        first, last = series.index[0], series.index[-1]
        zone = found.plan.zone
        subtitle = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}, on the clock of {zone}"
        if found.stopped:
            subtitle += "; stopped early: this is the part that was seen"
        sections = [
            self._account(), self._revenue(), self._rhythm(), self._change(), self._memory(),
            self._parts(), self._boards(), self._customers(),
        ]  # fmt: skip
        filled = [one for one in sections if one.words or one.pictures or one.tables]
        return Report(self.labels.title, subtitle, found.account, filled)

    def _scaled(self, numbers: Any) -> Any:
        return numbers / self.scale if self.scale != 1 else numbers

    def _say(self, number: Any) -> str:
        return say(number, self.unit)

    def _account(self) -> Section:
        account: Account = self.found.account
        words = [f"{account.sentence()}."]
        if account.rejected:
            reasons = "; ".join(f"{why} {rows:,}" for why, rows in account.rejected.most_common())
            words.append(f"Rejected: {reasons}.")
        if account.returns:
            returned = f", {self._money(account.returned)}" if account.returned else ""
            words.append(f"Of the used rows {account.returns:,} are returns{returned}.")
        words.append(f"Total {self.found.value}: {self._money(account.total)}.")
        words += self.found.notes
        return Section(
            "Every row accounted for",
            words,
            [("account", lambda: tallies.plot_account(account))],
            [("account", pd.DataFrame(account.lines(), columns=["what", "rows"]))],
        )

    def _money(self, total: Any) -> str:
        """Write an exact total with all its digits."""
        exact = total / self.scale
        digits = max(2 if self.unit else 0, -exact.normalize().as_tuple().exponent)
        sign = "−" if exact < 0 else ""
        return f"{sign}{self.unit}{abs(exact):,.{digits}f}"

    def _revenue(self) -> Section:
        series, average = self.series, self._scaled(self.found.average)
        centred = self._scaled(self.found.centred)
        words = [
            f"An average {self.window} brought {self._say(series.mean())}; the best, "
            f"{self._say(series.max())}, began {_moment(series.idxmax())}.",
        ]
        if average.notna().any():
            words.append(
                f"The moving average over {self.day} windows was highest at "
                f"{_moment(average.idxmax())} ({self._say(average.max())}) and lowest at "
                f"{_moment(average.idxmin())} ({self._say(average.min())})."
            )
        lines = {f"trailing {self.day}": average, f"centred {UNITS[self.found.plan.every][-1]}": centred}
        lines = {name: line for name, line in lines.items() if line.notna().any()}
        table = pd.concat([series, self.found.windows["lines"], *lines.values()], axis=1)
        table.columns = [self.found.value, "lines", *lines]
        pictures: list[Any] = [
            ("averages", lambda: charts.plot_average(series, lines, unit=self.unit))
        ]
        if not lines:
            pictures = [("series", lambda: charts.plot_series(series, unit=self.unit))]
        return Section(f"{self.found.value.capitalize()} over time", words, pictures, [("windows", table)])

    def _rhythm(self) -> Section:
        series, words, tables, pictures = self.series, [], [], []
        if self.hourly:
            hours = findings.by_hour(series)
            words.append(
                f"The best hour of the day begins at {hours.idxmax():02}:00 ({self._say(hours.max())} "
                f"on average), the weakest at {hours.idxmin():02}:00 ({self._say(hours.min())})."
            )
            tables.append(("hours", hours.rename(self.found.value).to_frame()))
            pictures.append(("week", lambda: tallies.plot_heatmap(series, unit=self.unit)))
        weekdays, days = findings.by_weekday(series), findings.days(series)
        if len(days) > 1:
            words.append(
                f"The best weekday is {weekdays.idxmax()} ({self._say(weekdays.max())} on average), "
                f"the weakest {weekdays.idxmin()} ({self._say(weekdays.min())})."
            )
            words.append(
                f"The best day was {_date(days.idxmax())} ({self._say(days.max())}), the weakest "
                f"{_date(days.idxmin())} ({self._say(days.min())}); complete days only."
            )
            tables += [
                ("weekdays", weekdays.rename(self.found.value).to_frame()),
                ("days", days.rename(self.found.value).to_frame()),
            ]
        return Section("The best and the weakest hours and days", words, pictures, tables)

    def _change(self) -> Section:
        change = self._scaled(self.found.change)
        if not change.notna().any():
            return Section("")
        lag = UNITS[self.found.plan.every][-1]
        share = float((change.dropna() > 0).mean())
        words = [
            f"Against the same {self.window} a week before (lag {lag}), {share:.0%} of the windows "
            f"grew; the largest gain was {self._say(change.max())} at {_moment(change.idxmax())}, "
            f"the largest loss {self._say(change.min())} at {_moment(change.idxmin())}."
        ]
        picture = lambda: charts.plot_difference(self.series, {f"lag {lag}": change}, unit=self.unit)  # noqa: E731
        return Section("Change from week to week", words, [("change", picture)])

    def _memory(self) -> Section:
        found, words, tables = self.found, [], []
        if found.correlogram is None:
            return Section("")
        values = found.correlogram.values.iloc[1:]
        at = {lag: values.get(lag) for lag in (1, *UNITS[found.plan.every]) if lag in values.index}
        told = ", ".join(f"{value:.2f} at lag {lag}" for lag, value in at.items())
        words.append(f"The autocorrelation is {told}.")
        if found.periods is not None:
            table = found.periods.table.reset_index()
            tables.append(("periods", table))
            words.append(f"The strongest periods: {found.periods!r}.")
        tables.append(("autocorrelation", found.correlogram.frame()))
        picture = ("autocorrelation", lambda: charts.plot_correlogram(found.correlogram))
        return Section("How long the shop remembers", words, [picture], tables)

    def _parts(self) -> Section:
        parts = self.found.parts
        if parts is None:
            return Section("")
        turns = findings.turns(self._scaled(parts.trend))
        odd = findings.surprises(self._scaled(parts.residual))
        strengths = "; ".join(f"{name} {value:.2f}" for name, value in _strengths(parts))
        words = [f"Strength, from 0 (nothing) to 1 (all): {strengths}."]
        if len(turns):
            told = "; ".join(
                f"{row.kind} on {_date(when)} ({self._say(row.value)})"
                for when, row in zip(turns.index, turns.itertuples(), strict=True)
            )
            words.append(f"The trend turned {len(turns)} times: {told}.")
        else:
            words.append("The trend has no turn of half its range.")
        told = "; ".join(
            f"{_moment(when)} {self._say(row.residual)} ({row.score:+.0f} deviations)"
            for when, row in zip(odd.index[:5], odd.itertuples(), strict=False)
        ).replace("(-", "(−")
        words.append(f"What trend and seasons explain least: {told}.")
        scaled = _scaled_parts(parts, self.scale)
        return Section(
            "Trend, seasons and surprises",
            words,
            [("decomposition", lambda: charts.plot_decomposition(scaled, unit=self.unit))],
            [("turns", turns), ("surprises", odd), ("decomposition", scaled.frame())],
        )

    def _boards(self) -> Section:
        words, pictures, tables = [], [], []
        for title, board in self.found.boards.items():
            by = self.found.plan.boards[title]
            value = next(name for name in ("amount", "quantity") if name in board)
            named = self.labels.names.get(by, {})
            label = [_name(named, key) for key in board[by]]
            shown = board.assign(name=label, **{value: self._scaled(board[value])})
            best = shown.iloc[0]
            words.append(
                f"Best of {title}: {best['name']} with {self._say(best[value])}, "
                f"{best['share']:.1%} of all; the first {len(shown)} make {shown['share'].sum():.1%}."
            )
            pictures.append((title, _board_picture(shown, value, self.unit)))
            tables.append((f"top {title}", shown if named else shown.drop(columns="name")))
        return Section("Leaderboards", words, pictures, tables)

    def _customers(self) -> Section:
        found = self.found
        value = "amount" if "amount" in found.customers else "quantity"
        people = rfm(found.customers, value=value)
        people[value] = self._scaled(people[value])
        segments = people.groupby("segment").agg(
            customers=("segment", "size"), recency=("recency", "mean"),
            active=("active", "mean"), spend=(value, "mean"),
        ).sort_values("customers", ascending=False)  # fmt: skip
        weekly = found.activity[["new", "returning"]].groupby(pd.Grouper(freq="7D")).sum()
        often = people["active"]
        words = [
            f"{len(people):,} customers were active on {often.mean():.1f} days each on average "
            f"(half of them on {often.median():.0f} or more); {(often > 1).mean():.0%} came back.",
            "By recency, frequency and spend: "
            + ", ".join(f"{row.customers:,} {name}" for name, row in zip(segments.index, segments.itertuples(), strict=True))
            + ".",
        ]  # fmt: skip
        pairs = found.pairs.copy()
        names = self.labels.names.get("product_id", {})
        if len(pairs):
            for side in ("first", "second"):
                pairs[f"{side}_name"] = [_name(names, key) for key in pairs[side]]
            best = pairs.iloc[0]
            words.append(
                f"Most often bought together: {best.first_name} and {best.second_name}, in "
                f"{best.baskets:,} baskets, {best.lift:.1f} times as often as by chance."
            )
        return Section(
            "How customers behave",
            words,
            [("customers", lambda: tallies.plot_customers(weekly))],
            [("segments", segments), ("bought together", pairs), ("customers", people)],
        )


def _board_picture(board: pd.DataFrame, value: str, unit: str) -> Any:
    return lambda: tallies.plot_leaderboard(board, value=value, label="name", unit=unit)


def _name(names: Mapping[Any, str], key: Any) -> str:
    return f"{names[key]} ({key})" if key in names else "unknown" if pd.isna(key) else str(key)


def _strengths(parts: Any) -> list[tuple[str, float]]:
    named = {"trend": "trend"} | {period: f"season of {period}" for period in parts.periods}
    return [(named.get(name, str(name)), value) for name, value in parts.strengths.items()]


def _scaled_parts(parts: Any, scale: int) -> Any:
    """Give a decomposition in other units, where its parts are added."""
    from dataclasses import replace  # noqa: PLC0415

    if scale == 1:
        return parts
    names = ("observed", "trend", "seasons", "residual")
    return replace(parts, **{name: getattr(parts, name) / scale for name in names})


def _moment(when: Any) -> str:
    return f"{when:%a %Y-%m-%d %H:%M}"


def _date(when: Any) -> str:
    return f"{when:%a %Y-%m-%d}"
