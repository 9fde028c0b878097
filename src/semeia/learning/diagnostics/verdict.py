"""Say in words what pretraining has made: collapsed, no signal, undecided, or healthy, and what crosses modalities.

The numbers are those of collapse.py and retrieval.py; the thresholds are ours and stated here.
"""

from scipy.stats import binomtest

from semeia.learning.diagnostics.collapse import LEAST_RANK, RANK

NOT_MEASURED = "Not measured: too few patients were held out to tell whether pretraining has worked."
COLLAPSED = "Collapsed"  # how the verdict on an encoder begins that is of no use
# Below these an embedding has collapsed: the median over dimensions of the deviation between patients, and the rank.
LEAST_DEVIATION = 0.05
ONE_DIRECTION = 2
# The loss against that with patients shuffled; above it nothing was predicted for the right patient.
PREDICTED = 0.98
# So many times more often than by chance must a unit be found again, and so rarely may chance alone do it.
TIMES_CHANCE, LEVEL = 3, 0.05


def verdict(found: dict[str, float]) -> str:
    """One verdict in words: collapse first, then whether anything is predicted, then whether it crosses modalities.

    Deviations that vanish and vectors on one line are a collapse. Otherwise the rank alone misleads: a low one is a
    collapse only where hidden parts are not predicted for the right patient either; where they are, it is said beside.
    """
    if "paired_to_shuffled" not in found:
        return NOT_MEASURED
    ratio = found["paired_to_shuffled"]
    fired = narrowness(found)
    if fired and (any(alone for _, alone in fired.values()) or not ratio <= PREDICTED):
        which = "; ".join(f"{name} ({words})" for name, (words, _) in fired.items())
        return _collapsed(f": {which}")
    if not ratio <= PREDICTED:
        return (
            f"No signal: hidden parts are predicted no better for the right patient than for another (ratio "
            f"{ratio:.2f}, above {PREDICTED}). This can be the data, not a bug; do not expect pretraining to help."
        )
    if (high := found.get("paired_to_shuffled_high", ratio)) >= 1:
        return (
            f"Undecided: hidden parts were predicted better for the right patient (ratio {ratio:.2f}), but with so few "
            f"held-out patients that can be chance (up to {high:.2f}). Train for longer, or on more patients."
        )
    said = f"Healthy: hidden parts are predicted better for the right patient (ratio {ratio:.2f})."
    if fired:
        narrow = "; ".join(f"{name}: {words}" for name, (words, _) in fired.items())
        said += f" But the embedding uses few directions ({narrow})."
    later = {name: value for name, value in found.items() if name.startswith("ratio_") and "same_date" not in name}
    if later:
        best = min(later, key=lambda name: later[name])
        named = best.removeprefix("ratio_").replace("_", " ")
        clearest = f"the clearest is {named} (ratio {later[best]:.2f})"
        said += f" Across dates {clearest if later[best] <= PREDICTED else 'nothing is predicted'}."
    r2 = {name: value for name, value in found.items() if name.startswith("r2_") and not name.endswith("_shuffled")}
    if not r2:
        return said + " One modality only, so nothing is said about cross-modal signal."
    carried = {name: value for name, value in r2.items() if value - found[f"{name}_shuffled"] > 0.05 and value > 0.02}
    words = ", ".join(f"{name[3:].replace('_', ' ')} R2 {value:.2f}" for name, value in r2.items())
    if carried:
        return f"{said} Pretraining carries cross-modal signal ({words})."
    return f"{said} Pretraining does not carry cross-modal signal ({words}): expect little from the other modality."


def verdict_on_retrieval(measures: dict[str, float], *, what: str = "another view of the same unit") -> str:
    """One verdict in words: collapse first, then whether `what` was searched is found."""
    if "retrieved" not in measures:
        return NOT_MEASURED
    share, chance = measures["retrieved"], measures["retrieved_by_chance"]
    known = share >= TIMES_CHANCE * chance
    words = f"{what} is the nearest in {100 * share:.0f}% (chance {100 * chance:.1f}%)"
    fired, alone = next(iter(narrowness(measures).values()), ("", False))
    if fired and (alone or not known):
        return _collapsed(f" ({fired})")
    n = round(1 / chance)
    if known and binomtest(round(share * n), n, chance, alternative="greater").pvalue > LEVEL:
        return f"Undecided: {words}, which among {n} units can be chance. Hold out more patients."
    if not known:
        return f"No signal: {words}, less than {TIMES_CHANCE} times chance. Do not expect pretraining to help."
    narrow = f" But the embedding uses few directions ({fired})." if fired else ""
    return f"Healthy: {words}. What it recognises a unit by need not be what the outcome hangs on.{narrow}"


def _collapsed(where: str) -> str:
    return f"{COLLAPSED}: the embedding hardly differs between patients{where}. Do not use this encoder."


def narrowness(found: dict[str, float]) -> dict[str, tuple[str, bool]]:
    """The modalities whose vectors use little of their room: the number that says so, in words, and whether it is a
    collapse by itself (no deviation, or one direction) or only where nothing is predicted either."""
    fired: dict[str, tuple[str, bool]] = {}
    for name in sorted({name.removesuffix("_std_median") for name in found if name.endswith("_std_median")}):
        deviation, rank = found[f"{name}_std_median"], found.get(f"{name}_{RANK}", LEAST_RANK)
        if deviation < LEAST_DEVIATION:
            fired[name] = f"median deviation {deviation:.3f}, below {LEAST_DEVIATION}", True
        elif rank < LEAST_RANK:
            alone = rank < ONE_DIRECTION
            fired[name] = f"effective rank {rank:.1f}, below {ONE_DIRECTION if alone else LEAST_RANK}", alone
    return fired
