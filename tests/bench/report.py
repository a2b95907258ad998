# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tables of medians with quartiles, ratios to sysct's, and goals; as text, Markdown or JSON."""

import json
import statistics


def quartiles(values):
    if len(values) < 2:
        return values[0], values[0]
    cuts = statistics.quantiles(values, n=4, method="inclusive")
    return cuts[0], cuts[2]


def short(x):
    """Three digits that count."""
    if x is None:
        return "-"
    if abs(x) >= 100:
        return f"{x:.0f}"
    return f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}"


class Row:
    """One measure. values: the samples of each subject. goal: its text and a function of the medians, true when it is reached."""

    def __init__(self, name, unit, goal="", reached=None, less_is_better=True):
        self.name, self.unit, self.goal, self.reached = name, unit, goal, reached
        self.less_is_better = less_is_better
        self.values = {}

    def add(self, key, value):
        if value is not None:
            self.values.setdefault(key, []).append(value)

    def median(self, key):
        return statistics.median(self.values[key]) if self.values.get(key) else None

    def medians(self):
        return {key: self.median(key) for key in self.values}

    def verdict(self):
        """True, False, or None where there is no goal or nothing to compare with."""
        if not self.reached:
            return None
        try:
            reached = self.reached(self.medians())
            return None if reached is None else bool(reached)
        except (KeyError, TypeError, ZeroDivisionError):
            return None

    def cell(self, key):
        if not self.values.get(key):
            return "-"
        low, high = quartiles(self.values[key])
        text = short(self.median(key))
        return text if len(self.values[key]) == 1 else f"{text} ({short(low)}..{short(high)})"

    def ratio(self, key):
        mine, other = self.median("sysct"), self.median(key)
        return f"{mine / other:.2f}" if mine is not None and other else "-"


class Table:
    """subjects: (key, title) of each column."""

    def __init__(self, title, subjects, note="", ratios=True):
        self.title, self.subjects, self.note, self.ratios = title, subjects, note, ratios
        self.rows = []

    def row(self, *args, **more):
        self.rows.append(Row(*args, **more))
        return self.rows[-1]

    def columns(self):
        return [(key, title) for key, title in self.subjects if any(row.values.get(key) for row in self.rows)]

    def grid(self):
        columns = self.columns()
        others = [(key, title) for key, title in columns if key != "sysct"] if self.ratios else []
        goals = any(row.goal for row in self.rows)
        grid = [["", *(title for _, title in columns), *(f"sysct / {title}" for _, title in others),
                 *(["goal", "reached"] if goals else [])]]
        for row in self.rows:
            if not row.values:
                continue
            verdict = {True: "yes", False: "no", None: "-" if row.goal else ""}[row.verdict()]
            grid.append([f"{row.name}, {row.unit}", *(row.cell(key) for key, _ in columns),
                         *(row.ratio(key) for key, _ in others), *([row.goal, verdict] if goals else [])])
        return grid

    def text(self):
        grid = self.grid()
        widths = [max(len(line[i]) for line in grid) for i in range(len(grid[0]))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in grid]
        return "\n".join([self.title.upper(), *lines, *([self.note] if self.note else [])]) + "\n"

    def markdown(self):
        grid = self.grid()
        lines = ["| " + " | ".join(line) + " |" for line in grid]
        lines.insert(1, "| " + " | ".join(["---"] * len(grid[0])) + " |")
        return "\n".join([f"**{self.title}**" + (f" {self.note}" if self.note else ""), "", *lines]) + "\n"

    def data(self):
        rows = []
        for row in self.rows:
            figures = {}
            for key, values in row.values.items():
                low, high = quartiles(values)
                figures[key] = {"median": row.median(key), "quartiles": [low, high], "samples": values}
            rows.append({"measure": row.name, "unit": row.unit, "goal": row.goal or None, "reached": row.verdict(),
                         "figures": figures})
        return {"title": self.title, "note": self.note or None, "rows": rows}


def render(tables, facts, form):
    tables = [table for table in tables if any(row.values for row in table.rows)]
    if form == "json":
        return json.dumps({"host": facts, "tables": [table.data() for table in tables]}, indent=2) + "\n"
    head = ", ".join(f"{key} {value}" for key, value in facts.items())
    if form == "markdown":
        return "\n".join([f"{head}. Medians, with the quartiles in brackets.", "",
                          *(table.markdown() for table in tables)])
    return "\n".join([head, "medians (quartiles)", "", *(table.text() for table in tables)])
