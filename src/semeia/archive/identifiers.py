"""Find what the words and columns of a record betray of persons.

Patterns find what has a form: addresses of e-mail, telephone and insurance numbers, dates of birth, titles with names,
names of files. A name without a title has none; that is why columns are looked at by their names, too. All patterns are
of the linear-time kind (Rust's), so that no text can make them slow.
"""

import re

import polars as pl

FREE_TEXT = "free text"
DATES = "dates in text, which are not moved with the others"
_LONG = 8  # words from which a value is a sentence
_MANY = 10  # different sentences from which a column is free text
# Kind of identifier: pattern in Rust's syntax.
PATTERNS = {
    "addresses of e-mail": r"[\w.+-]+@[\w-]+\.[A-Za-z]{2,}",
    "telephone numbers": r"(?:\+\d{1,3}|\b00[1-9]\d)[ ./-]?\(?0?\)?[ ./-]?\d{1,4}[ ./-]?\d{2,4}[ ./-]?\d{2,}"
    r"|\(0\d{1,4}\) ?\d{3,}|\b0\d{2,4} ?[/-] ?\d{5,}|\b\d{3}[-. ]\d{3}[-. ]\d{4}\b|\(\d{3}\) ?\d{3}[-. ]\d{4}\b",
    "insurance or social security numbers": r"\b\d{3}-\d{2}-\d{4}\b|\b756\.\d{4}\.\d{4}\.\d{2}\b|\b[A-Z]\d{9}\b"
    r"|\b[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?\d{2} ?\d{3} ?\d{3} ?\d{2}\b|\b\d{2} ?[0-3]\d[01]\d{3} ?[A-Z] ?\d{3}\b",
    "dates of birth": r"(?i)\b(?:born|birth|dob|d\.o\.b\.?|geb|geboren|geburtsdatum|né|née)\b.{0,12}?\d{1,4}[./-]\d",
    "names of persons": r"\b(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Herrn|Frau|Monsieur|Madame)\b\.? +"
    r"(?:\p{Lu}\.? +)?\p{Lu}[\p{Ll}'-]+"
    r"|(?i:\b(?:patient|patient's|full|last|first|sur)[ _-]?name) *[:=] *\p{Lu}|\p{Lu}[\p{L}'-]+\^\p{Lu}[\p{L}'-]+",
    "names of files": r"(?i)\.(?:dcm|dicom|nii|nii\.gz|png|jpe?g|tiff?|pdf|docx?|xlsx?|csv|hl7)\b"
    r"|^[A-Z]:\\|^/(?:home|mnt|data|users|srv)/",
}
# A concept of SNOMED CT, or of the British medicines that share its numbers: up to 18 digits, and nobody's.
_CONCEPT = r"(?i)^(snomed[a-z_ -]*|dm\+?d)[/:|]+\d{6,18}\b"
_DATE = r"\b(?:19|20)\d{2}[-/.][01]?\d[-/.][0-3]?\d\b|\b[0-3]?\d[-/.][01]?\d[-/.](?:19|20)\d{2}\b"
_WHOLE_NAME = r"^\p{Lu}[\p{Ll}'-]+,? \p{Lu}[\p{Ll}'-]+$"
_COLUMN = re.compile(
    r"(?:patient|person|full|first|last|middle|maiden|family|given|sur)_?names?|name|nachname|vorname|surname|address"
    r"|street|strasse|city|wohnort|zip|zip_?code|post_?code|plz|tele?phone|phone|mobile|fax|e_?mail|ssn|nhs|mrn|kvnr|ahv"
    r"|(?:insurance|passport|licen[cs]e|account|accession|case|fall|patient|person|medical_record)_?(?:no|nr|num|number|nummer|id)"
    r"|birth_?day|birth_?date|date_?of_?birth|dob|geburtsdatum|file|file_?name|file_?path|path|image_?path|comments?|remarks?|notes?|free_?text"
)


def of_person(column: str) -> bool:
    """Whether a column's name says that it holds a name, a number, an address, a date of birth, a file or remarks."""
    return _COLUMN.fullmatch(re.sub(r"[\W_]+", "_", column.strip().lower()).strip("_")) is not None


def in_texts(texts: pl.Series, *, dates: bool = False) -> dict[str, int]:
    """Count the texts (different ones, none empty) in which something has the form of an identifier, by its kind."""
    patterns = {**PATTERNS, **({DATES: _DATE} if dates else {})}
    frame = texts.to_frame("text").select(pl.col("text").str.contains(p).sum().alias(k) for k, p in patterns.items())
    found = {kind: int(number) for kind, number in (frame.row(0, named=True) if texts.len() else {}).items() if number}
    names = int(texts.str.contains(_WHOLE_NAME).sum())
    if texts.len() >= _MANY and names > texts.len() / 2:
        found["names of persons"] = found.get("names of persons", 0) + names
    return found


def without_concepts(codes: pl.Series) -> pl.Series:
    """Codes without the long numbers of concepts, which look like those of insured persons."""
    return codes.str.replace(_CONCEPT, "$1")


def sentences(texts: pl.Series) -> pl.Series:
    """The texts of eight words or more."""
    return texts.filter(texts.str.count_matches(r"\S+") >= _LONG)


def is_free_text(different: int, rows: int) -> bool:
    """Whether sentences are written by people rather than chosen: many, and most of them occur once or twice."""
    return different >= _MANY and different > rows / 3


def numbers_of_persons(values: pl.Series) -> bool:
    """Whether a column of numbers looks like one of cases or persons: whole, of six digits or more, none twice."""
    known = values.drop_nulls()
    whole = known.len() >= _MANY and known.dtype.is_numeric() and bool((known == known.round()).all())
    return whole and float(known.abs().min()) >= 1e5 and known.n_unique() == known.len()  # pyright: ignore[reportArgumentType]


def tokens(texts: pl.Series) -> pl.Series:
    """The different words with a digit and six characters or more: what a patient's number could be."""
    words = texts.str.extract_all(r"[\p{L}\d][\p{L}\d_./-]{4,}[\p{L}\d]").explode().drop_nulls().unique()
    return words.filter(words.str.contains(r"\d"))
