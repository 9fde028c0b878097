"""Adapt a run's experts to a new site, from its unlabelled patients: how much is left there of what one reads more.

Nothing is trained. Of each seed a model that reads less (the anchor: images; age and sex) and one that reads more are
blended, with a weight that is read from what both say of the site's patients (learning/adapt/blend.py).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from semeia.archive.atomic import making_folder, write_json
from semeia.archive.store import Archive, open_archive
from semeia.data.dataset import Dataset
from semeia.errors import InputError
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.learning.adapt.blend import HomeLink, SiteLink, judge_site
from semeia.learning.adapt.experts import Scored
from semeia.learning.adapt.home import FEWEST, Place, Rows, home_link, left_out
from semeia.learning.cells import Cell
from semeia.learning.linear import LinearModel
from semeia.learning.model import Model
from semeia.learning.scoring import as_read_by, data_for
from semeia.learning.stored import (
    BLEND,
    EXPERTS,
    Choice,
    Scorer,
    about_run,
    choose,
    load_scorer,
    load_scorers,
    read_record,
    scores_units,
)
from semeia.settings_json import to_plain
from semeia.studies.export import copy_file, files_of_cell, reads_of
from semeia.studies.run.reading import labels_of

ARM = "adapted"
LEAST_UNLABELLED = 50
NO_PAIR = (
    "adapt weighs an arm that reads less, such as images alone or age and sex (--anchor), against one that reads that "
    "and more (--arm)"
)
UNDECIDED = (
    "What home data cannot decide: the same home data arise where what {arm} reads more holds a real sign of the "
    "outcome and where it holds how this hospital works, such as tests that are ordered because the outcome is "
    "suspected. Only the site's own patients tell, and only if {anchor} says of the outcome there what it says at "
    "home. A change of codes or units can look like a link that moved."
)
Pairs = dict[int, tuple[Scorer, Scorer]]
Links = dict[int, tuple[HomeLink, SiteLink]]


@dataclass(frozen=True)
class Units:
    """Units that experts read as modalities and covariates."""

    archive: Archive
    data: Dataset
    pairs: Pairs

    @property
    def units(self) -> pl.DataFrame:
        """See `Place`."""
        return self.data.units

    def complete(self) -> np.ndarray:
        """See `Place`."""
        return np.all([np.ones(len(self.data), bool), *map(self.data.observed, self.data.modalities)], axis=0)

    def seen(self, seed: int) -> np.ndarray:
        """See `Place`."""
        anchor, joint = self.pairs[seed]
        return (anchor.fitted_on | joint.fitted_on).seen(self.data)

    def scored(self, seed: int, rows: Rows) -> Scored:
        """See `Place`."""
        anchor, joint = self.pairs[seed]
        data = as_read_by(joint, self.data, self.archive)
        features = np.empty((len(rows), 0))
        if isinstance(anchor, Model):
            features = anchor.pooled(data, rows)[0].flatten(1).double().numpy()
        return Scored(clipped_logit(anchor.score(data, rows)), clipped_logit(joint.score(data, rows)), features)


def adapt(
    run: Path,
    *,
    home: Path,
    archive: Path,
    out: Path,
    anchor: str = "image_jepa",
    arm: str = "multimodal_jepa",
    mode: str = "finetune",
    fraction: float = 1.0,
    outcome: str | None = None,
    sites: tuple[str, ...] | None = None,
) -> str:
    """Weigh two stored experts for a new site by its unlabelled patients; returns what moved, in words.

    Args:
        run: a run folder with both arms, fitted at home.
        home: the home archive; its patients that no expert has seen, and their labels, say what the link is there.
        archive: the new site's; its labels, if there are any, are not read.
        out: folder to write, which `predict` takes like a run; must not exist.
        anchor: the expert that reads less and is taken to travel, such as the one of images alone, or of age and sex.
        arm: the expert that reads that and more, such as images and records.
        mode: how both met the labels.
        fraction: share of the labels that both were fitted to.
        outcome: that they predict; the run's own by default.
        sites: which sites of the archive are the new one, where it holds several; the home archive, which may be the
            same one, is read without them. By default all; of the home archive itself those with nobody whom the
            experts were fitted on.

    Raises:
        InputError: an arm or a seed is lacking, too few patients, or the site's patients were trained on.
    """
    if out.exists():
        raise InputError(f"{out}: is there already; choose another folder")
    chosen, pairs = _experts(run, [Choice(name, mode, fraction) for name in (anchor, arm)])
    outcome = outcome or about_run(run).get("outcome")
    if outcome is None:
        raise InputError(f"{run}: does not say what it predicts; name it with --outcome")
    own = place_of(run, home, pairs, outcome)
    there = own if home.resolve() == archive.resolve() else place_of(run, archive, pairs, outcome)
    seen = np.any([there.seen(seed) for seed in pairs], axis=0)
    if sites is None and there is own:
        trained_on = _names(there.units.filter(seen))
        sites = tuple(name for name in _names(there.units) if name not in trained_on) or None
    new = np.ones(len(there.units), bool) if sites is None else _at(there, _known(there, sites, archive))
    if count := int((seen & new).sum()):
        raise InputError(
            f"{archive}: {count} of its units are of patients seen in training, so this is no new site; name the sites "
            "of it that were not trained on with --sites"
        )
    site_rows = np.flatnonzero(there.complete() & new)
    if len(site_rows) < LEAST_UNLABELLED:
        raise InputError(
            f"{archive}: {len(site_rows)} units have all of {reads_of(next(iter(pairs.values()))[1])}; "
            f"{LEAST_UNLABELLED} are needed to say what moved"
        )
    home_rows = np.flatnonzero(own.complete() & ~_at(own, sites or ()))
    labels = labels_of(own.units, open_archive(home), outcome)
    alike = not any(isinstance(one, Model) for one, _ in pairs.values())
    groups = left_out(own, labels, home_rows, seeds=pairs, alike=alike)
    links: Links = {}
    for group in groups:
        link, brought = home_link(own, group)
        for seed in group.seeds:
            links[seed] = link, judge_site(link, brought(seed, there.scored(seed, site_rows)))
    said = words(archive, list(links.values()), anchor=anchor, arm=arm, together=len(groups) < len(pairs))
    _write(run, out, chosen, {seed: site for seed, (_, site) in links.items()}, outcome=outcome, said=said)
    return said


def place_of(run: Path, archive: Path, pairs: Pairs, outcome: str) -> Place:
    """Open an archive as the experts read it."""
    opened = open_archive(archive)
    anchor, joint = next(iter(pairs.values()))
    if scores_units(joint):
        return Units(opened, data_for(opened, joint.modalities | anchor.modalities, None), pairs)
    from semeia.studies.records.scoring import Stays

    return Stays.of(run, opened, pairs, outcome)


def _experts(run: Path, wanted: list[Choice]) -> tuple[list[Choice], Pairs]:
    """Load both experts of every seed that has them."""
    try:
        chosen = [choose(run, arm=one.arm, mode=one.mode, fraction=one.fraction) for one in wanted]
    except InputError as error:
        raise InputError(f"{error} ({NO_PAIR})") from error
    anchor, joint = (load_scorers(run, choice) for choice in chosen)
    pairs = {seed: (anchor[seed], joint[seed]) for seed in sorted(anchor.keys() & joint.keys())}
    if not pairs:
        raise InputError(f"{run}: {wanted[0].arm} and {wanted[1].arm} have no seed in common")
    both = next(iter(pairs.values()))
    if not _reads_less(*both):
        said = [f"{one.arm} reads {reads_of(expert)}" for one, expert in zip(wanted, both, strict=True)]
        raise InputError(f"{run}: {', '.join(said)}; {NO_PAIR}")
    return chosen, pairs


def _reads_less(anchor: Scorer, joint: Scorer) -> bool:
    """Whether an expert reads some of another's modalities; or, of one record or the same covariates, fewer numbers."""
    if anchor.modalities or joint.modalities:
        return set(anchor.modalities) < set(joint.modalities)
    columns = [len(one.columns) for one in (anchor, joint) if isinstance(one, LinearModel)]
    return len(columns) == 2 and columns[0] < columns[1]


def words(
    archive: Path, links: list[tuple[HomeLink, SiteLink]], *, anchor: str, arm: str, together: bool = False
) -> str:
    """Say what moved, how sure that is, and what stays open; medians over seeds, and the mean weight."""
    homes, sites = zip(*links, strict=True)
    z, left, prevalence = (
        float(np.median([getattr(site, name) for site in sites])) for name in ("z", "left", "prevalence")
    )
    link, error = (float(np.median([getattr(home.link, name) for home in homes])) for name in ("value", "error"))
    at_home = float(np.median([home.calibration.prevalence for home in homes]))
    weight, moved = float(np.mean([site.weight for site in sites])), sum(site.moved for site in sites)
    vague = sum(site.error > 1 for site in sites)
    lines = [f"{archive}: {sites[0].patients} units with everything, their labels unread; {len(sites)} seed(s)."]
    lines.append(
        f"At home the log-odds of {arm} rise by {link:.2f} (standard error {error:.2f}) with the outcome, beyond "
        f"what {anchor} explains. At the site {left:.0%} of that is left ({z:+.1f} standard errors from home)."
    )
    if together:
        lines.append(
            f"Single seeds left out fewer than {FEWEST} home patients of one class: those of all tell one link at home."
        )
    if abs(link) < 2 * error:
        lines.append("The home link itself is hardly told from 0: this says little, and the usual blend is kept close.")
    lines.append(
        f"The link moved, by this test, in {moved} of {len(sites)} seed(s); one in twenty would by chance alone."
        if moved
        else "No seed tells the link from the home's: the usual blend is kept."
    )
    if vague:
        lines.append(
            f"In {vague} of {len(sites)} seed(s) {anchor} says so little of the outcome that the link at the site has "
            "a standard error above the whole link: nothing follows from these; a better anchor is needed."
        )
    shift = "as at home" if all(site.prevalence == home.calibration.prevalence for home, site in links) else "estimated"
    lines.append(f"Share with the outcome: {prevalence:.0%} ({shift}; {at_home:.0%} among labelled home patients).")
    lines.append(f"Weight of {arm}: {weight:.2f}; of {anchor}: {1 - weight:.2f}.")
    return "\n".join([*lines, UNDECIDED.format(anchor=anchor, arm=arm)])


def _names(units: pl.DataFrame) -> list[str]:
    """Sites of some units."""
    return units["site"].drop_nulls().unique().sort().to_list()


def _at(place: Place, sites: Sequence[str]) -> np.ndarray:
    """Which units are of these sites."""
    return place.units["site"].is_in(sites).fill_null(False).to_numpy()


def _known(place: Place, sites: tuple[str, ...], archive: Path) -> tuple[str, ...]:
    """Refuse sites that an archive does not have."""
    there = _names(place.units)
    if unknown := sorted(set(sites) - set(there)):
        raise InputError(f"{archive}: no site '{unknown[0]}'; it has {', '.join(there) or 'none by name'}")
    return sites


def _write(run: Path, out: Path, chosen: list[Choice], sites: dict[int, SiteLink], *, outcome: str, said: str) -> None:
    """Copy both experts of each seed beside their weight."""
    record, of_records = read_record(run), not scores_units(load_scorer(run / chosen[0].cells(run)[0].name))
    mode, fraction = chosen[0].mode, chosen[0].fraction
    with making_folder(out) as half:
        for seed, site in sites.items():
            folder = half / Cell(ARM, mode, fraction, seed).name
            for name, choice in zip(EXPERTS, chosen, strict=True):
                cell = next(cell for cell in choice.cells(run) if cell.seed == seed)
                for file in files_of_cell(run, cell):
                    way = os.path.relpath(file.resolve(), (run / cell.name).resolve())
                    # Signatures lie beside the cells. A network names them by their way from its own folder, a linear
                    # model of records finds those of its seed in the run.
                    beside = of_records and way.startswith(os.pardir)
                    copy_file(file, half / file.relative_to(run) if beside else folder / name / way)
            write_json(folder / BLEND, {"weight": site.weight, "site": to_plain(site)})
        kept = {name: record[name] for name in ("semeia_version", "versions", "archive", "seeds") if name in record}
        about = {"kind": "adapted", "study": record.get("study", "adapt"), "outcome": outcome, "words": said}
        about |= {"experts": [choice.arm for choice in chosen], "mode": mode, "fraction": fraction}
        write_json(half / "run.json", about | kept)
