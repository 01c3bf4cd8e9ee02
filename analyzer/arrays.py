"""Names for the arrays that every layer computes with."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

Places = npt.NDArray[np.int32]
"""Numbers of proxies or steps where tens of millions are held at a time."""
