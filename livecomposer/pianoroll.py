"""A piano roll in characters."""

from collections.abc import Sequence

from livecomposer.midi.files import WRITTEN_DIVISION, TimedNote
from livecomposer.music.tokens import spell_pitch

MARKS = "█▒"
PLAIN_MARKS = "#o"

_COLUMN = WRITTEN_DIVISION // 2
_BAR = 8  # columns: four beats


def draw(parts: Sequence[Sequence[TimedNote]], marks: str = MARKS) -> str:
    """Draw parts in one picture: a row for each pitch that occurs, a column for each half beat.

    Args:
        parts: notes; the first part is drawn over the others.
        marks: the character of each part's notes.

    Returns:
        Lines, highest pitch first, with a last line that counts beats; "" if there are no notes.
    """
    notes = [note for part in parts for note in part]
    if not notes:
        return ""
    first = min(note.onset for note in notes) // _COLUMN
    columns = -(-max(note.end for note in notes) // _COLUMN) - first
    ruled = "".join("|" if column % _BAR == 0 else " " for column in range(columns))
    rows = {pitch: list(ruled) for pitch in sorted({n.pitch for n in notes}, reverse=True)}
    for part, mark in reversed(list(zip(parts, marks, strict=False))):
        for note in part:
            begin = round(note.onset / _COLUMN) - first
            end = max(begin + 1, round(note.end / _COLUMN) - first)
            for column in range(begin, min(end, columns)):
                rows[note.pitch][column] = mark
    beats = "".join(str(column // 2).ljust(_BAR) for column in range(0, columns, _BAR))
    lines = [f"{spell_pitch(pitch):>4} {''.join(row)}" for pitch, row in rows.items()]
    return "\n".join([*lines, f"beat {beats}"])
