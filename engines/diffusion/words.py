"""Which words a model knows, and how a caption or the name of a class becomes numbers."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from engines.diffusion.condition import FIRST_WORD, NOTHING, UNKNOWN, Condition

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
MOST_WORDS = 4_096
LONGEST = 32
"""Words of a caption that count; what stands behind them is not read."""
HIDDEN = 0.01
"""Share of the words that are learnt from as if they were unknown."""


class Encoded(NamedTuple):
    """Texts as numbers, and what was not understood."""

    condition: Condition
    unknown: tuple[str, ...]
    """Words that the vocabulary does not have, in the order in which they came."""
    cut: int
    """How many texts are longer than what is read of them."""


@dataclass(frozen=True)
class Vocabulary:
    """The words of captions, or the names of classes, in the order of their tokens."""

    words: tuple[str, ...]
    classes: bool = False
    """A text is the name of a class as a whole, not a caption."""
    longest: int = LONGEST

    @classmethod
    def of_captions(cls, captions: Iterable[str]) -> "Vocabulary":
        """The words of `captions`, the most frequent `MOST_WORDS` of them if there are more."""
        count: Counter[str] = Counter()
        longest = 1
        for caption in captions:
            found = split(caption)[:LONGEST]
            longest = max(longest, len(found))
            count.update(found)
        most = sorted(count, key=lambda word: (-count[word], word))[:MOST_WORDS]
        return cls(tuple(sorted(most)), longest=longest)

    @classmethod
    def of_classes(cls, names: Iterable[str]) -> "Vocabulary":
        """One word for each of `names`."""
        return cls(tuple(sorted({tidy(name) for name in names} - {""})), classes=True, longest=1)

    @property
    def size(self) -> int:
        """How many tokens there are, with those for nothing and for unknown words."""
        return FIRST_WORD + len(self.words)

    def split(self, text: str) -> list[str]:
        """The words of a caption, or the name of a class as one; as the tokens stand for them."""
        if self.classes:
            return [name] if (name := tidy(text)) else []
        return split(text)[: self.longest]

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Numbers for `texts`, padded to the longest; an empty text asks for nothing."""
        numbers = {word: FIRST_WORD + i for i, word in enumerate(self.words)}
        rows, unknown, cut = [], {}, 0
        for text in texts:
            words = self.split(text)
            cut += not self.classes and len(split(text)) > self.longest
            unknown |= dict.fromkeys(word for word in words if word not in numbers)
            rows.append([numbers.get(word, UNKNOWN) for word in words] or [NOTHING])
        longest = max((len(row) for row in rows), default=1)
        padded = [row + [NOTHING] * (longest - len(row)) for row in rows]
        tokens = torch.tensor(padded, dtype=torch.int64).view(len(rows), longest)
        counts = torch.tensor([len(row) for row in rows], dtype=torch.int64)
        mask = torch.arange(longest) < counts[:, None]
        return Encoded(Condition(tokens, mask), tuple(unknown), cut)

    def about(self) -> dict[str, Any]:
        """JSON values from which `of` makes it again."""
        return {"words": list(self.words), "classes": self.classes, "longest": self.longest}

    @classmethod
    def of(cls, about: dict[str, Any]) -> "Vocabulary":
        """The inverse of `about`; raises KeyError or TypeError where something is missing."""
        words = tuple(str(word) for word in about["words"])
        return cls(words, bool(about["classes"]), int(about["longest"]))


def tidy(text: str) -> str:
    """`text` in lower case with single spaces and one spelling of every letter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def split(caption: str) -> list[str]:
    """The words of `caption` in lower case, without punctuation."""
    return _WORD.findall(tidy(caption))


def hidden_at_random(condition: Condition, generator: torch.Generator) -> Condition:
    """`condition` with a share of `HIDDEN` of its words unknown, each drawn for itself.

    The captions to learn from have no unknown words, so that what such a word looks like would
    stay what it was by chance: a strong word that means nothing. An unknown class comes to mean
    any.
    """
    drawn = torch.rand(condition.tokens.shape, generator=generator, device=generator.device)
    return condition.hidden((drawn < HIDDEN).to(condition.tokens.device))


def unread_notes(encoded: Sequence[Encoded], vocabulary: Vocabulary) -> Iterator[str]:
    """Sentences on what of the captions to learn from will not be read."""
    if unknown := tuple(dict.fromkeys(word for each in encoded for word in each.unknown)):
        yield (
            f"The captions have {len(vocabulary.words) + len(unknown):,} different words, of which "
            f"the {len(vocabulary.words):,} most frequent are learnt; {_named(unknown)} count as "
            "unknown"
        )
    if cut := sum(each.cut for each in encoded):
        captions = f"{cut:,} captions are" if cut > 1 else "1 caption is"
        yield (
            f"{captions} longer than {vocabulary.longest} words, behind which nothing is read; say "
            "what matters first"
        )


def unknown_note(unknown: Sequence[str], vocabulary: Vocabulary) -> str:
    """A sentence naming words that the model does not know, or nothing."""
    if not unknown:
        return ""
    what = "class" if vocabulary.classes else "word"
    some = ", ".join(vocabulary.words[:8]) + (", ..." if len(vocabulary.words) > 8 else "")
    plural = ("es" if what == "class" else "s") if len(unknown) > 1 else ""
    return (
        f"The model does not know the {what}{plural} {_named(unknown)} and takes "
        f"{'them' if plural else 'it'} as unknown; it knows {some}"
    )


def _named(words: Sequence[str]) -> str:
    """The first few of `words`, and how many more there are."""
    named = ", ".join(f"“{word}”" for word in words[:5])
    return named + (f" and {len(words) - 5:,} more" if len(words) > 5 else "")
