"""List the modalities there are; a new one is one file here.

| name | what it is |
|---|---|
| `Volume` | images with a spacing in millimetres (CT) |
| `Picture` | images without one (radiographs, endoscopies), gray or in colours |
| `Table` | numbers with names (a structured reading, demographics) |
| `Record` | last values of the measurements in a health record |
| `Events` | the newest events of a health record, one token each |
| `Text` | written reports |
| `Vector` | frozen features of scans, expressions made elsewhere |
| `Signatures` | clinical signatures, expressed from the record at each date |
| `Demographics` | age and sex |
| `Signal` | waveforms with several leads |
"""

from semeia.data.modalities.demographics import Demographics
from semeia.data.modalities.events import Events
from semeia.data.modalities.picture import Picture
from semeia.data.modalities.record import Record
from semeia.data.modalities.signal import Signal
from semeia.data.modalities.signatures import Signatures
from semeia.data.modalities.table import Table
from semeia.data.modalities.text import Text
from semeia.data.modalities.vector import Vector
from semeia.data.modalities.volume import Volume

__all__ = ["Demographics", "Events", "Picture", "Record", "Signal", "Signatures", "Table", "Text", "Vector", "Volume"]
