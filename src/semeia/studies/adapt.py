"""Adapt a run's experts to a new site, from its unlabelled patients: how much is left there of the record's link.

Nothing is trained. The image-only and the multimodal model of each seed are blended, with a weight that is read from
what both say of the site's patients (learning/adapt/blend.py).
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semeia.archive.atomic import making_folder, write_json
from semeia.archive.store import open_archive
from semeia.data.dataset import Dataset
from semeia.errors import InputError
from semeia.evaluation.statistics.calibration import clipped_logit
from semeia.learning.adapt.blend import HomeLink, SiteLink, fit_home, judge_site
from semeia.learning.adapt.experts import Scored
from semeia.learning.cells import Cell
from semeia.learning.model import Model
from semeia.learning.scoring import as_read_by, data_for, seen_by
from semeia.learning.stored import BLEND, EXPERTS, Choice, Scorer, about_run, choose, load_scorers, read_record
from semeia.settings_json import to_plain
from semeia.studies.export import copy_file, files_of_cell
from semeia.studies.run.reading import labels_of

ARM = "adapted"
COMPONENTS = 24  # of the image embedding
FEWEST = 10  # held-out labelled home patients of either class
LEAST_UNLABELLED = 50
NO_PAIR = (
    "adapt weighs an arm that reads images alone (--image-arm) against one that reads the record, too (--arm); a run "
    "on one modality has no such pair"
)
UNDECIDED = (
    "What home data cannot decide: the same home data arise where the record holds a real sign of the outcome and "
    "where tests are ordered because it is suspected. Only the site's own patients tell, and only if the image says of "
    "the outcome there what it says at home. A change of codes or units can look like a link that moved."
)


@dataclass(frozen=True)
class Pair:
    """The two experts of one seed."""

    image: Scorer
    joint: Scorer

    def scored(self, data: Dataset, rows: np.ndarray) -> Scored:
        """Log-odds of both, and what the image expert's encoder makes of the images."""
        image, joint = (clipped_logit(one.score(data, rows, hide=())) for one in (self.image, self.joint))
        features = np.empty((len(rows), 0))
        if isinstance(self.image, Model):
            features = self.image.pooled(data, rows)[0].flatten(1).double().numpy()
        return Scored(image, joint, features)


def adapt(
    run: Path,
    *,
    home: Path,
    archive: Path,
    out: Path,
    image_arm: str = "image_jepa",
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
        image_arm: the expert of images alone.
        arm: the expert of images and records.
        mode: how both met the labels.
        fraction: share of the labels that both were fitted to.
        outcome: that they predict; the run's own by default.
        sites: which sites of the archive are the new one, where it holds several; the home archive, which may be the
            same one, is read without them. All by default.

    Raises:
        InputError: an arm or a seed is lacking, too few patients, or the site's patients were trained on.
    """
    if out.exists():
        raise InputError(f"{out}: is there already; choose another folder")
    chosen, pairs = _experts(run, [Choice(name, mode, fraction) for name in (image_arm, arm)])
    outcome = outcome or about_run(run).get("outcome")
    if outcome is None:
        raise InputError(f"{run}: does not say what it predicts; name it with --outcome")
    at_home, at_site = open_archive(home), open_archive(archive)
    reads = next(iter(pairs.values())).joint.modalities
    own, there = (data_for(opened, reads, None) for opened in (at_home, at_site))
    labels = labels_of(own.units, at_home, outcome)
    new = np.ones(len(there), bool) if sites is None else _at(there, sites, archive)
    rows = [_complete(own, ~own.units["site"].is_in(sites or ()).fill_null(False).to_numpy()), _complete(there, new)]
    everybody = [expert for pair in pairs.values() for expert in (pair.image, pair.joint)]
    if seen := int(seen_by(everybody, there, skip_seen=True)[new].sum()):
        raise InputError(
            f"{archive}: {seen} of its units are of patients seen in training, so this is no new site; name the sites "
            "of it that were not trained on with --sites"
        )
    if len(rows[1]) < LEAST_UNLABELLED:
        raise InputError(
            f"{archive}: {len(rows[1])} units have all of {', '.join(reads)}; {LEAST_UNLABELLED} are needed to say "
            "what moved"
        )
    links = {
        seed: link_of(pair, as_read_by(pair.joint, own, at_home), labels, as_read_by(pair.joint, there, at_site), rows)
        for seed, pair in pairs.items()
    }
    said = words(archive, list(links.values()))
    _write(run, out, chosen, {seed: site for seed, (_, site) in links.items()}, outcome=outcome, said=said)
    return said


def _experts(run: Path, wanted: list[Choice]) -> tuple[list[Choice], dict[int, Pair]]:
    """Load both experts of every seed that has them."""
    try:
        chosen = [choose(run, arm=one.arm, mode=one.mode, fraction=one.fraction) for one in wanted]
    except InputError as error:
        raise InputError(f"{error} ({NO_PAIR})") from error
    image, joint = (load_scorers(run, choice) for choice in chosen)
    pairs = {seed: Pair(image[seed], joint[seed]) for seed in sorted(image.keys() & joint.keys())}
    if not pairs:
        raise InputError(f"{run}: {wanted[0].arm} and {wanted[1].arm} have no seed in common")
    alone, both = (set(next(iter(scorers.values())).modalities) for scorers in (image, joint))
    if not alone < both:
        names = [", ".join(sorted(one)) or "covariates" for one in (alone, both)]
        raise InputError(f"{run}: {wanted[0].arm} reads {names[0]}, {wanted[1].arm} reads {names[1]}; {NO_PAIR}")
    return chosen, pairs


def link_of(
    pair: Pair, own: Dataset, labels: np.ndarray, there: Dataset, both_rows: list[np.ndarray]
) -> tuple[HomeLink, SiteLink]:
    """Measure the link at home on patients whom neither expert has seen, and at the site; of units with everything."""
    known, (rows, site_rows) = ~np.isnan(labels), both_rows
    fresh = ~(pair.image.fitted_on.seen(own) | pair.joint.fitted_on.seen(own))
    labelled, unlabelled = rows[(fresh & known)[rows]], rows[(fresh | ~known)[rows]]
    fewest = min(len(np.unique(own.subjects[labelled][labels[labelled] == value])) for value in (0, 1))
    if fewest < FEWEST:
        raise InputError(
            f"{fewest} labelled home patients of one class were kept from both experts; {FEWEST} of each are needed: "
            "give the home archive that the run was made of, or one with more labelled patients"
        )
    scored = [pair.scored(own, labelled), pair.scored(own, unlabelled), pair.scored(there, site_rows)]
    if scored[0].features.shape[1]:  # as few columns as the home patients can carry
        from sklearn.decomposition import PCA

        known_images = scored[1].features
        reduce = PCA(min(COMPONENTS, known_images.shape[1], len(known_images) // 10), random_state=0).fit(known_images)
        scored = [Scored(one.image, one.joint, reduce.transform(one.features)) for one in scored]
    link = fit_home(scored[0], labels[labelled], scored[1])
    return link, judge_site(link, scored[2])


def words(archive: Path, links: list[tuple[HomeLink, SiteLink]]) -> str:
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
        f"At home the multimodal log-odds rise by {link:.2f} (standard error {error:.2f}) with the outcome, beyond "
        f"what the image explains. At the site {left:.0%} of that is left ({z:+.1f} standard errors from home)."
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
            f"In {vague} of {len(sites)} seed(s) the image says so little of the outcome that the link at the site has "
            "a standard error above the whole link: nothing follows from these; a better expert of images is needed."
        )
    shift = "as at home" if all(site.prevalence == home.calibration.prevalence for home, site in links) else "estimated"
    lines.append(f"Share with the outcome: {prevalence:.0%} ({shift}; {at_home:.0%} among labelled home patients).")
    lines.append(f"Weight of the multimodal expert: {weight:.2f}; of the image expert: {1 - weight:.2f}.")
    return "\n".join([*lines, UNDECIDED])


def _complete(data: Dataset, among: np.ndarray) -> np.ndarray:
    """Rows of units that have every modality."""
    return np.flatnonzero(np.all([among, *(data.observed(name) for name in data.modalities)], axis=0))


def _at(data: Dataset, sites: tuple[str, ...], archive: Path) -> np.ndarray:
    """Which units are of these sites."""
    there = data.units["site"].drop_nulls().unique().sort().to_list()
    if unknown := sorted(set(sites) - set(there)):
        raise InputError(f"{archive}: no site '{unknown[0]}'; it has {', '.join(there) or 'none by name'}")
    return data.units["site"].is_in(sites).fill_null(False).to_numpy()


def _write(run: Path, out: Path, chosen: list[Choice], sites: dict[int, SiteLink], *, outcome: str, said: str) -> None:
    """Copy both experts of each seed beside their weight."""
    record = read_record(run)
    mode, fraction = chosen[0].mode, chosen[0].fraction
    with making_folder(out) as half:
        for seed, site in sites.items():
            folder = half / Cell(ARM, mode, fraction, seed).name
            for name, choice in zip(EXPERTS, chosen, strict=True):
                cell = next(cell for cell in choice.cells(run) if cell.seed == seed)
                for file in files_of_cell(run, cell):
                    # Signatures lie beside the cells; a model names them by their way from its own folder.
                    target = folder / name / os.path.relpath(file.resolve(), (run / cell.name).resolve())
                    copy_file(file, target)
            write_json(folder / BLEND, {"weight": site.weight, "site": to_plain(site)})
        kept = {name: record[name] for name in ("semeia_version", "versions", "archive", "seeds") if name in record}
        about = {"kind": "adapted", "study": record.get("study", "adapt"), "outcome": outcome, "words": said}
        about |= {"experts": [choice.arm for choice in chosen], "mode": mode, "fraction": fraction}
        write_json(half / "run.json", about | kept)
