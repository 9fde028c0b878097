"""Write the folder of a simulated hospital: `dicom`, `omop`, `labels.csv`, `truth.csv` and a README."""

import datetime as dt
import shutil
from pathlib import Path

from semeia.archive.atomic import PARTIAL, make_folder, naming, write_text
from semeia.errors import InputError
from semeia.progress import each
from semeia.worlds.draws import generator
from semeia.worlds.hospital.course import DAYS_A_MONTH, MONTHS, SHARED, Course, HospitalSettings, course_of
from semeia.worlds.hospital.dicom_files import write_scan
from semeia.worlds.hospital.omop_files import Tables
from semeia.worlds.hospital.record import loadings, record_of
from semeia.worlds.hospital.scan import nodule_mm, scan_of, scanner_of

_README = """A SIMULATED hospital. Nobody in it exists, and no number that comes from it is a result about patients.

dicom/      CT series, one folder a study, one file a slice in no order
omop/       the record in OMOP CDM 5.4, with image_occurrence of its imaging extension
labels.csv  who is looked at when, and the outcome where it is known
truth.csv   what decided the outcome; no hospital has this table, and no reader reads it

Made by: semeia world hospital --patients {patients} --sites {sites} --cause {cause} --labelled {labelled} --seed {seed}
"""


def write_hospital(settings: HospitalSettings, *, out: Path) -> str:
    """Write a simulated hospital's raw files.

    Args:
        settings: How large, and what decides the label. Every patient follows from the seed and a number alone.
        out: Folder to write; must not exist, or be empty.

    Returns:
        What was written, in words.

    Raises:
        InputError: The folder holds something, or the disk is full.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: exists and is not empty; name a new folder.")
    partial = out.with_name(f".{out.name}{PARTIAL}")
    shutil.rmtree(partial, ignore_errors=True)
    tables = Tables(settings.sites)
    follows = loadings(settings.seed, 2 * SHARED)
    labels = settings.labelled
    scans = 0
    try:
        with naming(out):
            make_folder(partial)
            for number in each(range(settings.patients), "Writing patients"):
                course = course_of(number, settings)
                labelled = course.site > 0 or labels > 0
                labels -= int(labelled and course.site == 0)
                tables.person(course, hospital_number=course.hospital_number(settings.seed))
                tables.record(course, record_of(course, follows, settings.seed))
                tables.label(course, labelled=labelled)
                tables.truth(course, settings.cause)
                for place in range(len(course.scans)):
                    _write_image(partial, tables, course, place, seed=settings.seed)
                scans += len(course.scans)
            tables.write(partial)
            write_text(partial / "README.txt", _README.format(**vars(settings)))
            if out.exists():
                out.rmdir()
            partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return f"{out}: SIMULATED hospital of {settings.patients} patients at {settings.sites} site(s), {scans} CT scans"


def _write_image(folder: Path, tables: Tables, course: Course, place: int, *, seed: int) -> None:
    """Write one scan and the rows that tell of it."""
    months = course.scans[place]
    latents = course.image[MONTHS - round(months)]
    scanner = scanner_of(course.site)
    diameter = nodule_mm(latents, course.image[-1][1], months)
    volume = scan_of(latents, diameter, scanner, generator(seed, "scan", str(course.number), str(place)))
    when = course.index - dt.timedelta(days=round(months * DAYS_A_MONTH))
    path = f"{course.number // 100:04d}/{course.number % 100:02d}{place}"
    study, series = write_scan(
        folder / "dicom" / path, volume, course, number=place, when=when, scanner=scanner, seed=seed
    )
    tables.image(course, when=when, study=study, series=series, path=f"dicom/{path}")
