"""List the modalities there are; a new one is one file here.

| name | what it is |
|---|---|
| `Volume` | images with a spacing in millimetres (CT) |
| `Picture` | images without one (radiographs, endoscopies), gray or in colours |
| `Table` | numbers with names (a structured reading, demographics) |
| `Text` | written reports |
| `Vector` | signature expressions, frozen features |
| `Signal` | waveforms with several leads |
"""

from semeia.data.modalities.picture import Picture
from semeia.data.modalities.signal import Signal
from semeia.data.modalities.table import Table
from semeia.data.modalities.text import Text
from semeia.data.modalities.vector import Vector
from semeia.data.modalities.volume import Volume

__all__ = ["Picture", "Signal", "Table", "Text", "Vector", "Volume"]
