"""What `FRONT` gives, for type checkers and editors."""

from semeia.archive.store import open_archive as open_archive
from semeia.data.dataset import array_dataset as array_dataset
from semeia.data.dataset import open_dataset as open_dataset
from semeia.data.modalities import Picture as Picture
from semeia.data.modalities import Table as Table
from semeia.data.modalities import Vector as Vector
from semeia.data.modalities import Volume as Volume
from semeia.evaluation import EvaluationSettings as EvaluationSettings
from semeia.evaluation import evaluate as evaluate
from semeia.learning.classifier import EncoderClassifier as EncoderClassifier
from semeia.learning.finetune import FinetuneSettings as FinetuneSettings
from semeia.learning.finetune import finetune as finetune
from semeia.learning.model import load_model as load_model
from semeia.learning.pretrain import PretrainSettings as PretrainSettings
from semeia.learning.pretrain import pretrain as pretrain
from semeia.learning.schedule import OptimiserSettings as OptimiserSettings
from semeia.learning.scoring import embed as embed
from semeia.readers import ingest_dicom as ingest_dicom
from semeia.readers import ingest_hospital as ingest_hospital
from semeia.readers import ingest_images as ingest_images
from semeia.readers import ingest_meds as ingest_meds
from semeia.readers import ingest_omop as ingest_omop
from semeia.readers import ingest_table as ingest_table
from semeia.signatures.settings import SignatureSettings as SignatureSettings
from semeia.signatures.transformer import SignatureTransformer as SignatureTransformer
from semeia.studies.advise import advise as advise
from semeia.studies.predict import predict as predict

__version__: str
FRONT: dict[str, str]
