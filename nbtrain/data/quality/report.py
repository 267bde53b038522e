"""What a check of the data found: findings, their remedies, and the report that holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

Severity = Literal["high", "medium", "low"]
#: At most so many example rows a finding.
EXAMPLES = 20


RemedyKind = Literal["steps", "split", "rows", "options"]
#: Looks a key up in a catalogue and fills in the arguments, as `nbtrain.i18n.text` does.
Say = Callable[..., str]


@dataclass(frozen=True, slots=True)
class Remedy:
    """What cures a finding with one click, as plain JSON.

    Attributes:
        kind: ``"steps"``: add the processing steps `steps` to the recipe; ``"split"``: split again by the spec
            `split`; ``"rows"``: leave `rows` out (`Split.leaving_out`); ``"options"``: train with `options`.
        action: what the button says: the catalogue's ``remedy.<action>``.
        steps: JSON of steps of `nbtrain.data.processing`.
        split: options for `SplitSpec.from_json`.
        rows: numbers of rows.
        options: of a run, as `nbtrain.train` takes them.
        weights: of each class, by its label as text, for a loss of one's own; they average 1 over the rows.
    """

    kind: RemedyKind
    action: str
    steps: tuple[Mapping[str, Any], ...] = ()
    split: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[int, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or may be.

    Attributes:
        kind: its words are the catalogue's ``finding.<kind>`` and, longer, ``finding.<kind>.help``.
        severity: ``"high"``: scores will be wrong or training will fail; ``"medium"``: likely to cost quality;
            ``"low"``: good to know.
        count: how many rows it touches, or how many values or columns where it is about those.
        share: `count` over all there are, 0–1.
        columns: it is about these; empty for whole rows.
        rows: numbers of example rows in the table, at most 20.
        args: what the braces of the words hold; ``count``, ``percent`` (of `share`) and ``columns`` always.
        remedy: None where only its owner can decide.
    """

    kind: str
    severity: Severity
    count: int
    share: float
    columns: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    args: Mapping[str, Any] = field(default_factory=dict)
    remedy: Remedy | None = None

    def __post_init__(self) -> None:
        always = {"count": self.count, "percent": float(f"{100 * self.share:.3g}"), "columns": ", ".join(self.columns)}
        object.__setattr__(self, "args", {**always, **self.args})

    def sentence(self, say: Say) -> str:
        """What was found and how many, in the words of a catalogue."""
        return say(f"finding.{self.kind}", **self.args)

    def help(self, say: Say) -> str:
        """Why it matters and what to do."""
        return say(f"finding.{self.kind}.help", **self.args)

    def offer(self, say: Say) -> str:
        """What the button of the remedy says; empty without one."""
        return say(f"remedy.{self.remedy.action}", **self.args) if self.remedy else ""

    def __str__(self) -> str:
        about = f" in {', '.join(self.columns)}" if self.columns else ""
        such = f", such as {', '.join(map(str, self.rows[:3]))}" if self.rows else ""
        return f"{self.severity}: {self.kind.replace('_', ' ')}{about}: {self.count:,} ({self.share:.1%}){such}"


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, the gravest first.

    Attributes:
        findings: sorted by severity, then by share.
        rows: how many the table has.
        checks: names of the checks that were made, so that a clean bill says what it covers.
        skipped: checks that could not be made → why, in English.
    """

    findings: tuple[Finding, ...]
    rows: int
    checks: tuple[str, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def worst(self) -> Severity | None:
        """None when nothing was found."""
        return self.findings[0].severity if self.findings else None

    def of_kind(self, kind: str) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Report:
        """A report from what `to_json` gave. Raises KeyError or TypeError for anything else."""
        return cls(
            tuple(_finding(each) for each in given["findings"]), given["rows"], tuple(given["checks"]),
            given["skipped"])

    def __str__(self) -> str:
        head = f"{self.rows:,} rows, {len(self.checks)} checks, {len(self.findings)} findings"
        return "\n".join([head, *map(str, self.findings)])


def _finding(given: Mapping[str, Any]) -> Finding:
    remedy = given["remedy"]
    if remedy and remedy["kind"] not in get_args(RemedyKind):  # an earlier version made the report
        remedy = None
    if remedy:
        remedy = Remedy(**{**remedy, "steps": tuple(remedy["steps"]), "rows": tuple(remedy["rows"])})
    return Finding(**{**given, "columns": tuple(given["columns"]), "rows": tuple(given["rows"]), "remedy": remedy})
