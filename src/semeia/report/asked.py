"""Pick the rows of the results that answer the question of the run.

Where the run says which arms are pretrained, the question is whether that helps: a pretrained arm minus the same
network without pretraining. What the answer is about is chosen by what an arm is, never by how it did.
"""

from semeia.report.estimates import Estimate, find, full_labels, headline_metric, pairs_of
from semeia.report.metrics import GAIN
from semeia.report.names import ALL, Names, Pair
from semeia.report.run_folder import Run


def against_scratch(estimates: list[Estimate], names: Names, *, outcome: str) -> list[Estimate]:
    """Return AUROC of each pretrained arm minus that of the same network from scratch, at each label fraction."""
    metric = headline_metric(estimates, outcome=outcome)
    every = find(estimates, metric=metric, outcome=outcome, differences=True)
    rows = [e for e in every if names.is_pretraining(e.arm, e.reference)]
    return [e for e in rows if not _other_mode(e, rows)]


def _other_mode(e: Estimate, rows: list[Estimate]) -> bool:
    """Whether the arm is held, in other rows, against the same network in its own mode: that is the fair one."""
    own = {r.reference for r in rows if (r.arm, r.mode) == (e.arm, e.mode) and r.reference.endswith(f"/{e.mode}")}
    return bool(own) and e.reference not in own


def headline(run: Run) -> Pair | None:
    """Choose the arm and mode that the answer is about."""
    asked = against_scratch(run.estimates, run.names, outcome=run.outcome)
    if asked:
        return primary(asked, run.names)
    levels = full_labels([e for e in run.estimates if not e.reference and e.outcome == run.outcome])
    pairs = [(e.arm, e.mode) for e in levels]
    main = run.names.description.main
    return main if main in pairs else next(iter(pairs), None)  # pyright: ignore[reportReturnType]


def primary(asked: list[Estimate], names: Names) -> Pair:
    """Choose the comparison that the run was made for; else the first one that is fine-tuned."""
    pairs = pairs_of(asked)
    return min(pairs, key=lambda p: (p != names.description.main, p[1] != "finetune", pairs.index(p)))


def gain_metric(estimates: list[Estimate], *, outcome: str) -> str | None:
    """Return the metric of what a model adds to a covariate, if the results hold one."""
    return next((e.metric for e in estimates if e.metric.startswith(GAIN) and e.outcome == outcome), None)


def gains(names: Names, estimates: list[Estimate], *, outcome: str) -> list[Estimate]:
    """Pick the gain of each arm at full labels; never that of the covariate itself."""
    metric = gain_metric(estimates, outcome=outcome) or ""
    rows = [e for e in estimates if e.metric == metric and e.outcome == outcome and e.stratum == ALL]
    plain = [e for e in rows if not e.reference] or rows
    return [e for e in full_labels(plain) if names.about(e.arm).column != metric.removeprefix(GAIN)]


def in_order(rows: list[Estimate], names: Names) -> list[Estimate]:
    """Return the rows in the order of the results table."""
    order = names.in_order(pairs_of(rows))
    return sorted(rows, key=lambda e: order.index((e.arm, e.mode)))
