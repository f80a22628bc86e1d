"""What sounds like a phrase without being it: by parts, by single phonemes, by similar words.

Phonemes are eSpeak NG's mnemonics for English (its document "Phonemes"): what
`espeak-ng -x` prints and what it takes between double brackets. A phoneme may
carry a stress mark in front, ' or ,.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

__all__ = ["Spoken", "distance", "joined_vowels", "near_misses", "parse"]

Word = tuple[str, ...]

_STRESS = "',"
# Classes within which one is easily taken for another (place and manner of articulation).
_CLASSES: tuple[tuple[str, ...], ...] = (
    ("p", "b", "t", "d", "k", "g"),
    ("f", "v", "T", "D", "s", "z", "S", "Z", "h", "tS", "dZ"),
    ("m", "n", "N"),
    ("l", "r", "w", "j"),
    ("I", "i:", "I2", "i", "E", "eI", "a", "3:", "@", "V"),
    ("A:", "0", "O:", "U", "u:", "oU", "aU", "aI", "OI"),
)
# Nobody can tell these apart in a noisy room: such a change is no near miss but the phrase itself.
_SAME: tuple[frozenset[str], ...] = tuple(frozenset(pair) for pair in (
    ("p", "b"), ("t", "d"), ("k", "g"), ("f", "T"), ("v", "D"), ("s", "z"), ("S", "Z"),
    ("tS", "dZ"), ("i:", "I"), ("i:", "i"), ("I", "i"), ("u:", "U"), ("E", "eI"), ("E", "a"),
    ("0", "A:"), ("0", "O:"), ("A:", "O:"), ("oU", "O:"), ("oU", "0"), ("@", "V"), ("@", "I"),
    ("3:", "@"), ("I2", "I"), ("I2", "i"), ("w", "h")))
_EASILY_LOST = ("@", "h", "w", "j", "I2")
_VOWEL_LETTERS = "aAeEiIoOuUyYV0@3&"
_REPLACEMENTS = ("p", "t", "k", "f", "s", "S", "tS", "h", "m", "n", "l", "r", "w", "j", "v", "z",
                 "b", "d", "g", "i:", "eI", "a", "A:", "u:", "oU", "aI", "aU", "3:", "V", "OI")
_SIMILAR = 24       # similar words of each word of the phrase
_CLOSEST = 0.5      # what is nearer to the phrase than this is the phrase


@dataclass(frozen=True)
class Spoken:
    """Something to say: as ``text``, or as ``phonemes`` where no spelling says it (else "")."""

    text: str
    phonemes: str = ""


def parse(line: str) -> tuple[Word, ...]:
    """The words of a line of `espeak-ng -x --sep=_`, each a row of phonemes with stress marks."""
    words = (tuple(p for p in word.split("_") if p.strip(_STRESS)) for word in line.split())
    return tuple(word for word in words if word)


def _bare(phoneme: str) -> str:
    return phoneme.lstrip(_STRESS)


@cache
def _change(a: str, b: str) -> float:
    """What taking one phoneme for another costs: 0 (the same) to 1."""
    a, b = _bare(a), _bare(b)
    if a == b:
        return 0.0
    if frozenset((a, b)) in _SAME:
        return 0.25
    if _vowel(a) and a[0].lower() == b[0].lower():  # "o:" for "oU", as other languages have it
        return 0.25
    if any(a in kind and b in kind for kind in _CLASSES):
        return 0.5
    return 0.75 if _vowel(a) == _vowel(b) else 1.0


def joined_vowels(sounds: Sequence[str]) -> list[str]:
    """Vowels that follow each other as one: what English has as a diphthong, others have as two."""
    joined: list[str] = []
    for sound in sounds:
        if joined and _vowel(joined[-1]) and (_vowel(sound) or sound == "j"):
            joined[-1] += _bare(sound)
        else:
            joined.append(sound)
    return joined


def _vowel(phoneme: str) -> bool:
    return _bare(phoneme)[0] in _VOWEL_LETTERS


def _loss(phoneme: str) -> float:
    return 0.4 if _bare(phoneme) in _EASILY_LOST else 0.8


def distance(a: Sequence[str], b: Sequence[str]) -> float:
    """Weighted edit distance of two rows of phonemes (Wagner and Fischer 1974).

    0: the same; 1 is about one phoneme of another kind.
    """
    row = [0.0]
    for phoneme in b:
        row.append(row[-1] + _loss(phoneme))
    for x in a:
        above, row = row, [row[0] + _loss(x)]
        for j, y in enumerate(b):
            row.append(min(above[j] + _change(x, y), above[j + 1] + _loss(x), row[j] + _loss(y)))
    return row[-1]


def near_misses(
    phrase: str, words: Sequence[Word], vocabulary: Mapping[str, Word]
) -> list[Spoken]:
    """What to say to be nearly taken for ``phrase``, in an order that depends on nothing else.

    ``words`` are the phrase's phonemes; ``vocabulary`` has common words with
    theirs. What nobody could tell from the phrase is left out.
    """
    spelled = phrase.split()
    whole = [p for word in words for p in word]
    found: dict[Spoken, list[str]] = {}

    def add(spoken: Spoken, sounds: list[str]) -> None:
        if sounds and distance(sounds, whole) >= _CLOSEST:
            found.setdefault(spoken, sounds)

    for changed in (*_parts(words), *_changes(words)):
        add(Spoken("", " ".join("".join(word) for word in changed)),
            [p for word in changed for p in word])
    if len(spelled) == len(words):
        for text, word in zip(spelled, words, strict=True):
            add(Spoken(text), list(word))
        for text, sounds in _with_similar(spelled, words, vocabulary):
            add(Spoken(text), sounds)
    return list(found)


def _parts(words: Sequence[Word]) -> list[list[Word]]:
    """Words of the phrase alone, fewer of them, in another order, cut off at a vowel, twice."""
    parts: list[list[Word]] = []
    if len(words) > 1:
        parts += [[word] for word in words]
        parts += [[word, word] for word in words]
        parts += [list(words[::-1])]
        parts += [[*words[:i], *words[i + 1:]] for i in range(len(words))]
    for number, word in enumerate(words):
        vowels = [i for i, p in enumerate(word) if _vowel(p)]
        for i in vowels[:-1]:
            parts.append([*words[:number], word[: i + 1]])      # what was begun and not ended
            if word[i + 1:]:
                parts.append([word[i + 1:], *words[number + 1:]])
    return parts


def _changes(words: Sequence[Word]) -> list[list[Word]]:
    """The phrase with one phoneme replaced by another vowel or consonant."""
    changes: list[list[Word]] = []
    for number, word in enumerate(words):
        for i, phoneme in enumerate(word):
            for other in _REPLACEMENTS:
                if _vowel(other) != _vowel(phoneme) or _change(phoneme, other) < 0.5:
                    continue
                mark = phoneme[: len(phoneme) - len(_bare(phoneme))]
                new = (*word[:i], mark + other, *word[i + 1:])
                changes.append([*words[:number], new, *words[number + 1:]])
    return changes


def _with_similar(
    spelled: Sequence[str], words: Sequence[Word], vocabulary: Mapping[str, Word]
) -> list[tuple[str, list[str]]]:
    """The phrase with a word replaced by a similar one, and pairs of similar words."""
    phrases: list[tuple[str, list[str]]] = []
    similar = [_similar(word, vocabulary) for word in words]
    for number in range(len(words)):
        for word in similar[number]:
            text = [*spelled[:number], word, *spelled[number + 1:]]
            sounds = [vocabulary[word] if i == number else w for i, w in enumerate(words)]
            phrases.append((" ".join(text), [p for w in sounds for p in w]))
            phrases.append((word, list(vocabulary[word])))
    for a, b in zip(similar, similar[1:], strict=False):
        for i, first in enumerate(a[:8]):
            second = b[i % len(b)]
            phrases.append((f"{first} {second}", [*vocabulary[first], *vocabulary[second]]))
    return phrases


def _similar(word: Word, vocabulary: Mapping[str, Word]) -> list[str]:
    """The nearest words of a vocabulary, nearest first; not those that sound the same."""
    ranked = sorted((distance(sounds, word) / max(len(sounds), len(word)), text)
                    for text, sounds in vocabulary.items())
    return [text for near, text in ranked if near > 0][:_SIMILAR]
