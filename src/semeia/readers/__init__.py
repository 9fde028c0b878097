"""From a hospital's files to the archive, one file a format.

| name | what it reads |
|---|---|
| `ingest_nodules` | the LIDC layout: nodule crops and `nodules.csv` |
| `ingest_knees` | knee radiographs: `labels.csv` and `images/` |
| `ingest_images` | pictures or volumes listed in a table |
| `ingest_folders` | pictures in folders that name class and modality (Kvasir, PolypDB, PICCOLO) |
| `ingest_dicom` | CT, MR and PET volumes and radiographs in any folder of DICOM files |
| `ingest_hospital` | DICOM files and OMOP tables, linked by `image_occurrence` |
| `ingest_meds` | health records in MEDS |
| `ingest_omop` | health records in OMOP CDM 5.3 or 5.4 |
| `ingest_table` | health records in any tables, with a mapping |
| `ingest_features` | vectors with dates: frozen features of scans, from a table or files of NumPy |
| `ingest_expressions`, `expressions_table` | the table of expressions of MASILab/lmsignatures, read and written |
| `ingest_reports`, `read_reports` | written reports of what is in an archive |
| `follow_up_outcomes`, `FollowUp` | four-year outcomes of knees from a user's own OAI readings |
| `read_dates` | dates at which an archive's patients are looked at |
| `whois` | which of the hospital's ids stand behind pseudonyms, with the key |
| `read_nifti`, `Volume` | one NIfTI volume |
| `read_picture` | one PNG or JPEG |
"""

from semeia.readers.dates import read_dates
from semeia.readers.dicom.ingest import ingest_dicom
from semeia.readers.expressions import expressions_table, ingest_expressions
from semeia.readers.features import ingest_features
from semeia.readers.hospital import ingest_hospital
from semeia.readers.images.folders import ingest_folders
from semeia.readers.images.follow_up import FollowUp, follow_up_outcomes
from semeia.readers.images.knees import ingest_knees
from semeia.readers.images.nifti import Volume, read_nifti
from semeia.readers.images.nodules import ingest_nodules, input_reader
from semeia.readers.images.picture_file import read_picture
from semeia.readers.images.pictures import ingest_images
from semeia.readers.records.long_table import ingest_table
from semeia.readers.records.meds import ingest_meds
from semeia.readers.records.omop import ingest_omop
from semeia.readers.reports import ingest_reports, read_reports
from semeia.readers.whois import whois

__all__ = [
    "FollowUp",
    "Volume",
    "expressions_table",
    "follow_up_outcomes",
    "ingest_dicom",
    "ingest_expressions",
    "ingest_features",
    "ingest_folders",
    "ingest_hospital",
    "ingest_images",
    "ingest_knees",
    "ingest_meds",
    "ingest_nodules",
    "ingest_omop",
    "ingest_reports",
    "ingest_table",
    "input_reader",
    "read_dates",
    "read_nifti",
    "read_picture",
    "read_reports",
    "whois",
]
