"""Tell when two ways of writing an id are one person: its canonical form, and a looser one that is only reported.

Spreadsheets write 12 as 12.0, keyboards leave no-break and zero-width spaces, and file systems take letters with
accents apart. Such ways of writing are the same id. Case, spaces inside, separators and leading zeros may tell patients
apart in one hospital and be slips of the hand in another: patients whose ids differ in nothing else are counted, never
joined.
"""

import re
import unicodedata

import polars as pl

INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff"  # zero-width spaces and joiners, and the mark that begins a file
NEAR = "patients have ids that differ only in case, spaces, separators, leading zeros or a missing site from others"
ROUNDED = r"\d[.,]\d+[Ee]\+?\d+|\d+[Ee]\+\d+"  # as a spreadsheet shows a long number; 1e5 may be an id
_WHOLE = re.compile(r"([0-9]+)(?:\.(?:0|00|0{4,})|,0)")  # 12.000 may be twelve thousand
_FORMULA = re.compile(r'="(.*)"')  # how Excel is told to keep leading zeros


def canonical(original: str) -> str:
    """Write an id in the one form that is hashed.

    Letters are composed (NFC), invisible characters dropped, spaces made plain, single and none at the ends; a whole
    number loses the decimals that a spreadsheet gave it. Everything else stays: 007, 1e5 and 2020-01-05 are text.
    """
    composed = unicodedata.normalize("NFC", original)
    plain = composed.isascii() and composed.isprintable()
    drop = () if plain else {c for c in composed if not c.isspace() and unicodedata.category(c) in ("Cf", "Cc")}
    visible = "".join(c for c in composed if c not in drop) if drop else composed
    text = re.sub(r"^'(?=[=+@-])", "", " ".join(visible.split()))  # a mark against being taken for a formula
    if formula := _FORMULA.fullmatch(text):
        text = formula[1].strip()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def canonical_ids(ids: pl.Series) -> pl.Series:
    """Write a column of ids in their canonical form, as text; whole numbers without decimals."""
    whole = ids.dtype.is_float() and bool((ids.drop_nulls() == ids.drop_nulls().round()).all())
    texts = (ids.cast(pl.Int64) if whole else ids).cast(pl.String)
    unique = texts.drop_nulls().unique()
    return texts.replace_strict(unique, [canonical(text) for text in unique], default=None, return_dtype=pl.String)


def spelling(original: str) -> str:
    """What is left of an id without case, spaces, separators and leading zeros; two numbers in it stay apart."""
    text = unicodedata.normalize("NFKC", canonical(original)).casefold()
    text = re.sub(r"(?<=\d)[\W_]+(?=\d)", "-", text)
    text = re.sub(r"[^\w-]|_|(?<!\d)-|-(?!\d)", "", text)
    return re.sub(r"(?<!\d)0+(?=\d)", "", text)


def near(subjects: pl.DataFrame) -> list[tuple[str, str]]:
    """Pseudonyms of patients that may be one person: the same spelling, at one site or where a site is not known.

    Args:
        subjects: An archive's table, with pseudonym, site and spelling (a keyed hash; empty in older parts).

    Returns:
        Pairs: a patient and the first of the same spelling, in the order of the table.
    """
    pairs, first = [], {}
    for name, site, hashed in subjects.select("pseudonym", "site", "spelling").drop_nulls("spelling").iter_rows():
        for other, where in first.get(hashed, []):
            if same_place(site, where):
                pairs.append((other, name))
                break
        else:
            first.setdefault(hashed, []).append((name, site))
    return pairs


def same_place(site: str | None, other: str | None) -> bool:
    """Whether two sites may be one: equal but for their spelling, or one is not known."""
    return site is None or other is None or spelling(site) == spelling(other)
