"""Pick the rows of the results that answer the question of the run, by what an arm is, never by how it did."""

from semeia.report.estimates import Estimate, full_labels, pairs_of
from semeia.report.metrics import GAIN
from semeia.report.names import ALL, Names, Pair
from semeia.report.run_folder import Run


def against_scratch(run: Run) -> list[Estimate]:
    """Return AUROC of each pretrained arm minus that of the same network from scratch, at each label fraction."""
    every = run.find(run.metric, differences=True)
    rows = [e for e in every if run.names.is_pretraining(e.arm, e.reference)]
    return [e for e in rows if not _other_mode(e, rows)]


def _other_mode(e: Estimate, rows: list[Estimate]) -> bool:
    """Whether the arm is held, in other rows, against the same network in its own mode: that is the fair one."""
    own = {r.reference for r in rows if (r.arm, r.mode) == (e.arm, e.mode) and r.reference.endswith(f"/{e.mode}")}
    return bool(own) and e.reference not in own


def headline(run: Run) -> Pair | None:
    """Choose the arm and mode that the answer is about: never one that others are held against, where there is another.

    Without words on what the arms are it is the first by name.
    """
    asked = against_scratch(run)
    if asked:
        return primary(asked, run.names)
    pairs = sorted(pairs_of(full_labels([e for e in run.mine if not e.reference])))
    main = run.names.description.main
    return main if main in pairs else next(iter(not_held_against(run.estimates, pairs)), None)  # pyright: ignore[reportReturnType]


def not_held_against(estimates: list[Estimate], pairs: list[Pair]) -> list[Pair]:
    """Return the arms and modes that no other is held against; all of them where each is."""
    references = {e.reference for e in estimates}
    return [(arm, mode) for arm, mode in pairs if not {arm, f"{arm}/{mode}"} & references] or pairs


def headline_levels(run: Run) -> list[Estimate]:
    """Pick every measure of the arm that the answer is about, with all its labels."""
    pair = headline(run)
    return [e for e in full_labels(run.levels) if (e.arm, e.mode) == pair]


def primary(asked: list[Estimate], names: Names) -> Pair:
    """Choose the comparison that the run was made for; else the first one that is fine-tuned."""
    pairs = pairs_of(asked)
    return min(pairs, key=lambda p: (p != names.description.main, p[1] != "finetune", pairs.index(p)))


def gain_metric(run: Run) -> str | None:
    """Return the metric of what a model adds to a covariate, if the results hold one."""
    return next((e.metric for e in run.mine if e.metric.startswith(GAIN)), None)


def gains(run: Run) -> list[Estimate]:
    """Pick the gain of each arm at full labels; never that of the covariate itself."""
    metric = gain_metric(run) or ""
    rows = [e for e in run.mine if (e.metric, e.stratum) == (metric, ALL)]
    plain = [e for e in rows if not e.reference] or rows
    return [e for e in full_labels(plain) if run.names.about(e.arm).column != metric.removeprefix(GAIN)]


def in_order(rows: list[Estimate], names: Names) -> list[Estimate]:
    """Return the rows in the order of the results table."""
    order = names.in_order(pairs_of(rows))
    return sorted(rows, key=lambda e: order.index((e.arm, e.mode)))
