"""What a rule that delivers proven bulk mail instead of holding it would do to judged messages, told in a table.

The rule itself is policy (`bulk-deliver` in policies/default.yaml). Whether a signature on old mail was good cannot be
known any more, since the keys are gone: here every signature that names the author's site counts as proof. That is
true of honest mail and too kind to forgers: what the table says of bad mail is the most that the rule could let in.
"""

from __future__ import annotations

from typing import Final

from gateway.spam.measuring.measure import Array, Judged
from gateway.spam.shares import interval

HELD: Final = 2.0
"""From this score on the default policy holds mail."""
MARKED: Final = 0.5
"""From this score on it marks mail as spam."""
UP_TO: Final = (3.0, 4.0)
"""Scores below which the rule delivers, each a column; the last is that of the default policy."""


def newsletters(judged: Judged) -> str:
    """The table as Markdown."""
    groups = {
        "Modern letters": judged.letters & judged.modern,
        "Old letters": judged.letters & ~judged.modern,
        "Ordinary commercial, header real": judged.ordinary & ~judged.invented,
        "Hard commercial": judged.hard,
        "Modern spam": (judged.label == "spam") & judged.modern,
        "Spam of the mailbox of hard commercial": (judged.label == "spam") & (judged.source == "foff"),
        "Old spam": (judged.label == "spam") & ~judged.modern,
        "Phishing": judged.label == "phishing",
    }
    proven = judged.bulk & judged.signed & (judged.fraud <= 0)
    lines = [
        f"Held is what scores {HELD:g} or more, marked as spam what scores {MARKED:g} or more, held mail included. "
        "The rule delivers as bulk what is built as bulk mail, is not taken for phishing, has a signature that names "
        "the author's site (whether it was good cannot be known any more: the most that a forger could gain), and "
        "scores below the column's bound. Of ordinary commercial ham only messages with a real header are counted.",
        "",
        "| Mail | Messages | Built as bulk | and signed | Held without the rule | "
        + " | ".join(f"Held, rule below {bound:g}" for bound in UP_TO)
        + f" | Marked without the rule | Marked, rule below {UP_TO[-1]:g} |",
        "|---|---|---|---|---|" + "---|" * (len(UP_TO) + 2),
    ]
    for name, mask in groups.items():
        count = int(mask.sum())
        cells = [_plain(judged.bulk, mask), _plain(judged.bulk & judged.signed, mask)]
        cells.append(_share(mask & (judged.score >= HELD), count))
        for bound in UP_TO:
            held = (judged.score >= HELD) & ~(proven & (judged.score < bound))
            cells.append(_share(mask & held, count))
        marked = mask & (judged.score >= MARKED)
        cells += [_share(marked, count), _share(marked & ~(proven & (judged.score < UP_TO[-1])), count)]
        lines.append(f"| {name} | {count:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _plain(hits: Array, mask: Array) -> str:
    return f"{hits[mask].mean():.1%}" if mask.any() else "–"


def _share(hits: Array, count: int) -> str:
    if not count:
        return "–"
    low, high = interval(int(hits.sum()), count)
    return f"{hits.sum() / count:.2%} ({100 * low:.1f} to {100 * high:.1f})"
