"""What a picture looks like, whatever it shows: two numbers by which a lamp, a lens or an exposure gives itself away.

Both are of the picture at the model's input size, so that those of training and of the line can be compared.
"""

import cv2

from inspector.inspection import Pixels


def brightness(picture: Pixels) -> float:
    """Mean grey, 0 to 255."""
    return float(cv2.mean(_grey(picture))[0])


def sharpness(picture: Pixels) -> float:
    """Variance of the Laplacian of grey: the more and the sharper the edges, the larger; 0 for a picture of one grey.

    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy", ICPR 2000.
    """
    _, deviation = cv2.meanStdDev(cv2.Laplacian(_grey(picture), cv2.CV_16S))
    return float(deviation[0, 0] ** 2)


def _grey(picture: Pixels) -> cv2.typing.MatLike:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
