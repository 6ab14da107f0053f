"""An analysis in words, figures and tables: what the shopkeeper reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd

from rtlab import charts, findings, stems, tallies
from rtlab.account import Account
from rtlab.analysis import PAUSE, UNITS, Analysis
from rtlab.behaviour import rfm
from rtlab.pictures import is_money, say, with_unit
from rtlab.report import Report, Section
from rtlab.watched import Watched

LIFT = 1.1  # a pair bought together no more often than this is no finding

SEGMENTS = {
    "champions": "Champions, {:,}: bought recently, often and for much.",
    "loyal": "Loyal, {:,}: buy often.",
    "recent": "Recent, {:,}: bought recently, but rarely.",
    "lapsed": "Lapsed, {:,}: bought several times, but not lately.",
    "lost": "Lost, {:,}: bought rarely, and not lately.",
    "others": "Others, {:,}: in between.",
}


WINDOWS = {
    "10min": ("ten minutes", "stretches of ten minutes"),
    "1h": ("hour", "hours"),
    "1D": ("day", "days"),
}
"""How one window is called, and several."""


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
        self.periods = UNITS[found.plan.every]
        self.hourly = found.plan.every != "1D"
        self.window, self.windows = WINDOWS[found.plan.every]
        self.names = dict(zip(self.periods[::-1], ("week", "day"), strict=False))

    def report(self) -> Report:
        found, series = self.found, self.series
        first, last = series.index[0], series.index[-1]
        zone = found.plan.zone
        subtitle = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}, on the clock of {zone}"
        if found.stopped:
            subtitle += "; stopped early: this is the part that was seen"
        sections = [
            self._account(), self._revenue(), self._rhythm(), self._change(), self._memory(),
            self._parts(), *self._watched(), self._boards(), self._customers(),
        ]  # fmt: skip
        filled = [one for one in sections if one.words or one.pictures or one.tables]
        return Report(self.labels.title, subtitle, sections=filled)

    def _scaled(self, numbers: Any) -> Any:
        """Give sums and means in the unit of the report: whole cents are divided only once."""
        return findings.as_written(numbers / self.scale if self.scale != 1 else numbers)

    def _say(self, number: Any) -> str:
        return say(number, self.unit)

    def _account(self) -> Section:
        account: Account = self.found.account
        words = [f"{account.sentence()}."]
        if account.rejected:
            reasons = "; ".join(f"{why} {rows:,}" for why, rows in account.rejected.most_common())
            words.append(f"Rejected: {reasons}.")
        if account.returns:
            returned = f", worth {self._money(account.returned)}" if account.returned else ""
            words.append(f"Of the used rows, {account.returns:,} are returns{returned}.")
        if account.late:
            words.append(f"Late: came after its {self.window} was closed.")
        words.append(f"Total {self.found.value}: {self._money(account.total)}.")
        if account.rounded:
            amounts = (
                "1 amount has" if account.rounded == 1 else f"{account.rounded:,} amounts have"
            )
            words.append(f"{amounts} more than 15 digits; the total is rounded there.")
        words += self.found.notes
        return Section(
            "Every row accounted for",
            words,
            [("account", lambda: tallies.plot_account(account))],
            [("account", pd.DataFrame(account.lines(), columns=["what", "rows"]))],
        )

    def _money(self, total: Any) -> str:
        """Write a total with all the digits that are known."""
        account = self.found.account
        exact: Any = account.known(total)
        exact = exact / self.scale if self.scale != 1 else exact
        least = 2 if is_money(self.unit) and not account.rounded else 0
        digits = max(least, -exact.as_tuple().exponent)
        return with_unit(f"{exact:,.{digits}f}", self.unit)

    def _when(self, moment: Any) -> str:
        return f"{moment:%a %Y-%m-%d %H:%M}" if self.hourly else _date(moment)

    def _length(self, lag: int) -> str:
        """Name a number of windows: "a day (24 hours)"."""
        if lag == 1:
            return self.window if " " in self.window else f"one {self.window}"
        return f"one {self.names[lag]}" if lag in self.names else f"{lag} {self.windows}"

    def _revenue(self) -> Section:
        series, average = self.series, self._scaled(self.found.average)
        centred = self._scaled(self.found.centred)
        words = [f"On average, {self._length(1)} brought {self._say(series.mean())}."]
        if empty := int((self.found.windows["lines"] == 0).sum()):
            words.append(f"In {empty:,} of {len(series):,} {self.windows} nothing was sold.")
        if series.max() > series.min():
            top = self._when(series.idxmax())
            words.append(f"The best brought {self._say(series.max())}; it began {top}.")
        first, last = self.periods[0], self.periods[-1]
        if average.max() > average.min():
            words.append(
                f"The average of the last {self.names[first]} was highest, "
                f"{self._say(average.max())}, at {self._when(average.idxmax())}. It was lowest, "
                f"{self._say(average.min())}, at {self._when(average.idxmin())}."
            )
        lines = {
            f"average of the last {self.names[first]}": average,
            f"average of the {self.names[last]} around": centred,
        }
        lines = {name: line for name, line in lines.items() if line.notna().any()}
        tables = [("windows", pd.concat([series, self.found.windows["lines"]], axis=1))]
        if lines:  # each starts where its stretch is full: show them from where all are known
            table = pd.DataFrame(lines).dropna(how="all")
            tables.append(("averages", table.loc[table.notna().all(axis=1).idxmax() :]))
        picture: Any = ("averages", lambda: charts.plot_average(series, lines, unit=self.unit))
        if not lines:
            picture = ("series", lambda: charts.plot_series(series, unit=self.unit))
        return Section(f"{self.found.value.capitalize()} over time", words, [picture], tables)

    def _rhythm(self) -> Section:
        series, words, shown = self.series, [], {}
        pictures: list[Any] = []
        hours, weekdays, days = (
            self._scaled(find(self.found.series))
            for find in (findings.by_hour, findings.by_weekday, findings.days)
        )
        if self.hourly and hours.max() > hours.min():
            words.append(
                f"The best hour of the day begins at {hours.idxmax():02}:00 "
                f"({self._say(hours.max())} on average), the weakest at {hours.idxmin():02}:00 "
                f"({self._say(hours.min())})."
            )
            shown["hours"] = hours
            pictures.append(("week", lambda: tallies.plot_heatmap(series, unit=self.unit)))
        if days.max() > days.min():
            words.append(
                f"The best day was {_date(days.idxmax())} ({self._say(days.max())}), the weakest "
                f"{_date(days.idxmin())} ({self._say(days.min())}). Only complete days count."
            )
        if weekdays.max() > weekdays.min():
            words.append(
                f"The best weekday is {weekdays.idxmax()} ({self._say(weekdays.max())} on "
                f"average), the weakest {weekdays.idxmin()} ({self._say(weekdays.min())})."
            )
            shown |= {"weekdays": weekdays, "days": days}
        tables = [(name, one.rename(self.found.value).to_frame()) for name, one in shown.items()]
        months = findings.whole_months(self.found.months, self.found.series)
        for name in (self.found.value, "a day"):
            months[name] = self._scaled(months[name])
        rate: Any = months["a day"]
        if rate.max() > rate.min():
            ends: Any = rate.idxmax(), rate.idxmin()
            best, least = (f"{at:%B %Y} ({self._say(rate[at])} a day)" for at in ends)
            words.append(f"The best month was {best}, the weakest {least}.")
            tables.append(("months", months.drop(columns="end")))
        return Section("The best and the weakest hours and days", words, pictures, tables)

    def _change(self) -> Section:
        change = self._scaled(self.found.change)
        if not change.max() > change.min():
            return Section("")
        week, share = self.periods[-1], float((change.dropna() > 0).mean())
        same = f"the same one a week before ({week} {self.windows} back). In {share:.0%} of them"
        words = [f"Each {self.window} is compared with {same} it brought more."]
        moves = (("gain", change.max(), change.idxmax()), ("loss", -change.min(), change.idxmin()))
        words += [
            f"The largest {name} was {self._say(size)}, at {self._when(at)}."
            for name, size, at in moves
            if size > 0
        ]
        lines = {"against a week before": change}
        picture = lambda: charts.plot_difference(self.series, lines, unit=self.unit)  # noqa: E731
        return Section("Change from week to week", words, [("change", picture)])

    def _memory(self) -> Section:
        found, words, tables = self.found, [], []
        if found.correlogram is None:
            return Section("")
        values = found.correlogram.values.iloc[1:]  # noqa: PD011  (a field of its own)
        told = ", ".join(
            f"{round(values[lag], 2) + 0:.2f} at {self._length(lag)}".replace("-", "−")
            for lag in (1, *self.periods)
            if lag in values.index
        )
        words.append(
            f"How alike are two {self.windows} some time apart? From 0 (not at all) to 1 (equal): "
            f"{told}. This number is called autocorrelation."
        )
        if found.periods is not None:
            table = found.periods.table
            tables.append(("periods", table.reset_index()))
            told = ", ".join(
                f"{self._length(period)} (explains {share:.0%} of them)"
                for period, share in table["share"].items()
            )
            words.append(f"The ups and downs repeat after {told}."
                         if told else "No pattern repeats itself clearly.")  # fmt: skip
        tables.append(("autocorrelation", found.correlogram.frame()))
        picture = ("autocorrelation", lambda: stems.plot_correlogram(found.correlogram))
        return Section("How long the shop remembers", words, [picture], tables)

    def _parts(self) -> Section:
        parts = self.found.parts
        if parts is None:
            return Section("")
        turns = findings.turns(self._scaled(parts.trend))
        odd = findings.surprises(self._scaled(parts.residual))
        strengths = ", ".join(
            f"{f'pattern of {self._length(part)}' if part in parts.periods else part} {value:.2f}"
            for part, value in parts.strengths.items()
        )
        words = [f"How strong is each part? From 0 (nothing) to 1 (all): {strengths}."]
        told = "; ".join(
            f"{row.kind} on {_date(when)} ({self._say(row.value)})"
            for when, row in zip(turns.index, turns.itertuples(), strict=True)
        )
        often = "once" if len(turns) == 1 else f"{len(turns)} times"
        words.append(
            f"The trend turned {often}: {told}." if told else "The trend has no large turn."
        )
        words.append(
            "Trend and patterns explain these least: "
            + "; ".join(self._surprise(*one) for one in odd.head(5).itertuples())
            + "."
        )
        names = ("observed", "trend", "seasons", "residual")
        scaled = replace(parts, **{name: getattr(parts, name) / self.scale for name in names})
        table = scaled.frame().apply(findings.as_written)
        return Section(
            "Trend, seasons and surprises",
            words,
            [("decomposition", lambda: charts.plot_decomposition(scaled, unit=self.unit))],
            [("turns", turns), ("surprises", odd), ("decomposition", table)],
        )

    def _surprise(self, when: Any, residual: float, score: float) -> str:
        size = f"{self._say(abs(residual))} {'more' if residual > 0 else 'less'} than expected"
        times = f"{abs(score):.2g} times" if abs(score) < 100 else "far more than"
        return f"{self._when(when)}, {size}, {times} the usual deviation"

    def _watched(self) -> list[Section]:
        names = (self.window, self.windows)
        watched = Watched(self.found, self.scale, self.unit, names, self._when)
        return [watched.alarms(), watched.forecast()]

    def _boards(self) -> Section:
        words, pictures, tables = [], [], []
        for title, board in self.found.boards.items():
            by = self.found.plan.boards[title]
            value = next(name for name in ("amount", "quantity") if name in board)
            named = self.labels.names.get(by, {})
            label = [_name(named, key) for key in board[by]]
            shown = board.assign(name=label, **{value: self._scaled(board[value])})
            listed = zip(shown["name"], shown[value], strict=True)
            told = "; ".join(f"{name}: {self._say(size)}" for name, size in listed)
            words.append(f"Top {title}: {told}.")
            how = {"value": value, "label": "name", "unit": self.unit}
            bars: Any = partial(tallies.plot_leaderboard, shown, **how)
            pictures.append((title, bars))
            tables.append((f"top {title}", shown if named else shown.drop(columns="name")))
        return Section("Leaderboards", words, pictures, tables)

    def _customers(self) -> Section:
        found = self.found
        value = "amount" if "amount" in found.customers else "quantity"
        spent = findings.as_written(found.customers[value])
        people = rfm(found.customers.assign(**{value: spent}), value=value)
        segments = people.groupby("segment").agg(
            customers=("segment", "size"), recency=("recency", "mean"),
            active=("active", "mean"), spend=(value, "mean"),
        ).sort_values("customers", ascending=False)  # fmt: skip
        segments["spend"] = self._scaled(segments["spend"])
        people[value] = self._scaled(people[value])
        often = people["active"]
        words = [
            f"Customers: {len(people):,}. {(often > 1).mean():.0%} came back on another day.",
            f"They bought on {often.mean():.1f} days on average.",
            "They are grouped by how recently, how often and for how much they bought.",
            *(SEGMENTS[str(name)].format(n) for name, n in segments["customers"].items()),
        ]
        visits = found.visits[found.visits["user_id"].notna()]
        if len(visits):
            brought = self._scaled(visits[found.value])
            words.append(
                f"Visits: {len(visits):,}. One brought {self._say(brought.mean())} and "
                f"{visits['lines'].mean():.1f} lines on average; half of them brought "
                f"{self._say(brought.median())} or less. A pause of {PAUSE} ends a visit."
            )
        pairs = found.pairs.copy()
        names = self.labels.names.get("product_id", {})
        if len(pairs):
            for side in ("first", "second"):
                pairs[f"{side}_name"] = [_name(names, key) for key in pairs[side]]
            first, closest = pairs.iloc[0], pairs.iloc[int(pairs["lift"].to_numpy().argmax())]
            told = {"Most often bought together": first, "Most closely tied": closest}
            words += [
                f"{name}: {pair.first_name} and {pair.second_name}, in {pair.baskets:,} baskets: "
                f"{pair.lift:.1f} times as often as by chance."
                for name, pair in told.items()
                if pair.lift > LIFT and (pair is first or pair.name != first.name)
            ]
        return Section(
            "How customers behave",
            words,
            [("customers", lambda: tallies.plot_customers(found.activity))],
            [("segments", segments), ("bought together", pairs), ("customers", people)],
        )


def _name(names: Mapping[Any, str], key: Any) -> str:
    return f"{names[key]} ({key})" if key in names else "unknown" if pd.isna(key) else str(key)


def _date(when: Any) -> str:
    return f"{when:%a %Y-%m-%d}"
