"""Your own data: IDX files, tables, folders of pictures and ``.npz`` files, as arrays to train on.

`load` finds out the format. Each format has a file of its own here; `mnist/` holds the data that comes with fastnet.
"""

from fastnet.data._loading import load

__all__ = ["load"]
