"""Agreement beyond chance: Cohen's kappa of two appraisers, Fleiss' of several."""

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scipy.stats import norm

ONE_ANSWER: Final = "undefined: all answers are the same, so that chance alone agrees as well"
NO_PAIRS: Final = "undefined: they have no presentation in common"
NO_WIDTH: Final = "no interval: the asymptotic one has no width here, which would claim too much"
ROUNDING: Final = 1e-9
"""Standard errors below it are 0: nobody disagrees, all disagree, or one of the two gives the same answer to all."""

NONE_IN_COMMON: Final = "undefined: there is no presentation that all have judged"


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement beyond chance: 1 is perfect, 0 what chance gives, below 0 is worse than chance."""

    value: float | None
    low: float | None = None
    high: float | None = None
    """With ``low``, the two-sided interval, cut off at -1 and 1."""
    presentations: int = 0
    """Presentations that all the appraisers have judged."""
    note: str = ""
    """Why there is no value, or no interval."""


Answers = Sequence[tuple[Hashable, Hashable]]
"""What two appraisers said in each presentation."""


def cohen(answers: Mapping[str, Answers], confidence: float) -> Kappa:
    """Cohen's (1960) kappa of the answers of two appraisers, by part.

    The interval is the asymptotic one of Fleiss, Cohen and Everitt (1969), whose variance is that of the sum of what
    each pair of answers contributes. Contributions of one part are added before they are squared, since pictures of one
    part resemble each other; where each part has one presentation, that is their formula.
    """
    pairs = [pair for own in answers.values() for pair in own]
    if not pairs:
        return Kappa(None, note=NO_PAIRS)
    n = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(two for _, two in pairs)
    agreed = sum(one == two for one, two in pairs)
    by_chance = sum(first[answer] * second[answer] for answer in first)
    if by_chance == n * n:
        return Kappa(None, presentations=n, note=ONE_ANSWER)
    observed, expected = agreed / n, by_chance / n**2

    def contribution(one: Hashable, two: Hashable) -> float:
        chance = (second[one] + first[two]) / n - 2 * expected
        gain = (1 - expected) * ((one == two) - observed) - (1 - observed) * chance
        return gain / (1 - expected) ** 2

    error = math.sqrt(sum(sum(contribution(*pair) for pair in own) ** 2 for own in answers.values())) / n
    kappa = (observed - expected) / (1 - expected)
    if error < ROUNDING:
        return Kappa(kappa, presentations=n, note=NO_WIDTH)
    reach = float(norm.ppf((1 + confidence) / 2)) * error
    return Kappa(kappa, max(kappa - reach, -1.0), min(kappa + reach, 1.0), n)


def fleiss(answers: Sequence[Sequence[Hashable]]) -> Kappa:
    """Fleiss' (1971) kappa: for each presentation the answers of all appraisers, as many each time, at least two.

    It has no interval: that of 1971 holds only where there is no agreement.
    """
    if not answers:
        return Kappa(None, note=NONE_IN_COMMON)
    n, raters = len(answers), len(answers[0])
    counts = [Counter(own) for own in answers]
    agreed = sum(sum(count * (count - 1) for count in own.values()) for own in counts)
    total = sum(counts, Counter[Hashable]())
    observed = agreed / (n * raters * (raters - 1))
    if len(total) == 1:
        return Kappa(None, presentations=n, note=ONE_ANSWER)
    expected = sum(count**2 for count in total.values()) / (n * raters) ** 2
    return Kappa((observed - expected) / (1 - expected), presentations=n)
